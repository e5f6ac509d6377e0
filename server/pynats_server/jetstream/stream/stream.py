"""A stream: its configuration, its store, and what happens to them.

Everything that changes the stored messages is an `Operation`. `propose` hands it to the order of
operations and reports when it is durable; with one replica that order is the order of calls. The
compiled ingest does the same for plain messages without building an object.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pynats_common.go.times import ZERO_TIME, format_time_ns

from pynats_server.core.interest.subscription import Subscription
from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamState
from pynats_server.jetstream.consumer.consumer import DELETED
from pynats_server.jetstream.consumer.keeping import Found
from pynats_server.jetstream.consumer.registry import StreamConsumers
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.figures import ConsumerFigures, StreamDetails, StreamFigures
from pynats_server.jetstream.publish.batch.atomic import (
    AtomicBatches,
    drop_incomplete_batch,
)
from pynats_server.jetstream.publish.batch.fast import FAST_SUFFIX, FastBatches
from pynats_server.jetstream.publish.header_names import BATCH_ID, STREAM_SOURCE
from pynats_server.jetstream.publish.headers import get as get_header
from pynats_server.jetstream.publish.ingest import Ingest, store_error
from pynats_server.jetstream.publish.slow_path import Publishing, without_status
from pynats_server.jetstream.store import Store, StoreError
from pynats_server.jetstream.store.retention import MOST_AT_ONCE
from pynats_server.jetstream.stream.changes import Changes
from pynats_server.jetstream.stream.expiry import Expiry
from pynats_server.jetstream.stream.host import Neighbours
from pynats_server.jetstream.stream.operations import (
    Append,
    AppendBatch,
    Leap,
    Operation,
    Purge,
    Remove,
    Skip,
)
from pynats_server.jetstream.stream.origins import Following
from pynats_server.jetstream.stream.republish import Republishing
from pynats_server.jetstream.stream.rollups import Rollups
from pynats_server.jetstream.stream.schedules import Schedules
from pynats_server.jetstream.stream.source_names import read_header
from pynats_server.work import Work, finish

SHUTDOWN = b"409 Server Shutdown"
SUBJECTS = 256  # subscribed to before a rest, about 0.3 ms
Done = Callable[[int, ApiError | None], None]


class Stream:
    """One stream of an account: a `StreamHost` to its features, an `Origin` to its followers."""

    def __init__(
        self,
        account: AccountContext,
        neighbours: Neighbours,
        config: StreamConfig,
        created: int,
        store: Store,
        folder: Path | None,
        found: Found,
    ) -> None:
        self.account = account
        self.config = config
        self.created = created
        self.store = store
        self.folder = folder
        self._watchers: list[Callable[[], None]] = []  # called when more has become durable
        self.durable_seq = store.last_seq
        self.subscriptions: dict[str, Subscription] = {}
        self._stopped = False
        server = account.server
        self.log = server.log
        self.ingest = Ingest(
            account.account,
            server.engine,
            store,
            self,
            config.name,
            server.domain,
            account.usage(config.storage),
            server.options.max_buffered_msgs,
            server.options.max_buffered_size,
        )
        self.changes = Changes(account, self.on_internal_error)
        self.rollups = Rollups(store, self.changes, self.on_not_replaced)
        self.expiry = Expiry(self)
        store.on_undo = self.undone
        store.background = self.changes.background
        self.schedules = Schedules(self)
        self.republishing = Republishing(self)
        self.publishing = Publishing(self, self.republishing)
        self.following = Following(self, neighbours)
        self.atomic_batches = AtomicBatches(self, self.publishing)
        self.fast_batches = FastBatches(self, self.publishing)
        self.consumers = StreamConsumers(self, found)
        self.ingest.settle()
        self._take_limits()

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.config.name

    @property
    def domain(self) -> str:
        """The JetStream domain; empty without one."""
        return self.account.server.domain

    @property
    def label(self) -> str:
        """How the log calls the stream."""
        return f"stream '{self.account.name} > {self.name}'"

    def __repr__(self) -> str:
        return f"Stream({self.account.name!r}, {self.name!r})"

    # -- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Applies the limits to the recovered messages. It listens after `subscribing`."""
        drop_incomplete_batch(self)
        self._enforce_limits()
        self.consumers.start()
        self.publishing.recover()
        self.schedules.configured()
        self.republishing.configured()
        self._configure_batches()
        self.following.configured()
        self.expiry.arm()

    def silence(self) -> None:
        """Takes no more messages. One of the next must follow."""
        self._unsubscribe()
        self._stop_timers()
        self.ingest.end_turn()

    async def close(self, threads: Executor) -> None:
        """Acknowledges what is durable and closes the store, see `Store.closing`; the stream's
        usage no longer counts. Raises StoreError or OSError."""
        try:
            await self._end_consumers(SHUTDOWN)
            await self.consumers.close()
            await self.store.closing(threads)
        finally:
            self.ingest.release()

    def abandon(self) -> None:
        """The end of a stream that could not start."""
        self.silence()
        self.consumers.abandon()
        try:
            self.store.close()
        finally:
            self.ingest.release()

    async def discard(self) -> None:
        """Stops before a deletion: the caller removes the folder. What was published
        before is acknowledged when it is durable, as always. Raises OSError."""
        self.silence()
        await self._end_consumers(DELETED, told=True)
        await self.consumers.forget()
        try:
            idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.store.when_idle(lambda: idle.set_result(None))
            await idle
            self.store.close(keep=False)
        finally:
            self.ingest.release()

    async def _end_consumers(self, status: bytes, told: bool = False) -> None:
        for _ in self.consumers.ending(status, told):
            await asyncio.sleep(0)

    def configure(self, config: StreamConfig) -> None:
        """Takes another valid configuration. Its subjects are in force after `subscribing`."""
        before, self.config = self.config, config
        self._take_limits()
        self._enforce_limits()
        self.publishing.configured()
        self.schedules.configured()
        self.republishing.configured()
        self.following.configured()
        self.expiry.configured()
        self.consumers.stream_changed(before)
        self._configure_batches()

    def _stop_timers(self) -> None:
        self.changes.stop()
        self.expiry.stop()
        self.publishing.stop()
        self.schedules.stop()
        self.following.stop()
        self.atomic_batches.stop()
        self.fast_batches.stop()

    def _configure_batches(self) -> None:
        self.atomic_batches.configured()
        self.fast_batches.configured()

    def _take_limits(self) -> None:
        config, ingest = self.config, self.ingest
        ingest.admission.configure(config)
        # A stream that refuses what exceeds them keeps what it has, even if that is more: a limit
        # may have been lowered, or the messages come from elsewhere.
        evicts = config.discard == "old"
        ingest.max_msgs = max(config.max_msgs, 0) if evicts else 0
        ingest.max_bytes = max(config.max_bytes, 0) if evicts else 0
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

    def subscribing(self) -> Work[None]:
        """Listens to what the configuration says: to the rest no more, to each of its own once."""
        config = self.config
        subjects = {} if config.mirror is not None else dict.fromkeys(config.subjects)
        gone = [subject for subject in self.subscriptions if subject not in subjects]
        for step, subject in enumerate([*gone, *subjects]):
            if step % SUBJECTS == SUBJECTS - 1:
                yield
            if self._stopped or self.config is not config:
                return
            if subject not in subjects:
                self.account.account.unsubscribe(self.subscriptions.pop(subject))
            elif subject not in self.subscriptions:
                self.subscriptions[subject] = self.account.account.attach(
                    subject.encode(), self.ingest
                )

    def _unsubscribe(self) -> None:
        self._stopped = True
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
        """Called at the end of a turn that brought messages."""
        self.publishing.end_turn()
        if self._stopped:
            return  # nobody would end what begins now
        self.expiry.arm()
        if self.store.behind and not self.changes.is_limiting:
            self._enforce_limits()

    def undone(self, last_seq: int) -> None:
        """The disk is full: the store has taken back what was above `last_seq`."""
        self.ingest.undone(last_seq)
        self.ingest.admission.undone(last_seq)
        self.republishing.queue.undone(last_seq)
        self.following.undone()

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self.durable_seq = max(self.durable_seq, last_seq)
        self.republishing.queue.committed(self.durable_seq)
        self.consumers.place.interest.committed(self.durable_seq)
        for wake in self._watchers:
            wake()

    def watch(self, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever more has become durable."""
        self._watchers.append(wake)

    def unwatch(self, wake: Callable[[], None]) -> None:
        """Stops calling it. Idempotent."""
        if wake in self._watchers:
            self._watchers.remove(wake)

    def take_own(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that the stream writes itself. Raises ApiError or StoreError."""
        self.publishing.take_own(subject, headers, payload)

    def take_sourced(self, subject: bytes, headers: bytes, payload: bytes) -> bool:
        """Keeps a message that a source has brought; False if it was there already. Raises ApiError
        or StoreError."""
        return self.publishing.take_sourced(subject, headers, payload)

    def take_copy(self, seq: int, copy: Append) -> None:
        """Keeps a mirror's next message. Raises ApiError or StoreError."""
        self.publishing.take_copy(seq, copy)

    def on_internal_error(self, error: Exception) -> None:
        """Logs a bug of ours met while handling a message."""
        self.log.error(f"JetStream {self.label}: {error!r}")

    def now(self) -> int:
        """The time for the next message, ns: never before the last one's."""
        return max(time.time_ns(), self.store.last_ts)

    def on_not_replaced(self, error: Exception) -> None:
        """What a rollup replaces could not be removed; its publisher gets no answer."""
        self.log.warn_rarely(f"JetStream {self.label} keeps what a rollup was to replace: {error}")

    def when_replaced(self, seq: int, done: Callable[[], None]) -> bool:
        """See `StreamHost`."""
        self.ingest.settle()
        return self.rollups.when_replaced(seq, done)

    @property
    def replaces_much(self) -> bool:
        """See `StreamHost`."""
        return self.rollups.are_many

    # -- operations -------------------------------------------------------------------------

    def propose(self, operation: Operation, done: Done) -> None:
        """Has the operation ordered and applied; `done(result, error)` once it is durable or
        refused. A purge goes in steps: it is ordered now, and others may be applied before it is
        done."""
        if isinstance(operation, Purge):
            work = self.store.purging(operation.filter, operation.up_to, operation.keep)
            self.changes.run(work, partial(self._applied, done))
            return
        try:
            result = self.apply(operation)
        except StoreError as error:
            done(0, store_error(error))
            return
        self._applied(done, result)

    def _applied(self, done: Done, result: int, error: Exception | None = None) -> None:
        self.ingest.settle()
        if error is not None:
            done(0, self._refusal(error))
            return
        self.store.commit(
            lambda error: done(result, store_error(error) if error is not None else None)
        )

    def _refusal(self, error: Exception) -> ApiError:
        if isinstance(error, StoreError):
            return store_error(error)
        self.on_internal_error(error)
        return api_error(10077, err=error)

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
        """Carries out an operation. Raises StoreError, and then nothing has changed."""
        match operation:
            case Append(subject, headers, payload, ts):
                result = self.store.append(subject, headers or None, payload, ts)
                if self.config.sources:
                    self._follow_copy(headers, result, True)
                self.enforce(subject)
                self.ingest.admission.stored(headers, result, ts)
                self._roll_up(operation, result, 1)
                if self.config.allow_msg_schedules:
                    self.schedules.stored(subject, headers, result, ts)
            case AppendBatch():
                result = self._append_batch(operation)
            case Leap(last, ts):
                result = self.store.skip(last - self.store.last_seq, ts)
            case Skip(subject, headers, ts):
                result = self.store.skip(1, ts)
                self.store.last_ts = ts
                if self.config.sources:
                    self._follow_copy(headers, result, False)
                self.ingest.admission.stored(headers, result, ts)
                self._roll_up(operation, result, 0)
            case Remove(seq, erase):
                result = int(self.store.erase(seq) if erase else self.store.remove(seq))
            case Purge(filter, up_to, keep):
                result = self.store.purge(filter, up_to, keep)
        self.ingest.settle()
        return result

    def _follow_copy(self, headers: bytes, seq: int, kept: bool) -> None:
        """Moves the place of the source that brought the message, if one did."""
        value = get_header(headers, STREAM_SOURCE)
        told = read_header(value) if value is not None else None
        if told is not None and told.name in self.following.keys:
            self.store.places.copied(told.name, told.place, seq, kept)

    def _roll_up(self, operation: Append | Skip, seq: int, keep: int) -> None:
        """Removes what the message stored as `seq` replaces."""
        if operation.rollup == "sub" and keep:
            self.rollups.replace(operation.subject, seq)
        elif operation.rollup and keep:
            self.rollups.replace_all()
        elif operation.rollup == "sub":
            self.store.purge(operation.subject)
        elif operation.rollup == "all":
            self.store.compact(seq + 1)
        if operation.ends:
            self.store.purge(operation.ends)

    def _append_batch(self, operation: AppendBatch) -> int:
        # One write holds the whole batch and nothing else, so it fails or is torn as a whole.
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
            scheduled = self.config.allow_msg_schedules
            for seq, (subject, headers, _, skipped) in enumerate(messages, before + 1):
                admission.stored(headers, seq, ts)
                if scheduled and not skipped:
                    self.schedules.stored(subject, headers, seq, ts)
        # Older messages go only now: a torn batch must not have removed any.
        self.rollups.replace_of_batch(
            ((filter, before + 1 + place) for place, filter in operation.rollups), last
        )
        subjects = messages.subjects() if self.config.max_msgs_per_subject > 0 else {b""}
        for subject in subjects:
            self.enforce(subject)
        return last

    # -- limits -----------------------------------------------------------------------------

    def enforce(self, subject: bytes = b"") -> None:
        """Removes the oldest messages beyond the limits, of `subject` and of the stream, as a
        publish does: `appended` has the rest of many removed. A failure does not refuse the
        message that came; the next one tries again."""
        ingest = self.ingest
        try:
            self.store.enforce_limits(
                ingest.max_msgs, ingest.max_bytes, ingest.max_per_subject, subject, MOST_AT_ONCE
            )
        except StoreError as error:
            self.on_over_limit(error)

    def on_over_limit(self, error: StoreError) -> None:
        """Old messages could not be removed. The next message that arrives tries again."""
        self.log.warn_rarely(f"JetStream {self.label} is over a limit: {error}")

    def _enforce_limits(self) -> None:
        """Applies all limits to all messages, after recovery or an update."""
        ingest = self.ingest
        self.changes.limit(
            self._limited(
                self.store.enforcing(ingest.max_msgs, ingest.max_bytes, ingest.max_per_subject)
            )
        )

    def _limited(self, work: Work[None]) -> Work[None]:
        """Counts as it goes what is no longer there. What cannot be removed now stays."""
        try:
            for _ in work:
                self.ingest.settle()
                yield
        except StoreError as error:
            self.on_over_limit(error)
        self.ingest.settle()

    # -- figures ----------------------------------------------------------------------------

    def figures(self) -> StreamFigures:
        """Its numbers, for monitoring."""
        store = self.store
        return StreamFigures(
            account=self.account.name,
            name=self.name,
            messages=store.msgs,
            bytes=store.nbytes,
            first_seq=store.first_seq,
            last_seq=store.last_seq,
            durable_seq=self.durable_seq,
            subjects=store.num_subjects,
            lost=len(store.lost),
            lost_bytes=store.lost_bytes,
            pending_acks=self.ingest.waiting,
            failure=self.failure,
            consumers=len(self.consumers.names),
            broken_consumers=self.consumers.broken,
            damaged_consumers=self.consumers.damage,
            folder=self.folder,
        )

    @property
    def failure(self) -> str | None:
        """Why the storage takes no more changes; None while it does."""
        failed = self.store.failed
        return str(failed) if failed is not None else None

    def details(self) -> StreamDetails:
        """What it is and what is in it, for monitoring."""
        mirror, sources = finish(self.origins())
        return StreamDetails(
            name=self.name,
            created_ns=self.created,
            config=self.config,
            state=self.state(),
            mirror=mirror,
            sources=sources,
            consumers=len(self.consumers.names),
            hidden_consumers=len(self.consumers) - len(self.consumers.names),
        )

    def consumer_details(self, hidden: bool = False) -> Iterator[dict[str, Any]]:
        """What CONSUMER.LIST tells of each consumer, for monitoring, in order of creation; or of
        those of mirrors and sources, which it hides."""
        for consumer in self.consumers.shown(hidden):
            yield consumer.info(of_server=False)

    def consumer_figures(self) -> Iterator[ConsumerFigures]:
        """The numbers of each consumer, for monitoring."""
        for consumer in self.consumers.shown():
            yield ConsumerFigures(
                account=self.account.name,
                stream=self.name,
                name=consumer.name,
                pending=consumer.num_pending,
                ack_pending=consumer.num_ack_pending,
                redelivered=consumer.num_redelivered,
                waiting=consumer.num_waiting,
            )

    def has_consumer(self, name: str) -> bool:
        """Whether it has a consumer of that name."""
        return name in self.consumers.by_name

    def lost_sequences(self, most: int) -> list[int]:
        """The first `most` sequences whose messages were lost to damage."""
        return list(islice(self.store.lost, most))

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
            first_ts=format_time_ns(found.first_ts) if found.msgs else ZERO_TIME,
            last_seq=found.last_seq,
            last_ts=format_time_ns(found.last_ts) if found.last_seq else ZERO_TIME,
            num_subjects=found.num_subjects,
            num_deleted=found.num_deleted,
            deleted=found.deleted,
            lost=lost,
            consumer_count=len(self.consumers.names),
        )

    def origins(self) -> Work[tuple[SourceInfo | None, list[SourceInfo]]]:
        """The progress of the mirror and the sources."""
        return (yield from self.following.info())
