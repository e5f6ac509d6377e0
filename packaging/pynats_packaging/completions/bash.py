"""bash: a function that looks at the word before the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from pynats_packaging.programs.program import Flag, Program

_HEAD = """\
# bash completion for {program}
{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} word
    COMPREPLY=()
    if [[ $current == = ]]; then  # --flag=value is three words
        current=
    elif [[ $previous == = ]]; then
        previous=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
"""


def bash_script(program: Program) -> str:
    """The script."""
    function = f"_{program.name.replace('-', '_')}_complete"
    lines = [_HEAD.format(program=program.name, function=function).rstrip("\n")]
    flags = (*program.all_flags, *program.command_flags)
    lines += _values(flags)
    if program.commands:
        lines += _commands(program)
    lines.append(f"    {_offer(_names(program.all_flags))}")
    lines += ["}", f"complete -F {function} {program.name}"]
    return "\n".join(lines) + "\n"


def _values(flags: Iterable[Flag]) -> Iterator[str]:
    """What may follow flags that take a value."""
    ways: dict[str, list[str]] = {}
    for flag in flags:
        if flag.takes:
            ways.setdefault(_value(flag), []).extend(flag.spellings)
    yield "    case $previous in"
    for way, names in ways.items():
        yield f"    {' | '.join(dict.fromkeys(names))})"
        yield f"        {way}"
        yield "        return ;;"
    yield "    esac"


def _value(flag: Flag) -> str:
    if flag.choices:
        return _offer(flag.choices)
    if flag.takes == "text":
        return ":"
    kind = "-f" if flag.takes == "file" else "-d"
    return f'compopt -o filenames; mapfile -t COMPREPLY < <(compgen {kind} -- "$current")'


def _commands(program: Program) -> Iterator[str]:
    """Words that come first, and what is behind them."""
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield "        case $word in"
    for command, below in program.commands.items():
        if below:
            yield f"        {command})"
            yield "            if [[ $current == -* ]]; then"
            yield f"                {_offer(_names(program.command_flags))}"
            yield f"            elif [[ $previous == {command} ]]; then"
            yield f"                {_offer(below)}"
            yield "            else"
            yield "                compopt -o filenames"
            yield '                mapfile -t COMPREPLY < <(compgen -d -- "$current")'
            yield "            fi"
            yield "            return ;;"
    yield "        esac"
    yield "    done"
    yield "    if [[ $current != -* ]]; then"
    yield f"        {_offer(program.commands)}"
    yield "        return"
    yield "    fi"


def _names(flags: Iterable[Flag]) -> list[str]:
    return [name for flag in flags for name in flag.names]


def _offer(words: Iterable[str]) -> str:
    return f'mapfile -t COMPREPLY < <(compgen -W {shlex.quote(" ".join(words))} -- "$current")'
