"""What configurations of an account's streams are checked against: its other streams and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pynats_common.go.durations import SECOND_NS

from pynats_server.jetstream.claims import Claims
from pynats_server.jetstream.config.context import Limits
from pynats_server.jetstream.config.model import ConsumerLimits, StreamConfig
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.work import Work


@dataclass(frozen=True, slots=True)
class AccountSurroundings:
    """See `config.context.Surroundings`."""

    context: AccountContext
    streams: Mapping[str, Stream]
    claims: Claims

    def stream(self, name: str) -> StreamConfig | None:
        """The one of that name."""
        found = self.streams.get(name)
        return found.config if found is not None else None

    def others(self, name: str) -> int:
        """How many streams there are with other names, those being restored included."""
        return self.claims.others(name)

    def promised(self, storage: str, name: str) -> int:
        """The bytes that those with other names have claimed."""
        return self.claims.promised(storage, name)

    def captured(self, subjects: list[bytes], name: str) -> Work[bool]:
        """Whether one with another name listens to some of these subjects."""
        return self.claims.captured(subjects, name)

    def beyond(self, limits: ConsumerLimits, name: str) -> Work[list[str]]:
        """The names of those of its consumers that have more than such limits allow."""
        return self.streams[name].consumers.beyond(limits)

    def limits(self, replicas: int, name: str) -> Limits:
        """What the server and the account allow. Raises ApiError 10120."""
        own = self.context.limits_of(replicas)
        served = self.context.server.options.limits
        return Limits(
            duplicate_window_ns=int(served.duplicate_window * SECOND_NS),
            memory_left=self._unreserved("memory", name),
            storage_left=self._unreserved("file", name),
            max_streams=own.max_streams,
            max_consumers=own.max_consumers,
            max_memory=own.max_memory,
            max_storage=own.max_storage,
            memory_max_stream_bytes=own.memory_max_stream_bytes,
            storage_max_stream_bytes=own.storage_max_stream_bytes,
            max_bytes_required=own.max_bytes_required,
        )

    def _unreserved(self, storage: str, name: str) -> int:
        """Bytes that no stream of the server has claimed, but perhaps that of the name; -1 =
        unlimited."""
        limit = self.context.server.usage(storage).limit
        return -1 if limit < 0 else max(0, limit - self.claims.promised_by_server(storage, name))
