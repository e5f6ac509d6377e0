"""Reading what is run on both sides: command lines of `pynats bench`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynats_common.commandline.parse import BadUsageError, BadValueError, parse
from pynats_common.commandline.tree import Command, Group, UnknownCommandError, load, walk

from pynats_cli.errors import CliError

BENCH = "pynats_cli.commands.bench:GROUP"
OURS = ("json", "output", "csv", "plot", "progress")  # a comparison has its own, or none


@dataclass(frozen=True)
class Workload:
    """One command of `pynats bench` with its options."""

    text: str
    command: Command
    options: Any


def read_workload(words: Sequence[str]) -> Workload:
    """From its words, or from all of them in one. Raises CliError."""
    if len(words) == 1:
        try:
            words = shlex.split(words[0])
        except ValueError as error:
            raise CliError(f"workload: {error}") from None
    if list(words[:1]) == ["bench"]:
        words = words[1:]
    text = shlex.join(words)
    group = load(BENCH)
    assert isinstance(group, Group)
    try:
        found = walk(group, words)
        if not isinstance(found.node, Command) or found.node.name == "compare":
            raise CliError(f'workload "{text}" is no command of pynats bench that can be compared')
        options = parse(found.node.options(), found.arguments)
    except (UnknownCommandError, BadUsageError, BadValueError) as error:
        raise CliError(f'workload "{text}": {error}') from None
    for name in OURS:
        default = type(options).__dataclass_fields__.get(name)
        if default is not None and getattr(options, name) != default.default:
            raise CliError(f'workload "{text}": --{name} belongs to compare: write it before --')
    return Workload(text, found.node, options)
