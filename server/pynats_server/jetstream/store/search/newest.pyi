from typing import Any

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.tally import Counter
from pynats_server.jetstream.store.seqset import SequenceSet

class Newest(Counter):
    found: SequenceSet
    sure: int
    done: bool
    stale: bool
    def __init__(self, index: Any, filters: FilterSet, up_to: int) -> None: ...
    def step(self, most: int) -> Block | None: ...
