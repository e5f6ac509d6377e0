"""A configuration file with all that a person wrote into it: comments, blank lines, spellings.

The trees of `pynats_common.config` are values; these are for programs that write the file again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Plain: TypeAlias = "str | bool | int | float | datetime"


@dataclass(frozen=True)
class Reference:
    """A `$NAME`."""

    name: str


@dataclass
class Leaf:
    """A single value. `raw` is how the NATS grammar spells it, "" if nobody has written it so."""

    value: Plain | Reference
    raw: str = ""


@dataclass
class Branch:
    """A map. `tail` are the comments before its end."""

    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def find(self, name: str) -> Entry | None:
        """The entry that counts: the last one."""
        return next((entry for entry in reversed(self.entries) if entry.name == name), None)

    def names(self) -> Iterator[str]:
        return (entry.name for entry in self.entries)


@dataclass
class Row:
    """A list."""

    items: list[Item] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


Value: TypeAlias = "Leaf | Branch | Row"


@dataclass(kw_only=True)
class Noted:
    """What stands around an entry or item: lines before it ("" = a blank one, others without
    their `#`), and the comment behind it."""

    before: list[str] = field(default_factory=list)
    behind: str = ""
    inside: str = ""  # behind the bracket that opens its value
    offset: int = 0  # in the text it was read from


@dataclass(kw_only=True)
class Entry(Noted):
    """`name: value`; a directive `include` has its path as a leaf."""

    name: str
    value: Value
    spelling: str = ""  # of the name, with its quotes
    is_include: bool = False


@dataclass(kw_only=True)
class Item(Noted):
    """A value in a list."""

    value: Value
