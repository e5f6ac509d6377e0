"""zsh: a list for `_arguments`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from pynats_packaging.programs.program import Flag, Program

_SPECIAL = re.compile(r"[\\\[\]:]")
_INDENT = " " * 8


def zsh_script(program: Program) -> str:
    """The script."""
    function = f"_{program.name}"
    lines = [f"#compdef {program.name}", f"# zsh completion for {program.name}", f"{function}() {{"]
    for command, below in program.commands.items():
        if below:
            lines.append(f"    if (( ${{words[(I){command}]}} )); then")
            more = (
                f"1:command:({command})",
                f"2:command:({' '.join(below)})",
                "3:folder:_files -/",
            )
            lines += _arguments(program.command_flags, more)
            lines += [f"{_INDENT}return", "    fi"]
    words = (f"1:command:({' '.join(program.commands)})",) if program.commands else ()
    lines += _arguments(program.all_flags, words)
    call = f'if [ "$funcstack[1]" = {function} ]; then {function} "$@"'
    lines += ["}", f"{call}; else compdef {function} {program.name}; fi"]
    return "\n".join(lines) + "\n"


def _arguments(flags: Iterable[Flag], more: Iterable[str]) -> Iterator[str]:
    specs = [*(spec for flag in flags for spec in _specs(flag)), *more]
    yield "    _arguments \\"
    for spec in specs[:-1]:
        yield f"{_INDENT}{shlex.quote(spec)} \\"
    yield f"{_INDENT}{shlex.quote(specs[-1])}"


def _specs(flag: Flag) -> Iterator[str]:
    """`(-c --config)--config=[help]:file:_files`, one for each name."""
    others = f"({' '.join(flag.names)})" if len(flag.names) > 1 else ""
    for name in flag.names:
        equals = "=" if flag.takes and name.startswith("--") else ""
        yield f"{others}{name}{equals}[{_escaped(flag.help)}]{_value(flag)}"


def _value(flag: Flag) -> str:
    if not flag.takes:
        return ""
    ways = {"file": "_files", "folder": "_files -/", "text": " "}
    way = f"({' '.join(flag.choices)})" if flag.choices else ways[flag.takes]
    return f":{_escaped(flag.value.strip('<>'))}:{way}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)
