# rbee in bash, also that of macOS: `rbee completion bash` prints this file.
_rbee() {
  local line=${COMP_LINE:0:COMP_POINT} words last word
  # Words as they are typed, never evaluated; bash's own are taken apart at : and =.
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  last=${words[${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    # The last line says that file names are not meant.
    [[ $word == :* ]] && continue
    # Only what stands behind the last : or = is replaced.
    COMPREPLY+=("${word#"${last%"${last##*[:=]}"}"}")
  done < <(rbee complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _rbee rbee
