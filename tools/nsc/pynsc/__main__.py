"""`pynsc`: commands by name; a command's module is imported when it is called."""

from __future__ import annotations

import sys

from pynats_common.commandline.help.text import group_help
from pynats_common.commandline.suggest import did_you_mean
from pynats_common.commandline.tree import Group
from pynats_common.program.running import run_program
from pynats_common.program.version import version_line

from pynsc.table import ALIASES, COMMANDS, GROUPS

TITLE = "Create NATS operators, accounts and users, and manage their permissions"

_OPTIONS = "pynsc.cli:Options"
_ALONE = ("-v", "--version", "-h", "--help")


def main(argv: list[str] | None = None) -> int:
    """Runs with these arguments; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["__complete"]:
        return _complete(arguments[1:])
    path, rest = _resolve(arguments)
    if path in COMMANDS:
        return _call(path, rest)
    words = [text for text in rest if not text.startswith("-")]
    if "-v" in rest or "--version" in rest:
        print(version_line("pynsc"))
        return 0
    if words and words[0] != "help":
        return _refuse(f'unknown command "{words[0]}"{_similar(path, words[0])}', path)
    known = (*tree(path).value_flags(), *_ALONE)
    flags = [text for text in rest if text.startswith("-") and text.partition("=")[0] not in known]
    if flags:
        hint = did_you_mean(flags[0], [text for text in known if text.startswith("--")], "")
        return _refuse(f"unknown flag {flags[0]}{hint}", path)
    print(group_help(("pynsc", *path.split()), tree(path)), end="")
    return 0


def _refuse(why: str, path: str) -> int:
    place = f"pynsc {path}".strip()
    print(f"Error: {why} for {place}: see {place} --help", file=sys.stderr)
    return 1


def _similar(path: str, word: str) -> str:
    prefix = f"{path} " if path else ""
    names = (*COMMANDS, *GROUPS, *ALIASES)
    below = {name[len(prefix) :] for name in names if name.startswith(prefix)}
    return did_you_mean(word, sorted(name for name in below if name and " " not in name))


def _resolve(arguments: list[str]) -> tuple[str, list[str]]:
    """Command path and the other arguments; global flags may precede the command."""
    path, rest, index = "", [], 0
    flags = tree("").value_flags()
    while index < len(arguments):
        text = arguments[index]
        if text.startswith("-"):
            step = 2 if flags.get(text) else 1
            rest += arguments[index : index + step]
            index += step
            continue
        if text == "help" and not path:
            index += 1
            rest.append("--help")
            continue
        candidate = f"{path} {text}".strip()
        candidate = ALIASES.get(candidate, candidate)
        if candidate not in COMMANDS and candidate not in GROUPS:
            break
        path, index = candidate, index + 1
        if path in COMMANDS:
            break
    return path, rest + arguments[index:]


def _call(path: str, rest: list[str]) -> int:
    from pynats_common.commandline.parse import BadUsageError, BadValueError, parse, wants_help

    command = COMMANDS[path]
    if wants_help(rest):
        from pynats_common.commandline.help.text import command_help

        print(command_help(("pynsc", *path.split()), command), end="")
        return 0
    try:
        options = parse(command.options(), rest)
    except (BadUsageError, BadValueError) as error:
        from pynsc.render import show_failure

        show_failure(None, f"{error}: see pynsc {path} --help", bool({"-J", "--json"} & set(rest)))
        return 1
    from pynsc.cli import execute

    return execute(path, command, options)


def _complete(arguments: list[str]) -> int:
    """Completions of the word `=CURRENT` after the other words, for the completion scripts."""
    from pynsc.complete import candidates

    current = arguments[0].removeprefix("=") if arguments else ""
    path, rest = _resolve(arguments[1:])
    for text in candidates(path, rest, current):
        print(text)
    return 0


def tree(path: str = "") -> Group:
    """What is below `path`, sorted."""
    prefix = f"{path} " if path else ""
    below = sorted(name for name in (*COMMANDS, *GROUPS)
                   if name.startswith(prefix) and " " not in name[len(prefix) :])  # fmt: skip
    rows = tuple(COMMANDS.get(each) or tree(each) for each in below)
    name = f"pynsc {path}".split()[-1]
    hidden = not GROUPS.get(path, TITLE)
    return Group(name, GROUPS.get(path) or TITLE, rows, hidden=hidden, options=_OPTIONS)


if __name__ == "__main__":
    run_program("pynsc", lambda: main)
