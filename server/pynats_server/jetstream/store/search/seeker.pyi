from enum import IntFlag
from typing import Any

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.search.filters import FilterSet

class Sought(IntFlag):
    FOUND = 1
    NOTHING = 2
    LATER = 3
    UNREAD = 4

class Seeker:
    filters: FilterSet
    block: Block | None
    seq: int
    def __init__(self, index: Any, filters: FilterSet) -> None: ...
    def seek(self, start: int, stop: int, steps: int) -> tuple[int, int, Block | None, int]: ...
