"""A stream: its configuration, its store, and what happens to them.

Everything that changes the stored messages is an `Operation`. `propose` hands it to the order of
operations and reports when it is durable; with one replica that order is the order of calls. The
compiled ingest does the same for plain messages without building an object. What an operation does
is `apply`'s; here is what the proposer does about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from pynats_server.core.protocol.headers import get as get_header
from pynats_server.core.tracing.trail import Trail
from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamState
from pynats_server.jetstream.consumer.consumer import DELETED
from pynats_server.jetstream.consumer.keeping import Found
from pynats_server.jetstream.consumer.readers import Readers
from pynats_server.jetstream.consumer.registry import StreamConsumers
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.figures import StreamDetails, StreamFigures
from pynats_server.jetstream.publish import traced
from pynats_server.jetstream.publish.batch.atomic import (
    AtomicBatches,
    drop_incomplete_batch,
)
from pynats_server.jetstream.publish.batch.fast import FAST_SUFFIX, FastBatches, asked_reply
from pynats_server.jetstream.publish.header_names import BATCH_ID
from pynats_server.jetstream.publish.ingest import Ingest, store_error
from pynats_server.jetstream.publish.slow_path import Publishing, Verdict, without_status
from pynats_server.jetstream.store import Store, StoreError, StoreHeld, Unavailable
from pynats_server.jetstream.stream.apply import Replica
from pynats_server.jetstream.stream.changes import Changes
from pynats_server.jetstream.stream.copying.following import Following
from pynats_server.jetstream.stream.host import Neighbours
from pynats_server.jetstream.stream.listening import Listening
from pynats_server.jetstream.stream.operations import (
    Append,
    AppendBatch,
    Configure,
    Operation,
    Purge,
    Remove,
)
from pynats_server.jetstream.stream.report import Report
from pynats_server.jetstream.stream.republish import Republishing
from pynats_server.jetstream.stream.rollups import Rollups
from pynats_server.jetstream.stream.timed.expiry import Expiry
from pynats_server.jetstream.stream.timed.schedules import Schedules
from pynats_server.work import Work

SHUTDOWN = b"409 Server Shutdown"
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
        self.durable_seq = min(store.last_seq, store.whole_to)
        server = account.server
        self.log = server.log
        usage = account.usage(config.storage)
        self.replica = Replica(
            store, usage, config.name, self.on_over_limit, lambda work: self.schedules.recover(work)
        )
        if server.open_log is not None:
            self.replica.log = server.open_log(account.name, config.name)
        self.ingest = Ingest(
            account.account,
            server.engine,
            self.replica.appender,
            self,
            config.name,
            server.domain,
            usage,
            server.options.max_buffered_msgs,
            server.options.max_buffered_size,
        )
        self.changes = Changes(account, self.on_internal_error)
        self.rollups = Rollups(store, self.changes, self.replica.purging, self.on_not_replaced)
        self._listening = Listening(self)
        self.expiry = Expiry(self)
        store.on_failed = self.failed
        store.on_undo = self.undone
        store.on_full = self.full
        store.on_turned = self.turned
        store.background = self.changes.background
        self.schedules = Schedules(self, self.replica.plan)
        self.republishing = Republishing(self)
        self.publishing = Publishing(self, self.republishing)
        self.following = Following(self, neighbours)
        self.atomic_batches = AtomicBatches(self, self.publishing)
        self.fast_batches = FastBatches(self, self.publishing)
        self.consumers = StreamConsumers(self, found)
        self.readers = Readers(self.consumers)
        self._report = Report(self, self.consumers, self.following, folder)
        self.ingest.settle()

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
        if self.store.failed is None:
            self._reading(lambda: drop_incomplete_batch(self))
        self._reading(self._take_config)
        self._enforce_limits()
        self.consumers.start()
        self._reading(self.publishing.recover)
        self.schedules.configured()
        self.republishing.configured()
        self._configure_batches()
        self._reading(self.following.configured)
        self.expiry.arm()

    def _reading(self, step: Callable[[], None]) -> None:
        """Part of the start. Where it needs messages that are unavailable, nobody can tell what may
        be stored: whether it is a duplicate, or has been copied already."""
        try:
            step()
        except Unavailable as error:
            self.store.fail(StoreHeld(f"the stream is read-only: {error}"))

    def silence(self) -> None:
        """Takes no more messages. One of the next must follow."""
        self._listening.stop()
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
        await self.following.forget()
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
        self._take_config()
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
        self.rollups.stop()
        self.expiry.stop()
        self.publishing.stop()
        self.schedules.stop()
        self.following.stop()
        self.atomic_batches.stop()
        self.fast_batches.stop()

    def _configure_batches(self) -> None:
        self.atomic_batches.configured()
        self.fast_batches.configured()

    def _take_config(self) -> None:
        config, ingest = self.config, self.ingest
        self.apply(Configure(config, self.now()))
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
        """Listens to what the configuration says."""
        return self._listening.follow()

    # -- messages in ------------------------------------------------------------------------

    def accept(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        """A published message that needs more than storing."""
        self._accept(subject, reply, without_status(headers), payload)

    def _accept(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, only: bool = False
    ) -> Verdict:
        asked = asked_reply(reply, headers)
        if asked.endswith(FAST_SUFFIX):
            return self.fast_batches.accept(subject, reply, headers, payload, only, asked)
        if headers and get_header(headers, BATCH_ID):
            return self.atomic_batches.accept(subject, reply, headers, payload, only)
        return self.publishing.accept(subject, reply, headers, payload, only)

    def accept_traced(
        self, subject: bytes, reply: bytes, headers: bytes, payload: bytes, trail: Trail
    ) -> None:
        """As `accept`, whatever the message; `trail` is told what becomes of it."""
        headers = traced.disabled(without_status(headers))
        verdict = self._accept(subject, reply, headers, payload, trail.only)
        traced.note(trail, self.name, subject, headers, verdict, self.publishing)

    def appended(self) -> None:
        """Called at the end of a turn that brought messages."""
        self.publishing.end_turn()
        if self._listening.is_over:
            return  # nobody would end what begins now
        self.expiry.arm()
        if self.store.behind and not self.changes.is_limiting:
            self._enforce_limits()

    def undone(self, last_seq: int) -> None:
        """The disk is full: the store has taken back what was above `last_seq`."""
        self.ingest.undone(last_seq)
        has_replanned = self.replica.undone(last_seq)
        self.fast_batches.undone(last_seq)
        self.republishing.queue.undone(last_seq)
        self.following.undone(last_seq)
        self.schedules.undone(has_replanned)
        self.changes.undone(self._enforce_limits)
        if not self._listening.is_over:
            self.expiry.undone()

    def failed(self) -> None:
        """The store takes no more changes: nothing more becomes durable."""
        for wake in list(self._watchers):
            wake()

    def full(self) -> None:
        """The disk is. Publishers that wait for no answer would not be told otherwise."""
        self.log.warn_rarely(
            f"JetStream {self.label} refuses messages until there is room: the disk is full"
        )

    def turned(self, by_ns: int) -> None:
        """The next message is that much earlier than the last one."""
        if self.config.mirror is None:  # whose times are its origin's
            self.account.server.clock_turned(self.label, by_ns)

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self.durable_seq = max(self.durable_seq, last_seq)
        self.replica.kept(self.durable_seq)
        if self.changes.limits_undurably:
            self.changes.committed()
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

    def is_wanted(self, subject: bytes) -> bool:
        """Whether a consumer wants messages of that subject."""
        return self.consumers.place.interest.is_wanted(subject)

    def on_internal_error(self, error: Exception) -> None:
        """Logs a bug of ours met while handling a message."""
        self.log.error(f"JetStream {self.label}: {error!r}")

    def now(self) -> int:
        """The time for the next message, ns."""
        return self.store.time_for(now_ns())

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
            self.changes.run(self.replica.purging(operation), partial(self._applied, done, True))
            return
        try:
            result = self.apply(operation)
        except StoreError as error:
            done(0, store_error(error))
            return
        self._applied(done, isinstance(operation, Remove), result)

    def _applied(
        self, done: Done, is_written: bool, result: int, error: Exception | None = None
    ) -> None:
        self.ingest.settle()
        if error is not None:
            done(0, self._refusal(error))
            return
        commit = self.store.when_durable if is_written else self.store.commit
        commit(lambda error: done(result, store_error(error) if error is not None else None))

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
        """Has an operation that has passed every check ordered and applied: with one replica, at
        once. Raises StoreError, and then nothing has changed."""
        operation = self.rollups.decided(operation)
        if isinstance(operation, AppendBatch) and self.store.dirty:
            self.ingest.end_turn()  # what came before does not share its fate
        try:
            result = self.replica.apply(operation)
        finally:
            self.ingest.settle()
        self.rollups.applied(operation, result)
        if self.replica.plan.is_on:
            self.schedules.arm()
        return result

    # -- limits -----------------------------------------------------------------------------

    def on_over_limit(self, error: StoreError) -> None:
        """Old messages could not be removed. The next message that arrives tries again."""
        self.log.warn_rarely(f"JetStream {self.label} is over a limit: {error}")

    def _enforce_limits(self) -> None:
        """Applies all limits to all messages, after recovery or an update."""
        if self.store.failed is not None:
            return
        self.changes.limit(self._limited(self.replica.limiting()))

    def _limited(self, work: Work[None]) -> Work[None]:
        """Counts as it goes what is no longer there. What cannot be removed now stays."""
        try:
            for _ in work:
                self.ingest.settle()
                yield
        except StoreError as error:
            self.on_over_limit(error)
        self.ingest.settle()

    # -- figures: see `Report` --------------------------------------------------------------

    def figures(self) -> StreamFigures:
        """Its numbers, for monitoring."""
        return self._report.figures()

    @property
    def failure(self) -> str | None:
        """Why the storage takes no more changes; None while it does."""
        return self._report.failure

    def details(self) -> StreamDetails:
        """What it is and what is in it, for monitoring."""
        return self._report.details()

    def lost_sequences(self, most: int) -> list[int]:
        """The first `most` sequences whose messages were lost to damage."""
        return self._report.lost_sequences(most)

    def state(self, deleted: bool = False) -> StreamState:
        """The `state` of STREAM.INFO."""
        return self._report.state(deleted)

    def origins(self) -> Work[tuple[SourceInfo | None, list[SourceInfo]]]:
        """The progress of the mirror and the sources."""
        return self._report.origins()
