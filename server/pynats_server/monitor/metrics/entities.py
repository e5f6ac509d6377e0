"""Families with a series for each of many accounts, streams or consumers, within a budget.

The series of one such entity are a row. When there are more rows than the budget has room for, the
first ones (those of the configuration, or made first) have series of their own, always the same
ones; the others are put together under OTHER where that means something, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pynats_server.monitor.metrics.text import PREFIX, Family, Kind, Series, labels_text

T = TypeVar("T")
OTHER = "(other)"
Join = Callable[[Iterable[float]], float]  # of the values of several, e.g. `sum`
Used = tuple[str, float, float]  # name of a limit, what is used of it, and what it is


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One family. `value` is None for an entity that has no such series; `join` makes one value of
    those of several, None = that would mean nothing."""

    name: str
    help: str
    value: Callable[[T], float | None]
    join: Join | None = sum
    kind: Kind = "gauge"


@dataclass(slots=True)
class Table(Generic[T]):
    """The families of one kind of entity, e.g. `stream`, whose series have these labels; and how
    much of their limits is used, where there is one."""

    what: str
    labels: Sequence[str]
    columns: Sequence[Column[T]]
    name_of: Callable[[T], Sequence[str]]
    limits_of: Callable[[T], Iterable[Used]]
    limits_max: int  # how many of them an entity has at most
    omitted: int = 0  # entities without series of their own
    count: int = 0  # series
    _room: int = 0
    _rows: list[tuple[str, list[float | None]]] = field(default_factory=list)
    _limits: list[Series] = field(default_factory=list)
    _others: list[float | None] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Series of one entity, at most."""
        return len(self.columns) + self.limits_max

    def open(self, room: int) -> None:
        """Makes room for so many series, those of OTHER included."""
        self._room = max(0, room - len(self.columns))

    def add(self, entity: T) -> None:
        """The series of one more entity, or what the others together have."""
        values = [column.value(entity) for column in self.columns]
        if not self.omitted:
            names = list(zip(self.labels, self.name_of(entity), strict=True))
            used = [
                (labels_text([*names, ("limit", name)]), _share(used, limit))
                for name, used, limit in self.limits_of(entity)
                if limit > 0
            ]
            count = len(used) + sum(value is not None for value in values)
            if self.count + count <= self._room:
                self.count += count
                self._rows.append((labels_text(names), values))
                self._limits += used
                return
        self.omitted += 1
        self._others = [
            _joined(column.join, before, value)
            for column, before, value in zip(
                self.columns, self._others or [None] * len(values), values, strict=True
            )
        ]

    def families(self) -> Iterable[Family]:
        """All of them."""
        rows = self._rows
        if self.omitted and self._room:
            others = labels_text((label, OTHER) for label in self.labels)
            rows = [*rows, (others, self._others)]
            self.count += sum(value is not None for value in self._others)
        for index, column in enumerate(self.columns):
            series = [
                (labels, value) for labels, values in rows if (value := values[index]) is not None
            ]
            yield Family(f"{PREFIX}{self.what}_{column.name}", column.kind, column.help, series)
        yield Family(
            f"{PREFIX}{self.what}_limit_used_ratio",
            "gauge",
            f"How much of its limits the {self.what} uses, 1 = all; only of those that are set.",
            self._limits,
        )


def _share(used: float, limit: float) -> float:
    return round(used / limit, 6)


def _joined(join: Join | None, before: float | None, value: float | None) -> float | None:
    if join is None:
        return None
    known = [each for each in (before, value) if each is not None]
    return join(known) if known else None


def shares(budget: int, wanted: Sequence[int]) -> list[int]:
    """What each of several gets of a budget: what it wants, or an equal part of what those leave
    that want less."""
    given = [0] * len(wanted)
    left = budget
    waiting = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for done, index in enumerate(waiting):
        given[index] = min(wanted[index], left // (len(waiting) - done))
        left -= given[index]
    return given
