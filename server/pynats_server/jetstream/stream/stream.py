"""A stream: its configuration, its store, and what happens to them.

Everything that changes the stored messages is an `Operation`. `propose` hands it to the order of
operations and reports when it is durable; with one replica that order is the order of calls. The
compiled ingest does the same for plain messages without building an object.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_server.core.sublist import Subscription
from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamState
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish.batch.atomic import (
    BATCH_ID,
    AtomicBatches,
    drop_incomplete_batch,
)
from pynats_server.jetstream.publish.batch.fast import FAST_SUFFIX, FastBatches
from pynats_server.jetstream.publish.headers import get as get_header
from pynats_server.jetstream.publish.ingest import Ingest, store_error
from pynats_server.jetstream.publish.slow_path import Publishing, without_status
from pynats_server.jetstream.store import FileStore, MemoryStore, StoreError
from pynats_server.jetstream.store.base import is_literal
from pynats_server.jetstream.stream.expiry import Expiry
from pynats_server.jetstream.stream.operations import (
    Append,
    AppendBatch,
    Copy,
    Operation,
    Purge,
    Remove,
    Skip,
)
from pynats_server.jetstream.stream.origins import Following
from pynats_server.jetstream.times import ZERO_TIME, format_time

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount

Done = Callable[[int, ApiError | None], None]


class Stream:
    """One stream of an account."""

    def __init__(
        self,
        account: JetStreamAccount,
        config: StreamConfig,
        created: int,
        store: FileStore | MemoryStore,
        folder: Path | None,
    ) -> None:
        self.account = account
        self.config = config
        self.created = created
        self.store = store
        self.folder = folder
        self.watchers: list[Callable[[], None]] = []  # called when more has become durable
        self.durable_seq = store.last_seq
        self.subscriptions: dict[str, Subscription] = {}
        manager = account.manager
        self.log = manager.log
        self.ingest = Ingest(
            account.account,
            manager.engine,
            store,
            self,
            config.name,
            manager.options.domain,
            account.usage(config.storage),
            manager.options.max_buffered_msgs,
            manager.options.max_buffered_size,
        )
        self.expiry = Expiry(self)
        if isinstance(store, FileStore):
            store.on_undo = self.undone
        self.publishing = Publishing(self)
        self.following = Following(self)
        self.atomic_batches = AtomicBatches(self)
        self.fast_batches = FastBatches(self)
        self.ingest.settle()
        self._take_limits()

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.config.name

    def __repr__(self) -> str:
        return f"Stream({self.account.name!r}, {self.name!r})"

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Applies the limits to what was recovered, and takes messages."""
        drop_incomplete_batch(self)
        self._enforce_limits()
        self.publishing.recover()
        self._configure_batches()
        self._subscribe()
        self.following.configured()
        self.expiry.arm()

    def stop(self) -> None:
        """Takes nothing more, acknowledges what is durable by then, and closes the store."""
        self._unsubscribe()
        self._stop_timers()
        self.ingest.end_turn()
        self.store.close()

    def leave(self) -> None:
        """As `stop`, while the server goes on: nothing of the stream is counted any more."""
        try:
            self.stop()
        finally:
            self.ingest.release()

    async def discard(self) -> None:
        """Stops for good, at the operator's wish: the caller removes the folder. What was published
        before is acknowledged when it is durable, as always. Raises OSError."""
        self._unsubscribe()
        self._stop_timers()
        self.ingest.end_turn()
        try:
            if isinstance(self.store, FileStore):
                idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self.store.when_idle(lambda: idle.set_result(None))
                await idle
                self.store.close(keep=False)
            else:
                self.store.close()
        finally:
            self.ingest.release()

    def configure(self, config: StreamConfig) -> None:
        """Works by another (valid) configuration from now on."""
        self.config = config
        self._take_limits()
        self._subscribe()
        self._enforce_limits()
        self.publishing.configured()
        self.following.configured()
        self.expiry.configured()
        self._configure_batches()

    def _stop_timers(self) -> None:
        self.expiry.stop()
        self.publishing.stop()
        self.following.stop()
        self.atomic_batches.stop()
        self.fast_batches.stop()

    def _configure_batches(self) -> None:
        self.atomic_batches.configured()
        self.fast_batches.configured()

    def _take_limits(self) -> None:
        config, ingest = self.config, self.ingest
        ingest.admission.configure(config)
        ingest.max_msgs = max(config.max_msgs, 0)
        ingest.max_bytes = max(config.max_bytes, 0)
        ingest.max_per_subject = max(config.max_msgs_per_subject, 0)
        ingest.no_ack = config.no_ack
        ingest.fast = not (
            config.sealed
            or config.retention == "interest"
            or config.subject_transform is not None
            or config.republish is not None
            or config.allow_msg_counter
            or config.mirror is not None
        )

    def _subscribe(self) -> None:
        wanted = set() if self.config.mirror else set(self.config.subjects)
        for subject in list(self.subscriptions):
            if subject not in wanted:
                self.account.account.unsubscribe(self.subscriptions.pop(subject))
        for subject in self.config.subjects:
            if subject in wanted and subject not in self.subscriptions:
                self.subscriptions[subject] = self.account.account.attach(
                    subject.encode(), self.ingest
                )

    def _unsubscribe(self) -> None:
        for subscription in self.subscriptions.values():
            self.account.account.unsubscribe(subscription)
        self.subscriptions.clear()

    # -- messages in ------------------------------------------------------------------------

    def accept(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        """A published message that needs more than storing."""
        headers = without_status(headers)
        if reply.endswith(FAST_SUFFIX):
            self.fast_batches.accept(subject, reply, headers, payload)
        elif headers and get_header(headers, BATCH_ID):
            self.atomic_batches.accept(subject, reply, headers, payload)
        else:
            self.publishing.accept(subject, reply, headers, payload)

    def appended(self) -> None:
        """At the end of a turn that brought messages."""
        self.publishing.end_turn()
        self.expiry.arm()

    def undone(self, last_seq: int) -> None:
        """The disk is full: what was appended above `last_seq` is not kept after all."""
        self.ingest.undone(last_seq)
        self.ingest.admission.undone(last_seq)
        self.publishing.republished.undone(last_seq)

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self.durable_seq = max(self.durable_seq, last_seq)
        self.publishing.republished.committed(self.durable_seq)
        for watcher in self.watchers:
            watcher()

    def take_copy(self, copy: Copy) -> None:
        """A mirror's next message. Raises ApiError or StoreError."""
        if copy.seq <= self.store.last_seq:
            raise api_error(10029, err=f"sequence {copy.seq} of the origin is behind the mirror")
        size = len(copy.headers) + len(copy.payload)
        self.ingest.admission.check_storage(copy.subject, len(copy.headers), size)
        self.ingest.stored(self.apply(copy), b"")

    def on_internal_error(self, error: Exception) -> None:
        """A mistake of ours met while handling a message."""
        self.log.error(f"JetStream stream '{self.account.name} > {self.name}': {error!r}")

    def now(self) -> int:
        """The time for the next message, ns: never before the last one's."""
        return max(time.time_ns(), self.store.last_ts)

    # -- operations -------------------------------------------------------------------------

    def propose(self, operation: Operation, done: Done) -> None:
        """Has the operation ordered and applied; `done(result, error)` once it is durable or
        refused."""
        try:
            result = self.apply(operation)
        except StoreError as error:
            done(0, store_error(error))
            return
        self.store.commit(
            lambda error: done(result, store_error(error) if error is not None else None)
        )

    async def change(self, operation: Operation) -> int:
        """`propose`, awaited. Raises ApiError."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def finish(result: int, error: ApiError | None) -> None:
            if not done.done():
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)

        self.propose(operation, finish)
        return await done

    def apply(self, operation: Operation) -> int:
        """Carries an operation out. Raises StoreError, and then nothing has changed."""
        match operation:
            case Append(subject, headers, payload, ts):
                result = self.store.append(subject, headers or None, payload, ts)
                self.enforce(subject)
                self.ingest.admission.stored(headers, result, ts)
                self._roll_up(operation, result, 1)
            case Copy(seq, subject, headers, payload, ts):
                if seq > self.store.last_seq + 1:
                    self.store.skip(seq - 1 - self.store.last_seq, ts)
                result = self.store.append(subject, headers or None, payload, ts)
                self.enforce(subject)
                self.ingest.admission.stored(headers, result, ts)
            case AppendBatch():
                result = self._append_batch(operation)
            case Skip(subject, headers, ts):
                result = self.store.skip(1, ts)
                self.store.last_ts = ts
                self.ingest.admission.stored(headers, result, ts)
                self._roll_up(operation, result, 0)
            case Remove(seq, erase):
                result = int(self.store.erase(seq) if erase else self.store.remove(seq))
            case Purge(filter, up_to, keep):
                result = self.store.purge(filter, up_to, keep)
        self.ingest.settle()
        return result

    def _roll_up(self, operation: Append | Skip, seq: int, keep: int) -> None:
        """Removes what the message stored as `seq` replaces."""
        if operation.rollup == "sub" and keep and not is_literal(operation.subject):
            self.store.flush()  # a full disk must not cost what the message was to replace
            self.store.purge(operation.subject, seq)
        elif operation.rollup and keep:
            # As limits, so that a full disk brings back what this message was to replace.
            alone = operation.rollup == "all"
            self.store.enforce_limits(int(alone), 0, int(not alone), operation.subject)
        elif operation.rollup == "sub":
            self.store.purge(operation.subject)
        elif operation.rollup == "all":
            self.store.compact(seq + 1)
        if operation.ends:
            self.store.purge(operation.ends)

    def _append_batch(self, operation: AppendBatch) -> int:
        # One write holds the whole batch and nothing else: what fails or is torn fails whole.
        store, messages, ts = self.store, operation.messages, operation.ts
        if store.dirty:
            self.ingest.end_turn()
            store.flush()
        before = store.last_seq
        try:
            last = messages.append_to(store, ts)
            store.flush()
        except Exception:
            if store.last_seq != before:
                store.truncate(before)
            self.ingest.settle()
            raise
        admission = self.ingest.admission
        if operation.plain:
            admission.stored(b"", last, ts)
        else:
            for seq, (_, headers, _, _) in enumerate(messages, before + 1):
                admission.stored(headers, seq, ts)
        # Only now may older messages go: a torn batch must not have taken any with it.
        for place, filter in operation.rollups:
            store.purge(filter, before + 1 + place)
        subjects = messages.subjects() if self.config.max_msgs_per_subject > 0 else {b""}
        for subject in subjects:
            self.enforce(subject)
        return last

    # -- limits -----------------------------------------------------------------------------

    def enforce(self, subject: bytes = b"") -> None:
        """Removes the oldest messages beyond the limits, of `subject` and of the stream. What
        cannot be removed now is tried again with the next message: the one that came is kept."""
        ingest = self.ingest
        self._evict(ingest.max_msgs, ingest.max_bytes, ingest.max_per_subject, subject)

    def _evict(self, msgs: int, size: int, per_subject: int, subject: bytes) -> None:
        try:
            self.store.enforce_limits(msgs, size, per_subject, subject)
        except StoreError as error:
            self.on_over_limit(error)

    def on_over_limit(self, error: StoreError) -> None:
        """Old messages could not be removed; the next message's arrival tries again."""
        self.log.warn_rarely(
            f"JetStream stream '{self.account.name} > {self.name}' is over a limit: {error}"
        )

    def _enforce_limits(self) -> None:
        """All limits on all messages, after recovery or an update."""
        limit = self.ingest.max_per_subject
        if limit > 0:
            for subject in self.store.crowded(limit):
                self._evict(0, 0, limit, subject)
        self.enforce()
        self.ingest.settle()

    # -- figures ----------------------------------------------------------------------------

    def state(self, deleted: bool = False) -> StreamState:
        """The `state` of STREAM.INFO."""
        found = self.store.state(deleted)
        lost = None
        if found.lost:
            lost = {"msgs": found.lost, "bytes": found.lost_bytes}
        unused = found.last_seq == 0 and not self.config.first_seq
        return StreamState(
            messages=found.msgs,
            bytes=found.bytes,
            first_seq=0 if unused else found.first_seq,
            first_ts=format_time(found.first_ts) if found.msgs else ZERO_TIME,
            last_seq=found.last_seq,
            last_ts=format_time(found.last_ts) if found.last_seq and found.last_ts else ZERO_TIME,
            num_subjects=found.num_subjects,
            num_deleted=found.num_deleted,
            deleted=found.deleted,
            lost=lost,
            consumer_count=0,
        )

    def origins(self) -> tuple[SourceInfo | None, list[SourceInfo]]:
        """How far the mirror and the sources have come."""
        return self.following.info()
