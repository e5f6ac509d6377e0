"""What the program says of itself to shells and to other programs, by flags that are no commands:
`--fisk-introspect`, `--help-llm`, `--completion-script-SHELL`, and the words that completion
scripts ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pynats_common.commandline.tree import Found
from pynats_common.program.version import RELEASE

from pynats_cli.commands import PROGRAM, ROOT
from pynats_cli.screen.output import line, write

HELP_FOR_PROGRAMS = "--help-llm"
"""Help as Markdown; may stand behind a command, as `--help`."""

_SCRIPT = "--completion-script-"
_FLAGS = ("--fisk-introspect", "--completion-bash", "__complete")


def is_asked(arguments: Sequence[str]) -> bool:
    """True when these arguments ask for it."""
    first = arguments[0] if arguments else ""
    return first in _FLAGS or first.startswith(_SCRIPT)


def answer(arguments: Sequence[str]) -> None:
    """Prints what was asked for."""
    first, rest = arguments[0], list(arguments[1:])
    if first == "--fisk-introspect":
        line(json.dumps(_tree(), ensure_ascii=False))
    elif first == "__complete":  # =CURRENT and the words before it
        current = rest[0].removeprefix("=") if rest else ""
        _complete(rest[1:], current)
    elif first == "--completion-bash":  # the words up to the cursor
        _complete(rest[:-1], rest[-1] if rest else "")
    else:
        _script(first.removeprefix(_SCRIPT))


def help_for_programs(found: Found) -> None:
    """Prints the help of a place in the tree as Markdown, with the global flags at the top."""
    from pynats_common.commandline.markdown import markdown_help, markdown_rows

    from pynats_cli.global_options import help_rows

    more = ""
    if len(found.path) == 1:
        rows = [(f"`{' '.join(name.split())}`", text) for name, text in help_rows()]
        table = markdown_rows(("Flag", "Description"), rows)
        more = "\n".join(["", "## Global flags, before or after the command", "", *table, ""])
    line(markdown_help(found.path, found.node, more).rstrip())


def _complete(words: Sequence[str], current: str) -> None:
    from pynats_cli.program.completion.words import completions

    found = completions(words, current)
    write("".join(f"{word}\n" for word in found))


def _script(shell: str) -> None:
    from pynats_common.commandline.shellscripts import SHELLS, completion_script

    from pynats_cli.errors import UsageError

    if shell not in SHELLS:
        raise UsageError(f"No such option: {_SCRIPT}{shell} (there are {', '.join(SHELLS)})")
    write(completion_script(shell, PROGRAM))


def _tree() -> dict[str, object]:
    from pynats_common.commandline.introspect import introspect

    from pynats_cli.global_options import introspected_flags
    from pynats_cli.program.plugins.store import registered
    from pynats_cli.reference.cheats.book import all_topics

    found = introspect(ROOT, f"v{RELEASE}", introspected_flags())
    found["commands"] += [{**plugin.definition, "name": plugin.name} for plugin in registered()]
    found["cheats"] = all_topics()
    found["cheat_tags"] = ["nats"]
    return found
