from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.subjects import SubjectTree

class SubjectWalk:
    done: bool
    visits: int
    subjects: int
    total: int
    low: int
    high: int
    def __init__(self, tree: SubjectTree, filters: FilterSet) -> None: ...
    def pass_by(self, most: int) -> int: ...
    def totals(self, most: int) -> list[tuple[bytes, int]]: ...
    def states(self, most: int) -> list[tuple[bytes, int, int, int, bool, bool]]: ...
