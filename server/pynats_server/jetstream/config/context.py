"""What the validation of a stream configuration needs to know of its account and server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pynats_server.jetstream.config.model import StreamConfig


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a stream must respect; sizes in bytes, -1 means none unless said otherwise.

    The first two belong to the server, the others to the account (of the tier that a stream with
    so many replicas belongs to).
    """

    duplicate_window_ns: int = 0  # longest allowed; 0 = none
    memory_left: int = -1  # what the server has not promised to any stream
    storage_left: int = -1
    max_streams: int = -1
    max_consumers: int = -1
    max_memory: int = -1
    max_storage: int = -1
    memory_max_stream_bytes: int = -1
    storage_max_stream_bytes: int = -1
    max_bytes_required: bool = False


class Surroundings(Protocol):
    """The account that a stream is in, or shall be."""

    def streams(self) -> Iterable[StreamConfig]:
        """The configurations of all its streams, as `validation` prepared them."""
        ...

    def stream(self, name: str) -> StreamConfig | None:
        """The one of that name."""
        ...

    def limits(self, replicas: int) -> Limits:
        """What holds for streams with so many replicas. Raises ApiError 10120 where no tier
        covers them."""
        ...
