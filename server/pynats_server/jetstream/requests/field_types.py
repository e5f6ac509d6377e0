"""The types of request fields beyond what Python's types say.

The real server names its own types in complaints about wrong values, and its ranges are the
contract: 1.0 is no integer, -0 is no unsigned one. A field is annotated with one of these where
`int` or `str` would say too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Number:
    """An integer within a range; `name` is what complaints call its type."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words, as written: escapes are not undone. `other` maps further spellings to
    the word they mean; `complaint` goes before a wrong value, which is quoted without it."""

    words: tuple[str, ...]
    other: tuple[tuple[str, str], ...] = ()
    any_case: bool = False
    complaint: str = ""
    name: str = "string"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One of some words, compared after unescaping; a wrong one gets `complaint`."""

    words: tuple[str, ...]
    complaint: str
    name: str = "string"


@dataclass(frozen=True, slots=True)
class Moment:
    """An RFC 3339 time, kept as normalised text."""

    name: str = "time.Time"


Int = Annotated[int, Number("int", -(2**63), 2**63 - 1)]
Int32 = Annotated[int, Number("int32", -(2**31), 2**31 - 1)]
Int64 = Annotated[int, Number("int64", -(2**63), 2**63 - 1)]
Uint64 = Annotated[int, Number("uint64", 0, 2**64 - 1)]
Duration = Annotated[int, Number("time.Duration", -(2**63), 2**63 - 1)]
Time = Annotated[str, Moment()]

Retention = Annotated[str, Choice(("limits", "interest", "workqueue"))]
Discard = Annotated[str, Choice(("old", "new"), any_case=True)]
Storage = Annotated[str, Choice(("memory", "file"))]
PersistMode = Annotated[str, Choice(("async",), other=(("", ""), ("default", "")))]
Compression = Annotated[str, Algorithm(("none", "s2"), "unknown compression algorithm")]

DeliverPolicy = Annotated[
    str,
    Choice(
        ("all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"),
        other=(("undefined", "all"),),
    ),
]
AckPolicy = Annotated[str, Choice(("none", "all", "explicit", "flow_control"))]
ReplayPolicy = Annotated[str, Choice(("instant", "original"))]
PriorityPolicy = Annotated[
    str,
    Choice(
        ("overflow", "pinned_client", "prioritized"),
        other=(("none", ""),),
        complaint="unknown priority policy",
    ),
]
Action = Annotated[
    str, Choice(("create", "update"), other=(("", ""),), complaint="unknown consumer action")
]
