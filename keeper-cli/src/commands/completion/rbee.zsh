#compdef rbee
# rbee in zsh: `rbee completion zsh` prints this file.
_rbee() {
  local word about
  local -a found
  while IFS=$'\t' read -r word about; do
    # The last line says that file names are not meant.
    [[ $word == :* ]] && continue
    found+=("${word//:/\\:}:$about")
  done < <(rbee complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  _describe rbee found
}
if [[ $funcstack[1] == _rbee ]]; then _rbee "$@"; else compdef _rbee rbee; fi
