"""What an edit changes: one line a field."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from pynats_common.commandline.untrusted import harmless
from pynats_common.go.durations import human_duration_ns

from pynats_cli.jetstream.streams.fields import (
    BY_NAME,
    is_empty,
    shown_config,
    without_server_metadata,
)


@dataclass(frozen=True)
class Difference:
    """`name` is the path of the field, `placement.tags`; None is "not there"."""

    name: str
    old: Any
    new: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The fields in which two configurations differ, in the order of configurations. Metadata of
    the server is none of the user's, and an order of subjects means nothing."""
    before, after = (shown_config(without_server_metadata(config)) for config in (old, new))
    found: list[Difference] = []
    for name in [*before, *(name for name in after if name not in before)]:
        one, other = before.get(name), after.get(name)
        if is_empty(name, one) and is_empty(name, other):
            continue
        if name == "subjects" and sorted(one or []) == sorted(other or []):
            continue
        found += _within(name, one, other)
    return sorted(found, key=lambda each: _place(each.name))


def _place(path: str) -> int:
    name = path.split(".")[0]
    return list(BY_NAME).index(name) if name in BY_NAME else len(BY_NAME)


def _within(name: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _within(f"{name}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield Difference(name, old, new)


def lines(found: list[Difference]) -> Iterator[str]:
    """What is shown: `-` lines are what it was, `+` lines what it becomes."""
    width = max((len(each.name) for each in found), default=0) + 1
    for each in found:
        for mark, value in (("-", each.old), ("+", each.new)):
            if value is not None:
                yield f"{mark} {(each.name + ':').ljust(width)} {_text(each.name, value)}"


def shown_lines(found: list[Difference], stream: TextIO) -> Iterator[str]:
    """The lines in colour where the stream is a terminal."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR")
    for text in lines(found):
        yield f"\033[{_COLOURS[text[0]]}m{text}\033[0m" if coloured else text


_COLOURS = {"-": 31, "+": 32}


def _text(name: str, value: Any) -> str:
    field = BY_NAME.get(name)
    if (field is not None and field.kind == "duration") or name.endswith("inactive_threshold"):
        return human_duration_ns(value) if value else "unlimited"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return harmless(", ".join(value))
    return harmless(value) if isinstance(value, str) else json.dumps(value)
