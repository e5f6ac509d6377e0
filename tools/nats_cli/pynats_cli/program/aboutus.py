"""What the program says of itself to shells and to other programs, by flags that are no commands:
`--fisk-introspect`, `--completion-script-SHELL`, and the words that completion
scripts ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pynats_common.program.version import RELEASE

from pynats_cli.commands import PROGRAM, ROOT
from pynats_cli.screen.output import line, write

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
    from pynats_common.commandline.help.introspect import introspect

    from pynats_cli.global_options import introspected_flags
    from pynats_cli.program.plugins.store import registered
    from pynats_cli.reference.cheats.book import all_topics

    found = introspect(ROOT, f"v{RELEASE}", introspected_flags())
    found["commands"] += [{**plugin.definition, "name": plugin.name} for plugin in registered()]
    found["cheats"] = all_topics()
    found["cheat_tags"] = ["nats"]
    return found
