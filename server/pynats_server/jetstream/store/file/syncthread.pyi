class SyncThreads:
    event: int
    def __init__(self, count: int = 4) -> None: ...
    def submit(self, tag: int, files: list[int], folders: list[int]) -> None: ...
    def replace(
        self,
        tag: int,
        path: bytes,
        temporary: bytes,
        home: bytes,
        data: bytes,
        sync: bool,
        sync_home: bool,
        earlier: bytes | None = None,
        earlier_new: bytes | None = None,
        forget: bool = False,
    ) -> None: ...
    def build(
        self,
        tag: int,
        path: bytes,
        temporary: bytes,
        home: bytes,
        parts: list[tuple[bytes, bytes]],
    ) -> None: ...
    def remove(self, tag: int, path: bytes, temporary: bytes, home: bytes) -> None: ...
    def finished(self) -> list[tuple[int, int]]: ...
    def wait_idle(self) -> None: ...
    def close(self) -> None: ...

def sync_together(files: list[int], folders: list[int]) -> None: ...
