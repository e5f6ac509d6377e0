"""The `Store` interface and its errors: what a stream may ask of its storage.

Contract, for every implementation:

* One thread (the event loop's) calls a store; only syncing and sealing run elsewhere.
* `append` assigns the next sequence and returns at once. A message is durable when a `commit`
  asked for after it has completed; acknowledge then and not before.
* An operation that raises has changed nothing.
* Timestamps are nanoseconds since 1970; subjects, headers and payloads are bytes; filters may
  hold `*` and a final `>`.
* `load*` verifies the record's checksum every time and raises `CorruptRecord` rather than
  return damage; what recovery could not read is named in `state().lost`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pynats_server.jetstream.store.block import Message


SEQ_MAX = (1 << 62) - 1
"""The highest sequence: records on disk use the bits above it for marks."""


class StoreError(Exception):
    """Anything a store reports."""


class SequenceNotFound(StoreError):
    """No live message has this sequence."""


class CorruptRecord(StoreError):
    """The message exists but its bytes are damaged; it is never served."""


class OutOfSequences(StoreError):
    """A sequence would pass `SEQ_MAX`."""


class TooLarge(StoreError):
    """The record would pass 32 MiB, or its subject 64 KiB."""


class StoreFull(StoreError):
    """The disk is full (ENOSPC, EDQUOT, EFBIG). Nothing was kept; a later try may work."""


class StoreFailed(StoreError):
    """A write or fsync failed; the store serves reads and refuses changes until reopened."""


class StoreClosed(StoreError):
    """The store has been stopped."""


class BadKey(StoreError):
    """Encrypted data cannot be opened with the key at hand."""


@dataclass(slots=True)
class StoreState:
    """What `STREAM.INFO` calls state. `deleted` is filled on request only."""

    msgs: int = 0
    bytes: int = 0
    first_seq: int = 1
    last_seq: int = 0
    first_ts: int = 0
    last_ts: int = 0
    num_subjects: int = 0
    num_deleted: int = 0
    deleted: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    lost_bytes: int = 0


CommitCallback = Callable[[StoreError | None], None]


@runtime_checkable
class Store(Protocol):
    """Storage of one stream."""

    def append(self, subject: bytes, headers: bytes | None, payload: bytes | None, ts: int) -> int:
        """Store a message; returns its sequence. Raises TooLarge, StoreFull, StoreFailed."""

    def append_many(self, messages: list[tuple[bytes, bytes | None, bytes]], ts: int) -> int:
        """Several messages with one timestamp; returns the last sequence."""

    def flush(self) -> None:
        """Hand everything buffered to the operating system, one write per block."""

    def commit(self, callback: CommitCallback) -> None:
        """Call `callback(None)` once all earlier operations are durable, or with the error."""

    def load(self, seq: int) -> Message:
        """Raises SequenceNotFound or CorruptRecord."""

    def load_last(self, filter: bytes) -> Message | None:
        """The newest message of a filter."""

    def load_next(self, filter: bytes, start: int) -> Message | None:
        """The first message of a filter at or after `start`."""

    def load_previous(self, filter: bytes, stop: int) -> Message | None:
        """The last message of a filter at or before `stop`."""

    def multi_last(self, filters: Iterable[bytes], up_to: int = 0) -> list[int]:
        """Sequences of the newest message of each subject covered, ascending."""

    def seq_from_time(self, ts: int) -> int:
        """First live sequence stored at or after `ts`; last + 1 when there is none."""

    def remove(self, seq: int) -> bool:
        """Delete a message; False when it is not there."""

    def erase(self, seq: int) -> bool:
        """Delete a message and overwrite its bytes."""

    def purge(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> int:
        """Delete messages of a filter below `up_to` (0 = all), sparing the newest `keep`."""

    def purge_steps(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> Iterator[int]:
        """`purge` in pieces, yielding how many each removed; other calls may come in between."""

    def enforce_limits(
        self,
        max_msgs: int = 0,
        max_bytes: int = 0,
        max_per_subject: int = 0,
        subject: bytes = b"",
    ) -> int:
        """Remove the oldest messages past the limits (0 = none), those of `subject` first; returns
        how many. Called after an append; compiled callers use `Engine.enforce`."""

    def crowded(self, limit: int) -> list[bytes]:
        """Subjects with more than `limit` messages, to `enforce_limits` a lowered limit."""

    def next_expiry(self, max_age: int = 0, ttl: bool = True) -> int:
        """When (ns since 1970) the next message runs out, by its `Nats-TTL` or `max_age` (ns); 0
        when none will. `ttl` off ignores the header."""

    def expired(
        self, now: int, max_age: int = 0, ttl: bool = True
    ) -> Iterator[tuple[int, bytes, int, bool]]:
        """(sequence, subject, timestamp, had a TTL) of messages that ran out by `now`, in order;
        what is not removed comes again. `Nats-TTL: never` is exempt from `max_age`."""

    def lost_between(self, start: int, end: int) -> list[int]:
        """Sequences in start..end whose bytes are damaged; readers step over them."""

    def compact(self, seq: int) -> int:
        """Delete everything below `seq`, which becomes the first sequence."""

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`, which becomes the last sequence."""

    def skip(self, count: int, ts: int) -> int:
        """Use up sequences without messages; returns the last."""

    def state(self, deleted: bool = False) -> StoreState:
        """Counters, and the deleted sequences when asked."""

    def subject_state(self, subject: bytes) -> tuple[int, int, int]:
        """(count, first, last) of a literal subject."""

    def subject_states(self, filter: bytes) -> dict[bytes, tuple[int, int, int]]:
        """{subject: (count, first, last)}."""

    def subject_totals(self, filter: bytes) -> dict[bytes, int]:
        """{subject: count}, from memory alone."""

    def num_pending(self, filter: bytes, start: int) -> int:
        """Messages of a filter at or after `start`."""

    def oldest(self) -> Iterator[tuple[int, int]]:
        """(sequence, timestamp) from the oldest live message on, for limits."""

    def close(self) -> None:
        """Flush, sync, write the index and release every file."""
