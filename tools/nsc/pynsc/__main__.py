"""`pynsc`: commands by name; a command's module is imported when it is called."""

from __future__ import annotations

import importlib
import sys

from pynsc.table import ALIASES, COMMANDS, GROUPS

TITLE = "Create NATS operators, accounts and users, and manage their permissions."


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
        from importlib.metadata import version

        print(f"pynsc version {version('pynats-toolbox')}")
        return 0
    if words and words[0] != "help":
        print(f'Error: unknown command "{words[0]}" for "pynsc {path}": see pynsc --help'.replace(
            ' "pynsc "', ' "pynsc"'), file=sys.stderr)  # fmt: skip
        return 1
    print(_help(path))
    return 0


def _resolve(arguments: list[str]) -> tuple[str, list[str]]:
    """Command path and the other arguments; global flags may precede the command."""
    path, rest, index = "", [], 0
    takes_value = {"-K", "--private-key", "--config-dir", "--data-dir", "--keystore-dir", "-H",
                   "--all-dirs"}  # fmt: skip
    while index < len(arguments):
        text = arguments[index]
        if text.startswith("-"):
            step = 2 if text in takes_value else 1
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
    from pynsc.cli import build

    module, function, options, help_text = COMMANDS[path]
    loaded = importlib.import_module(f"pynsc.commands.{module}")
    command = build(path, getattr(loaded, function), getattr(loaded, options), help_text)
    from typer import Abort, TyperException

    try:
        status = command.main(args=rest, prog_name=f"pynsc {path}", standalone_mode=False)
    except TyperException as error:
        from pynsc.render import show_failure

        message: str = getattr(error, "format_message", error.__str__)()
        text = f"{message.rstrip('.')}: see pynsc {path} --help"
        show_failure(None, text, bool({"-J", "--json"} & set(rest)))
        return 1
    except Abort:
        print("interrupted", file=sys.stderr)
        return 130
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return int(status or 0)


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
    entries = {name: row[3] for name, row in COMMANDS.items()} | GROUPS
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
    sys.exit(main())
