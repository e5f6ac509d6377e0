"""Scripts that make bash, zsh, fish and PowerShell complete the words of a program.

They call the hidden `PROGRAM __complete =CURRENT WORDS...`, which prints one candidate a line. The
word at the cursor comes first and after a `=`, because some shells drop empty arguments. No script
evaluates a candidate: names in a store or on a server are untrusted text.
"""

from __future__ import annotations

_BASH = """\
# bash completion for PROGRAM: source <(PROGRAM completion bash)
_PROGRAM_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done < <(PROGRAM __complete "=${COMP_WORDS[COMP_CWORD]}" \\
        "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -o default -F _PROGRAM_complete PROGRAM
"""

_ZSH = """\
#compdef PROGRAM
# zsh completion for PROGRAM: source <(PROGRAM completion zsh)
_PROGRAM() {
    local -a found
    found=("${(@f)$(PROGRAM __complete "=${words[CURRENT]}" \\
        "${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
    found=("${(@)found:#}")
    if (( ${#found} )); then compadd -a found; else _files; fi
}
# The file is the function when zsh finds it in $fpath.
if [ "$funcstack[1]" = _PROGRAM ]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
"""

_FISH = """\
# fish completion for PROGRAM: PROGRAM completion fish | source
function __PROGRAM_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    PROGRAM __complete "=$current" $before[2..-1] 2>/dev/null
end
complete -c PROGRAM -a '(__PROGRAM_complete)'
"""

_POWERSHELL = """\
# powershell completion for PROGRAM: PROGRAM completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
    param($word, $ast, $cursor)
    $before = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if ($word -ne '') { $before = @($before | Select-Object -SkipLast 1) }
    PROGRAM __complete "=$word" @before 2>$null | ForEach-Object {
        $text = if ($_ -match '^[\\w./:*-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
    }
}
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}
SHELLS = tuple(_SCRIPTS)


def completion_script(shell: str, program: str) -> str:
    """The script for one of `SHELLS`."""
    return _SCRIPTS[shell].replace("PROGRAM", program)
