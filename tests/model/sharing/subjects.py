"""Subjects and patterns as tuples of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Subject: TypeAlias = tuple[str, ...]
STAR, REST = "*", ">"


def tokens(text: str) -> Subject:
    return tuple(text.split("."))


def text(subject: Subject) -> str:
    return ".".join(subject)


def matches(pattern: Subject, subject: Subject) -> bool:
    return _bound(pattern, subject) is not None


def _bound(pattern: Subject, subject: Subject) -> tuple[list[str], Subject] | None:
    """What the stars and the rest stand for."""
    stars: list[str] = []
    for place, wanted in enumerate(pattern):
        if wanted == REST:
            return (stars, subject[place:]) if place < len(subject) else None
        if place >= len(subject) or wanted not in (STAR, subject[place]):
            return None
        if wanted == STAR:
            stars.append(subject[place])
    return (stars, ()) if len(subject) == len(pattern) else None


@dataclass(frozen=True, slots=True)
class Renaming:
    """From subjects like `source` to such made of `made`: tokens, and numbers of stars from 0."""

    source: Subject
    made: tuple[str | int, ...]

    def apply(self, subject: Subject) -> Subject | None:
        """None for what `source` does not match."""
        found = _bound(self.source, subject)
        if found is None:
            return None
        stars, rest = found
        renamed: list[str] = []
        for each in self.made:
            if isinstance(each, int):
                renamed.append(stars[each])
            elif each == REST:
                renamed += rest
            else:
                renamed.append(each)
        return tuple(renamed)

    @property
    def pattern(self) -> Subject:
        """Of what it makes."""
        return tuple(STAR if isinstance(each, int) else each for each in self.made)

    def turned(self) -> Renaming:
        """As `to` of a service is read: its numbers are of local stars, so it says of each star of
        the exporter's which of these it is."""
        numbers = iter([each for each in self.made if isinstance(each, int)])
        return Renaming(
            self.pattern, tuple(next(numbers) if each == STAR else each for each in self.source)
        )
