"""The words that complete a command line, global flags included."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pynats_common.commandline.candidates import candidates

from pynats_cli.commands import ROOT
from pynats_cli.errors import CliError
from pynats_cli.global_options import (
    global_flags,
    split_global_options,
    takes_value,
)
from pynats_cli.program.completion.names import Names, global_values
from pynats_cli.program.plugins.store import registered


def completions(words: Sequence[str], current: str) -> list[str]:
    """What the word at the cursor could be; `words` stand before it. Never fails."""
    flag, prefix = _open_global(words, current)
    if flag:
        return [
            prefix + text for text in global_values(flag) if (prefix + text).startswith(current)
        ]
    try:
        options, rest = split_global_options(words, os.environ)
    except CliError:  # the line cannot run as it stands
        return []
    found = candidates(ROOT, rest, current, Names(options).values, global_flags())
    if not rest and not current.startswith("-"):
        found += [plugin.name for plugin in registered() if plugin.name.startswith(current)]
    return found


def _open_global(words: Sequence[str], current: str) -> tuple[str, str]:
    """The global flag whose value is at the cursor, and what stands before it in the word."""
    if "--" in words:
        return "", ""
    last = list(words[-2:])
    if last and last[-1] == "=":  # bash gives --flag=value as three words
        last.pop()
    if last and takes_value(last[-1]):
        return last[-1], ""
    name, equals, _ = current.partition("=")
    return (name, f"{name}=") if equals and takes_value(name) else ("", "")
