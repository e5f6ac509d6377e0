"""`pynsc`: commands by name; a command's module is imported when it is called."""

from __future__ import annotations

import sys

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.program import run_program
from pynats_common.version import version_line

from pynsc.table import ALIASES, COMMANDS, GROUPS

TITLE = "Create NATS operators, accounts and users, and manage their permissions."

_TAKE_VALUE = ("-K", "--private-key", "--config-dir", "--data-dir", "--keystore-dir", "-H",
               "--all-dirs")  # fmt: skip
_KNOWN = (*_TAKE_VALUE, "-i", "--interactive", "-J", "--json", "-v", "--version", "-h", "--help")


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
    flags = [text for text in rest if text.startswith("-") and text.partition("=")[0] not in _KNOWN]
    if flags:
        hint = did_you_mean(flags[0], [text for text in _KNOWN if text.startswith("--")], "")
        return _refuse(f"unknown flag {flags[0]}{hint}", path)
    print(_help(path))
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
    while index < len(arguments):
        text = arguments[index]
        if text.startswith("-"):
            step = 2 if text in _TAKE_VALUE else 1
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
        from pynats_common.commandline.helptext import command_help

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


def _help(path: str) -> str:
    """Commands below `path`."""
    prefix = f"{path} " if path else ""
    entries = {name: row.help for name, row in COMMANDS.items()} | GROUPS
    below = {
        name[len(prefix) :]: text
        for name, text in entries.items()
        if name.startswith(prefix) and " " not in name[len(prefix) :] and name != path and text
    }
    width = max(map(len, below), default=0)
    title = GROUPS.get(path) or TITLE
    lines = [title, "", f"Usage:\n  pynsc {prefix}[command]", "", "Available Commands:"]
    lines += [f"  {name:<{width}}  {text}" for name, text in sorted(below.items())]
    lines += ["", "Global Flags:",
              "  -i, --interactive          ask questions for various settings",
              "  -K, --private-key string   role, public key, seed or key path",
              "      --config-dir, --data-dir, --keystore-dir, -H/--all-dirs   directories",
              "  -J, --json                 print JSON",
              "", f'Use "pynsc {prefix}[command] --help" for more about a command.']  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    run_program("pynsc", lambda: main)
