"""What the open batches of a stream, atomic or fast, have in common: how many there may be, and
that those which nobody continues end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pynats_server.jetstream.publish.batch.staging import clock
from pynats_server.jetstream.times import SECOND

if TYPE_CHECKING:
    from pynats_server.jetstream.stream.stream import Stream

# What is open at once when the configuration says nothing (server-inventory 2.8, `limits.batch`).
ATOMIC_PER_STREAM, ATOMIC_TOTAL = 50, 1000
FAST_PER_STREAM, FAST_TOTAL = 1000, 50_000
TIMEOUT_S = 10.0


class OpenBatch(Protocol):
    """`touched` is when the last message of the batch came, in nanoseconds of `clock`."""

    @property
    def touched(self) -> int: ...


BatchT = TypeVar("BatchT", bound=OpenBatch)


@dataclass(slots=True)
class BatchCount:
    """How many batches of a kind are open in all streams of the server, of `limit`."""

    limit: int
    open: int = 0


class OpenBatches(ABC, Generic[BatchT]):
    """The open batches of one stream; `total` counts them with those of all other streams.

    `per_stream` is the limit where none is configured.
    """

    def __init__(self, stream: Stream, total: BatchCount, per_stream: int) -> None:
        limits = stream.account.manager.options.limits.batch
        self.stream = stream
        self._total = total
        self._per_stream = limits.max_inflight_per_stream or per_stream
        self._timeout_ns = int((limits.timeout or TIMEOUT_S) * SECOND)
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _batches(self) -> dict[bytes, BatchT]:
        """The open ones by their names."""

    @abstractmethod
    def _forget(self, batch: BatchT) -> None:
        """Takes a batch out of the table."""

    @abstractmethod
    def _expired(self, batch: BatchT) -> None:
        """Ends a batch that nobody continues."""

    def _has_room(self) -> bool:
        return len(self._batches()) < self._per_stream and self._total.open < self._total.limit

    def _opened(self) -> None:
        """To be called with every new batch."""
        self._total.open += 1
        if self._timer is None:
            self._arm(self._timeout_ns)

    def _close(self, batch: BatchT) -> None:
        self._forget(batch)
        self._total.open -= 1

    def _close_all(self) -> None:
        for batch in list(self._batches().values()):
            self._close(batch)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, wait_ns: int) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(wait_ns, 0) / SECOND, self._expire)

    def _expire(self) -> None:
        self._timer = None
        limit = clock() - self._timeout_ns
        for batch in list(self._batches().values()):
            if batch.touched <= limit:
                self._expired(batch)
        left = [batch.touched for batch in self._batches().values()]
        if left:
            self._arm(min(left) - limit)
