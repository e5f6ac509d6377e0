from collections.abc import Callable
from typing import Any

from pynats_server.jetstream.publish.checks import Admission
from pynats_server.jetstream.store import Store, StoreError

class Appender:
    max_msgs: int
    max_bytes: int
    max_per_subject: int
    log: Any
    def __init__(
        self, admission: Admission, on_over_limit: Callable[[StoreError], None]
    ) -> None: ...
    @property
    def store(self) -> Store: ...
    @property
    def admission(self) -> Admission: ...
    def replace_all(self) -> None: ...
    def owe(self, filter: bytes, last: int, error: StoreError) -> None: ...
    def enforce(self, subject: bytes, of_subject: int = -1) -> int: ...
