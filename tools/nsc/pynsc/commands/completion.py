"""`completion` scripts for bash, zsh, fish and powershell.

They call the hidden `pynsc __complete =CURRENT WORDS...`, which prints one candidate per line. The
word at the cursor comes first and after a `=`, because some shells drop empty arguments. No script
evaluates a candidate: names in a store are untrusted text.
"""

from __future__ import annotations

from pynsc.cli import Options
from pynsc.core.session import Session

_BASH = """\
# bash completion for pynsc: source <(pynsc completion bash)
_pynsc_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done < <(pynsc __complete "=${COMP_WORDS[COMP_CWORD]}" \\
        "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}
complete -o default -F _pynsc_complete pynsc
"""

_ZSH = """\
#compdef pynsc
# zsh completion for pynsc: source <(pynsc completion zsh)
_pynsc() {
    local -a found
    found=("${(@f)$(pynsc __complete "=${words[CURRENT]}" \\
        "${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
    found=("${(@)found:#}")
    if (( ${#found} )); then compadd -a found; else _files; fi
}
compdef _pynsc pynsc
"""

_FISH = """\
# fish completion for pynsc: pynsc completion fish | source
function __pynsc_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    pynsc __complete "=$current" $before[2..-1] 2>/dev/null
end
complete -c pynsc -a '(__pynsc_complete)'
"""

_POWERSHELL = """\
# powershell completion for pynsc: pynsc completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName pynsc -ScriptBlock {
    param($word, $ast, $cursor)
    $before = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if ($word -ne '') { $before = @($before | Select-Object -SkipLast 1) }
    pynsc __complete "=$word" @before 2>$null | ForEach-Object {
        $text = if ($_ -match '^[\\w./:*-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
    }
}
"""


def bash(session: Session, options: Options) -> None:
    session.report.output = _BASH


def zsh(session: Session, options: Options) -> None:
    session.report.output = _ZSH


def fish(session: Session, options: Options) -> None:
    session.report.output = _FISH


def powershell(session: Session, options: Options) -> None:
    session.report.output = _POWERSHELL
