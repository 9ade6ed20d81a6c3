# rbee in fish: `rbee completion fish` prints this file.
function __rbee_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The last line says that file names are not meant.
    rbee complete -- $words[2..-1] "$current" 2>/dev/null | string match -v -r '^:'
end
complete -c rbee -f -a "(__rbee_complete)"
