"""Which of many subject patterns overlap or cover each other, in about as many steps as there are
patterns.

Patterns of the same *form* (as many tokens, wildcards at the same places) differ in their literal
tokens only. Whether patterns of two forms overlap is decided by the tokens that are literal in
both: they are the key of a look-up, so two forms cost as many steps as they have patterns, not as
many as they have pairs. Forms of few patterns are compared pair by pair, in compiled code.

What may take long is work in slices (`pynats_server.work`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from pynats_server.core import subject
from pynats_server.work import Work

STEPS: Final = 256  # patterns split or looked up before a rest
PAIRS: Final = 8192  # pairs compared in compiled code before a rest
FEW: Final = 32  # patterns of a form that are rather compared pair by pair

Key: TypeAlias = Any  # the tokens at some places: bytes for one, a tuple for more, () for none
Members: TypeAlias = list[tuple[int, list[bytes]]]  # (place among the patterns, tokens)


class Form(NamedTuple):
    """What patterns of a kind have in common. `places`: where literal tokens stand. `open`: ends
    in `>`, which counts as a token. `ends_in_dot`: no subject matches it exactly, and the empty
    last token does not count."""

    tokens: int
    places: tuple[int, ...]
    open: bool
    ends_in_dot: bool

    def may_overlap(self, other: Form) -> bool:
        """Whether the lengths allow it."""
        if self.open:
            return other.open or other.tokens >= self.tokens
        if other.open:
            return self.tokens >= other.tokens
        return self.tokens == other.tokens and not (self.ends_in_dot or other.ends_in_dot)

    def may_cover(self, other: Form) -> bool:
        """Whether the lengths and wildcards allow it."""
        if self.open:
            fits = other.tokens >= self.tokens
        else:
            inexact = other.open or other.ends_in_dot or self.ends_in_dot
            fits = self.tokens == other.tokens and not inexact
        return fits and set(self.places) <= set(other.places)

    def common(self, other: Form) -> tuple[int, ...]:
        """Where both are literal, as far as both speak of single tokens."""
        if self.places == other.places and self.open == other.open:
            return self.places
        end = min(self.tokens - self.open, other.tokens - other.open)
        theirs = set(other.places)
        return tuple(place for place in self.places if place < end and place in theirs)


@cache
def _literal_form(tokens: int) -> Form:
    return Form(tokens, tuple(range(tokens)), False, False)


def form_of(pattern: bytes) -> tuple[Form, list[bytes]]:
    """A pattern's form and its tokens. It need not be valid: an empty token is one like others,
    but for the last."""
    tokens = pattern.split(b".")
    if tokens[-1] and b"*" not in pattern and b">" not in pattern and len(tokens) < FEW:
        return _literal_form(len(tokens)), tokens
    ends_in_dot = not tokens[-1]
    if ends_in_dot:
        tokens.pop()
    open = not ends_in_dot and tokens[-1] == b">"
    last = len(tokens) - 1 if open else -1
    places = tuple(at for at, token in enumerate(tokens) if token != b"*" and at != last)
    return Form(len(tokens), places, open, ends_in_dot), tokens


def _picker(places: tuple[int, ...]) -> Callable[[Any], Key]:
    """Takes the tokens at these places."""
    return itemgetter(*places) if places else lambda _: ()


def _grouped(patterns: list[bytes]) -> Work[dict[Form, Members]]:
    groups: dict[Form, Members] = {}
    for place, pattern in enumerate(patterns):
        if place % STEPS == STEPS - 1:
            yield
        form, tokens = form_of(pattern)
        groups.setdefault(form, []).append((place, tokens))
    return groups


def _firsts(members: Members, places: tuple[int, ...]) -> Work[dict[Key, int]]:
    """The first pattern for each key."""
    pick = _picker(places)
    found: dict[Key, int] = {}
    for step, (place, tokens) in enumerate(members):
        if step % STEPS == STEPS - 1:
            yield
        found.setdefault(pick(tokens), place)
    return found


# -- within one list ----------------------------------------------------------------------------


def first_overlap(patterns: list[bytes]) -> Work[tuple[int, int] | None]:
    """The first pattern that overlaps with a later one, or is the same, and the first such later
    one: their places."""
    none = best = len(patterns)
    seen: dict[bytes, int] = {}
    for place, pattern in enumerate(patterns):
        if place % STEPS == STEPS - 1:
            yield
        earlier = seen.setdefault(pattern, place)
        if earlier != place:
            best = min(best, earlier)
    groups = yield from _grouped(patterns)
    large = [(form, members) for form, members in groups.items() if len(members) >= FEW]
    for at, (form, members) in enumerate(large):
        for other, others in large[at + 1 :]:
            if form.may_overlap(other):
                best = yield from _first_common(form.common(other), members, others, best)
    for place in _scattered(groups):
        pattern = patterns[place]
        found = yield from _scan(subject.first_overlap, pattern, patterns, 0, min(place, best))
        if found < 0 and place < best:
            later = yield from _scan(subject.first_overlap, pattern, patterns, place + 1, none)
            found = place if later >= 0 else -1
        if found >= 0:
            best = min(best, found)
    if best == none:
        return None
    partner = yield from _scan(subject.first_overlap, patterns[best], patterns, best + 1, none)
    later_twin = islice(enumerate(patterns), best + 1, none if partner < 0 else partner)
    twin = next((place for place, pattern in later_twin if pattern == patterns[best]), partner)
    return best, twin


def _first_common(places: tuple[int, ...], some: Members, others: Members, best: int) -> Work[int]:
    """The first pattern of two forms that overlaps with one of the other form; `best` when that is
    before, or there is none."""
    firsts = yield from _firsts(some, places)
    pick = _picker(places)
    for step, (place, tokens) in enumerate(others):
        if step % STEPS == STEPS - 1:
            yield
        partner = firsts.get(pick(tokens))
        if partner is not None:
            best = min(best, place, partner)
    return best


def _scattered(groups: dict[Form, Members]) -> list[int]:
    """The places of the patterns whose forms have few."""
    return sorted(
        place for members in groups.values() if len(members) < FEW for place, _ in members
    )


def _scan(
    compare: Callable[[bytes, list[bytes], int, int], int],
    pattern: bytes, patterns: list[bytes], start: int, end: int,
) -> Work[int]:  # fmt: skip
    """What `compare` finds first from `start` to before `end`; -1 if nothing."""
    for at in range(start, end, PAIRS):
        found = compare(pattern, patterns, at, min(at + PAIRS, end))
        yield
        if found >= 0:
            return found
    return -1


def some_nested(patterns: list[bytes]) -> Work[bool]:
    """Whether a pattern covers another one of the list."""
    groups = yield from _grouped(patterns)
    large = [(form, members) for form, members in groups.items() if len(members) >= FEW]
    for form, members in large:
        keys = yield from _firsts(members, form.places)
        if len(keys) < len(members) and form.may_cover(form):  # the same pattern twice
            return True
        pick = _picker(form.places)
        for other, others in large:
            if other is form or not form.may_cover(other):
                continue
            for step, (_, tokens) in enumerate(others):
                if step % STEPS == STEPS - 1:
                    yield
                if pick(tokens) in keys:
                    return True
    for place in _scattered(groups):
        for start, end in ((0, place), (place + 1, len(patterns))):
            found = yield from _scan(subject.first_nested, patterns[place], patterns, start, end)
            if found >= 0:
                return True
    return False


# -- between lists ------------------------------------------------------------------------------


class PatternIndex:
    """Patterns and whom they belong to."""

    def __init__(self) -> None:
        self._owners: dict[Form, dict[Key, str]] = {}
        self._more: dict[tuple[Form, Key], list[str]] = {}  # where a pattern has several owners

    def add(self, patterns: Iterable[str], owner: str) -> None:
        """Notes patterns of an owner."""
        for pattern in patterns:
            form, tokens = form_of(pattern.encode())
            key = _picker(form.places)(tokens)
            if self._owners.setdefault(form, {}).setdefault(key, owner) is not owner:
                self._more.setdefault((form, key), []).append(owner)

    def discard(self, patterns: Iterable[str], owner: str) -> None:
        """Forgets patterns of an owner."""
        for pattern in patterns:
            form, tokens = form_of(pattern.encode())
            key = _picker(form.places)(tokens)
            owners = self._owners.get(form, {})
            more = self._more.get((form, key), [])
            if owner in more:
                more.remove(owner)
            elif owners.get(key) == owner:
                if more:
                    owners[key] = more.pop(0)
                else:
                    del owners[key]
            if not more:
                self._more.pop((form, key), None)
            if not owners:
                self._owners.pop(form, None)

    def clear(self) -> None:
        """Forgets all."""
        self._owners.clear()
        self._more.clear()

    def overlaps(self, patterns: list[bytes], owner: str = "") -> Work[bool]:
        """Whether one of the patterns overlaps with one of somebody else than `owner`. What
        changes meanwhile may be seen or not."""
        if not self._owners:
            return False
        groups = yield from _grouped(patterns)
        for form, members in groups.items():
            for step, other in enumerate(list(self._owners)):
                if step % STEPS == STEPS - 1:
                    yield
                if form.may_overlap(other):
                    common = form.common(other)
                    look = self._look_up if common == other.places else self._look_through
                    if (yield from look(members, other, common, owner)):
                        return True
        return False

    def _look_up(
        self, members: Members, form: Form, common: tuple[int, ...], owner: str
    ) -> Work[bool]:
        """The members decide every literal token of the form: one look-up for each."""
        pick = _picker(common)
        for step, (_, tokens) in enumerate(members):
            if step % STEPS == STEPS - 1:
                yield
            if self._others_have(form, pick(tokens), owner):
                return True
        return False

    def _look_through(
        self, members: Members, form: Form, common: tuple[int, ...], owner: str
    ) -> Work[bool]:
        """The members have wildcards where the form has literal tokens."""
        wanted = yield from _firsts(members, common)
        pick = _picker(tuple(form.places.index(place) for place in common))
        for step, key in enumerate(list(self._owners.get(form, ()))):
            if step % STEPS == STEPS - 1:
                yield
            tokens = key if isinstance(key, tuple) else (key,)
            if pick(tokens) in wanted and self._others_have(form, key, owner):
                return True
        return False

    def _others_have(self, form: Form, key: Key, owner: str) -> bool:
        first = self._owners.get(form, {}).get(key)
        if first is None:
            return False
        return first != owner or any(each != owner for each in self._more.get((form, key), ()))


def any_overlap(some: list[bytes], others: list[str]) -> Work[bool]:
    """Whether a pattern of one list overlaps with one of the other."""
    if len(some) == 1:  # the usual case
        for at in range(0, len(others), STEPS):
            encoded = [other.encode() for other in others[at : at + STEPS]]
            if subject.first_overlap(some[0], encoded, 0, STEPS) >= 0:
                return True
            yield
        return False
    index = PatternIndex()
    for at in range(0, len(others), STEPS):
        index.add(others[at : at + STEPS], "others")
        yield
    return (yield from index.overlaps(some))
