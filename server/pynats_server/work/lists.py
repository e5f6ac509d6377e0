"""Long lists in steps: slices of them, and a page of one in some order, which is never sorted as a
whole."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from pynats_server.work import Work

T = TypeVar("T")


def slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of at most `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def ordered(
    items: Iterable[T], rank: Callable[[T], Any], descending: bool, step: int
) -> Work[Iterator[T]]:
    """The items by rank, produced lazily: `step` of them at a time are ranked and sorted, and then
    merged as far as somebody reads. No two ranks may be equal."""
    runs: list[list[tuple[Any, T]]] = []
    for batch in slices(items, step):
        run = [(rank(item), item) for item in batch]
        run.sort(key=_first, reverse=descending)
        runs.append(run)
        yield
    return (entry[1] for entry in heapq.merge(*runs, key=_first, reverse=descending))


def _first(entry: tuple[Any, Any]) -> Any:
    return entry[0]


def window(items: Iterable[T], start: int, stop: int, step: int) -> Work[list[T]]:
    """The items from `start` to before `stop`; `step` of them are merged at a time."""
    page: list[T] = []
    at = 0
    for batch in slices(islice(items, stop), step):
        page += batch[max(0, start - at) :]
        at += len(batch)
        yield
    return page
