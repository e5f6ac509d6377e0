from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.subjects import SubjectTree

class Mask:
    asked: int
    def __init__(self, tree: SubjectTree, filters: FilterSet) -> None: ...
    @property
    def memory_bytes(self) -> int: ...
