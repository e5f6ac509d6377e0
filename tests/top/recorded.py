"""Polls of real servers, kept in `answers/` as recordings."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from pynats_top.collect.source import Poll
from pynats_top.collect.stored import read_recording
from pynats_top.model.figures import Snapshot, snapshot

FOLDER = Path(__file__).with_name("answers")
FILES = sorted(FOLDER.glob("*.jsonl"))


@cache
def polls(file: Path) -> list[Poll]:
    """The polls of one server."""
    (found,) = read_recording(str(file)).values()
    with closing(found):
        return list(found)


def last(file: Path) -> tuple[Poll, Snapshot]:
    """The last poll, and its figures with rates since the one before."""
    before: Snapshot | None = None
    for poll in polls(file):
        before = snapshot(poll, before)
    assert before is not None
    return poll, before


def number(answer: dict[str, Any], *path: str) -> Any:
    """A field within an answer."""
    value: Any = answer
    for name in path:
        value = value.get(name, 0) if isinstance(value, dict) else 0
    return value
