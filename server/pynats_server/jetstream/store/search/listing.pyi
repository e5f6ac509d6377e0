from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.subjects import SubjectTree

class SubjectListing:
    parts: list[bytes]
    broken: bool
    def __init__(self, tree: SubjectTree, blocks: list[Block]) -> None: ...
    def step(self, most: int) -> bool: ...
