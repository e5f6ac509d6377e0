from typing import Any, Final

from pynats_server.core.account import Account
from pynats_server.core.figures import Counted

KINDS: Final[dict[str, int]]  # of `Terms`, as configurations call them

class Responses(Counted):
    @property
    def count(self) -> int: ...
    def listed(
        self, slot: int = 0, most: int = 256
    ) -> tuple[list[tuple[bytes, Account, bytes, bool, Any]], int | None]: ...
    def forgo(self, subject: bytes) -> None: ...

class Terms:
    def __init__(self, kind: int, threshold_ns: int) -> None: ...
    @property
    def kind(self) -> int: ...
    @property
    def threshold_ns(self) -> int: ...
