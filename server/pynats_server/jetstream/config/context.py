"""What the validation of a stream configuration needs to know of its account and server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pynats_server.jetstream.config.model import ConsumerLimits, StreamConfig
from pynats_server.work import Work


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a stream must respect; sizes in bytes, -1 means none unless said otherwise.

    The first two belong to the server, the others to the account (of the tier that a stream with
    so many replicas belongs to).
    """

    duplicate_window_ns: int = 0  # longest allowed; 0 = none
    memory_left: int = -1  # what the server has not promised to any other stream
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

    def stream(self, name: str) -> StreamConfig | None:
        """The configuration of the stream of that name, as `validation` prepared it."""
        ...

    def others(self, name: str) -> int:
        """How many streams there are with other names, those being restored included."""
        ...

    def promised(self, storage: str, name: str) -> int:
        """The bytes of a kind of storage that those with other names have claimed."""
        ...

    def captured(self, subjects: list[bytes], name: str) -> Work[bool]:
        """Whether one with another name listens to some of these subjects."""
        ...

    def beyond(self, limits: ConsumerLimits, name: str) -> Work[list[str]]:
        """The names of those consumers of the stream of that name that have more than such limits
        allow."""
        ...

    def limits(self, replicas: int, name: str) -> Limits:
        """What holds for a stream of that name with so many replicas. Raises ApiError 10120 where
        no tier covers them."""
        ...
