"""The `Store` interface: what a stream may ask of its storage.

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
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pynats_server.jetstream.store.errors import StoreError
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.work import Work

if TYPE_CHECKING:
    from pynats_server.jetstream.store.ages.turns import Turns
    from pynats_server.jetstream.store.block import Block, Message
    from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
    from pynats_server.jetstream.store.places import SourcePlaces
    from pynats_server.jetstream.store.seqset import SequenceSet
    from pynats_server.jetstream.store.witness import Witness


SEQ_MAX = (1 << 62) - 1
"""The highest sequence: records on disk use the bits above it for marks."""
U64_MAX = (1 << 64) - 1


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


class LimitParts(Protocol):
    """Is told of each part of bringing a stream within its limits, when it is done."""

    def thinned(self, start: int, stop: int) -> None:
        """`Store.thin` with the limit of subjects, or as much."""

    def trimmed(self, most: int) -> None:
        """`Store.enforce_limits` with the limits of the stream."""


class Store(Protocol):
    """Storage of one stream."""

    on_disk: bool
    """Whether it outlives the server: then its folder is to be kept or removed with it."""
    dirty: bool
    """Whether something waits for `flush`."""
    blocks: list[Block]
    """Its records in order, some of them not in memory."""
    first_seq: int
    first_ts: int  # of its first message
    last_seq: int
    last_ts: int
    written_seq: int
    """A full disk takes back nothing up to here."""
    msgs: int
    nbytes: int
    behind: int
    """Not 0 when appends have left more messages than the limits allow, see `enforcing`."""
    gathering: bool
    """Whether the oldest messages of subjects are being looked for."""
    failed: Exception | None
    """Why it takes no more changes."""
    witness: Witness | None
    """Told of every message that comes and goes."""
    unreadable: dict[int, str]
    """The blocks of which the last try to read them failed, and why."""

    on_failed: Callable[[], None] | None
    """Called when it takes no more changes, after `failed` has said why."""

    on_undo: Callable[[int], None] | None
    """Called with the last sequence kept when a full disk undoes appends that had one already."""

    on_full: Callable[[], None] | None
    """Called each time that a full disk refuses a change."""

    turns: Turns
    """Where the times of messages go back, because the clock was set back."""
    on_turned: Callable[[int], None] | None
    """Called with the nanoseconds by which the next message is earlier than the last one."""

    places: SourcePlaces
    """How far the stream's sources have come."""

    background: Callable[[Work[None]], None] | None
    """Runs long work of the store's own in steps; without one it is done at once."""

    @property
    def whole_to(self) -> int:
        """The last sequence before which no message is unavailable: there, but in a file that
        could not be read when the store was opened. Such a store has `failed` from the start."""

    @property
    def num_subjects(self) -> int:
        """Subjects with messages."""

    def time_for(self, now: int) -> int:
        """The time of the next message, when a clock shows `now`."""

    @property
    def lost(self) -> SequenceSet:
        """Sequences that the store had, that nothing removed, and that no file has. They count as
        no messages."""

    @property
    def lost_bytes(self) -> int:
        """Bytes of their records, as far as they are known."""

    def append(self, subject: bytes, headers: bytes | None, payload: bytes | None, ts: int) -> int:
        """Store a message; returns its sequence. Raises TooLarge, StoreFull, StoreFailed."""

    def append_many(self, messages: list[tuple[bytes, bytes | None, bytes]], ts: int) -> int:
        """Several messages with one timestamp; returns the last sequence."""

    def size_of(self, subject_size: int, headers_size: int, payload_size: int) -> int:
        """What a message with these sizes adds to `StoreState.bytes`, and so to every limit."""

    def flush(self) -> None:
        """Hand everything buffered to the operating system, one write per block."""

    def commit(self, callback: CommitCallback) -> None:
        """Call `callback(None)` once all earlier operations are durable, or with the error: if the
        disk is full, those since the last write have not happened."""

    def commit_kept(self, callback: CommitCallback) -> None:
        """As `commit`, for who hears by `on_undo` what a full disk has not kept: the call says that
        what was kept is durable."""

    def when_durable(self, callback: CommitCallback) -> None:
        """Call `callback(None)` once what has been written is durable, as `delete`, `erase` and
        `purging` have what they do."""

    def load(self, seq: int) -> Message:
        """Raises SequenceNotFound or CorruptRecord."""

    def get(self, seq: int) -> Message | None:
        """`load` that answers None for a missing sequence."""

    def load_last(self, filter: bytes) -> Message | None:
        """The newest message of a filter."""

    def load_previous(self, filter: bytes, stop: int) -> Message | None:
        """The last message of a filter at or before `stop`."""

    def seq_from_time(self, ts: int, start: int = 1) -> int:
        """First live sequence, from `start` on, stored at or after `ts`; last + 1 when there is
        none."""

    def delete(self, seq: int) -> bool:
        """Delete a message that somebody wants to be deleted; False when it is not there. It is
        written at once. Raises StoreFull."""

    def remove(self, seq: int) -> bool:
        """Remove a message whose time is over; False when it is not there. What says so on a full
        disk is written when there is room."""

    def erase(self, seq: int) -> bool:
        """`delete` a message and overwrite its bytes."""

    def displace(self, filter: bytes, start: int, stop: int) -> int:
        """Remove the messages of a filter in start..stop, as the message that was just appended
        takes their place: if that is taken back, they come back. Returns how many."""

    def owe(self, filter: bytes, last: int) -> None:
        """`displace` could not read all of a filter up to a sequence: it goes when that can be."""

    def literal_bounds(self, subject: bytes) -> tuple[int, int, int]:
        """(messages, first, last) of a literal subject, the last two as bounds."""

    def purge(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> int:
        """Delete messages of a filter below `up_to` (0 = all), sparing the newest `keep`."""

    def purging(
        self,
        filter: bytes = b">",
        up_to: int = 0,
        keep: int = 0,
        purged: bool = True,
        gone_through: Callable[[int], None] | None = None,
    ) -> Work[int]:
        """`purge` in steps; messages stored after the first one are not touched. Once begun it is
        to be finished, unless the store is closed. Calls `gone_through` after each part with the
        sequence up to which all has gone. With `purged` off the witness hears of deletes."""

    def enforce_limits(
        self,
        max_msgs: int = 0,
        max_bytes: int = 0,
        max_per_subject: int = 0,
        subject: bytes = b"",
        most: int = 0,
    ) -> int:
        """Remove the oldest messages past the limits (0 = none), those of `subject` first, `most`
        at a time (0 = any number); returns how many. Called after an append; compiled callers use
        `Retention.enforce`."""

    def enforcing(
        self, max_msgs: int, max_bytes: int, per_subject: int, parts: LimitParts | None = None
    ) -> Work[None]:
        """Bring all messages within limits, in steps: after a start or a change, or when an append
        has left more than that (`behind`)."""

    def thin(self, limit: int, start: int, stop: int) -> None:
        """From `start` to `stop`, remove every message of whose subject there are more than
        `limit`."""

    def keep_last(self) -> int:
        """Remove all messages but the last, which has just been appended; returns how many."""

    def next_expiry(self, max_age_ns: int = 0, ttl: bool = True) -> int:
        """When (ns since 1970) the next message runs out, by its `Nats-TTL` or `max_age_ns`; 0
        when none will. `ttl` off ignores the header, but for `never`."""

    def expired(
        self, now: int, max_age_ns: int = 0, ttl: bool = True, most: int = ...
    ) -> Iterator[tuple[int, bytes, int, bool]]:
        """(sequence, subject, timestamp, had a TTL) of messages that ran out by `now`, in order;
        what is not removed comes again; `most` with a TTL are found at a time. `Nats-TTL: never`
        is exempt from `max_age_ns`, also with `ttl` off, which ignores other TTLs. With `most` it
        ends early at a block that has to be read first: see `read_for_expiry`."""

    def find_noticed(self) -> Work[None]:
        """Notices if the clock was set back, and which TTLs run out sooner than the times of their
        messages say: those that are yet to come were stored before that."""

    def read_for_expiry(self) -> Work[bool]:
        """Read the block at which `expired` ended, in steps; False when there was none."""

    def is_live(self, seq: int) -> bool:
        """Whether a message has this sequence, without reading it."""

    def block_at(self, seq: int) -> int:
        """Where in `blocks` a sequence is, or the next one; their number when there is none."""

    def lost_between(self, start: int, end: int) -> list[int]:
        """Lost sequences in start..end; readers step over them."""

    def compact(self, seq: int) -> int:
        """Delete everything below `seq`, which becomes the first sequence."""

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`, which becomes the last sequence."""

    def skip(self, count: int, ts: int) -> int:
        """Use up `count` sequences without storing messages; returns the last."""

    def state(self, deleted: bool = False) -> StoreState:
        """Counters, and the deleted sequences when asked."""

    def subject_state(self, subject: bytes) -> tuple[int, int, int]:
        """(count, first, last) of a literal subject."""

    def subject_states(self, filter: bytes) -> dict[bytes, tuple[int, int, int]]:
        """{subject: (count, first, last)}."""

    def subject_totals(self, filter: bytes) -> dict[bytes, int]:
        """{subject: count}, from memory alone."""

    def read(self, seq: int) -> Work[Message]:
        """As `load`."""

    def loading(self, block: Block) -> Work[None]:
        """Has a block in memory when it ends; it may be gone again after the next `yield`."""

    def find_next(self, filter: bytes, start: int) -> Work[Message | None]:
        """The first live message of `filter` at or after `start`, or None."""

    def find_next_of(self, filters: FilterSet, start: int) -> Work[Message | None]:
        """As `find_next`, of several filters."""

    def find_last(self, filter: bytes, stop: int = U64_MAX) -> Work[Message | None]:
        """As `load_previous`."""

    def find_last_of(self, filters: FilterSet, stop: int = U64_MAX) -> Work[Message | None]:
        """As `find_last`, of several filters."""

    def find_since(self, ts: int, start: int = 1) -> Work[int]:
        """As `seq_from_time`."""

    def count_from(self, filters: FilterSet, start: int) -> int:
        """`counting_from`, at once."""

    def counting_from(self, filters: FilterSet, start: int) -> Work[int]:
        """Live messages of some filters at or after `start`; exact for the moment in which it
        ends."""

    def count_pending(self, filter: bytes, start: int) -> Work[int]:
        """`counting_from` for one filter."""

    def subject_pages(self, filter: bytes) -> Iterator[list[tuple[bytes, int]]]:
        """(subject, count) in byte order, some in each step."""

    def newest_of(
        self, filters: FilterSet, up_to: int = 0, most: int = U64_MAX
    ) -> Work[SequenceSet | None]:
        """Sequences of the newest message (not above `up_to`; 0 = of all that are stored now) of
        every subject of the filters; None as soon as there are more than `most`. Exact for the
        moment in which it ends, but that later messages do not count."""

    def last_of_each(
        self, filters: Iterable[bytes], up_to: int = 0, most: int = U64_MAX
    ) -> Work[list[int] | None]:
        """`newest_of` as a list, ascending; for few."""

    def missing(self, most: int) -> Iterator[list[int]]:
        """The lowest `most` deleted sequences, some in each step."""

    def oldest(self) -> Iterator[tuple[int, int]]:
        """(sequence, timestamp) from the oldest live message on, for limits."""

    def attach(self, syncer: Syncer) -> None:
        """From now on the store belongs to the syncer's loop: it was opened in a thread without
        one."""

    def guard(self) -> None:
        """Raises StoreClosed or StoreFailed unless the store takes changes."""

    def fail(self, error: Exception) -> None:
        """Refuse every change from now on."""

    def write_meta(self, meta: dict[str, Any]) -> None:
        """Keep the stream's configuration beside its messages, if they are kept at all. Waits
        for the disk. Raises OSError or StoreError."""

    def change_meta(self, old: dict[str, Any], new: dict[str, Any]) -> Exception | None:
        """`write_meta` where there is a configuration. Raises where the old one is still what a
        restart finds; returns an error where nobody knows: no more promises about this stream."""

    def when_idle(self, done: Callable[[], None]) -> None:
        """Call `done` once no thread works for this store, which must not be changed any more."""

    async def closing(self, threads: Executor) -> None:
        """`close` while the loop goes on, for a store that is not changed any more: the sync is
        asked for at once, the rest is written in one of the threads. Raises StoreError."""

    def close(self, keep: bool = True) -> None:
        """Flush, sync, write the index and release every file. Safe to call twice. With `keep` off
        nothing is written and nothing blocks: the messages are about to be deleted."""
