from typing import Any

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.mask import Mask

class Counter: ...

class Tally(Counter):
    at: int
    low: int
    high: int
    count: int
    done: bool
    stale: bool
    def __init__(
        self, index: Any, filters: FilterSet, mask: Mask | None, low: int, high: int
    ) -> None: ...
    def step(self, most: int) -> Block | None: ...

class Census(Counter):
    total: int
    later: int
    done: bool
    stale: bool
    straddled: bool
    def __init__(self, index: Any, filters: FilterSet, mask: Mask | None, start: int) -> None: ...
    def step(self, most: int) -> None: ...
