"""fish: a line for each flag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pynats_packaging.programs.program import Flag, Program

_NO_COMMAND = "not __fish_seen_subcommand_from"


def fish_script(program: Program) -> str:
    """The script."""
    start = f"complete -c {program.name}"
    commands = " ".join(program.commands)
    first = f" -n {_quoted(f'{_NO_COMMAND} {commands}')}" if commands else ""
    lines = [f"# fish completion for {program.name}", f"{start} -f"]
    lines += (f"{start}{first} {rest}" for rest in _flags(program.all_flags))
    if commands:
        lines.append(f"{start}{first} -a {_quoted(commands)}")
    for command, below in program.commands.items():
        if below:
            seen = f"__fish_seen_subcommand_from {command}"
            names = " ".join(below)
            then = f"{seen}; and {_NO_COMMAND} {names}"
            lines.append(f"{start} -n {_quoted(then)} -a {_quoted(names)}")
            after = f"{seen}; and __fish_seen_subcommand_from {names}"
            lines.append(f"{start} -n {_quoted(after)} -a '(__fish_complete_directories)'")
            lines += (f"{start} -n {_quoted(seen)} {rest}" for rest in
                      _flags(program.command_flags))  # fmt: skip
    return "\n".join(lines) + "\n"


def _flags(flags: Iterable[Flag]) -> Iterator[str]:
    for flag in flags:
        names = " ".join(map(_name, flag.names))
        yield f"{names}{_value(flag)} -d {_quoted(flag.help)}"


def _name(name: str) -> str:
    bare = name.lstrip("-")
    if name.startswith("--"):
        return f"-l {bare}"
    return f"-s {bare}" if len(bare) == 1 else f"-o {bare}"


def _value(flag: Flag) -> str:
    if flag.choices:
        return f" -x -a {_quoted(' '.join(flag.choices))}"
    ways = {
        "": "",
        "text": " -x",
        "file": " -r -F",
        "folder": " -x -a '(__fish_complete_directories)'",
    }
    return ways[flag.takes]


def _quoted(text: str) -> str:
    """fish knows two escapes between single quotes, and POSIX none."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
