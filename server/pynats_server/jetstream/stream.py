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

from .errors import ApiError, api_error
from .following import Following
from .ingest import Ingest, store_error
from .model import SourceInfo, StreamConfig, StreamState
from .operations import Append, Copy, Operation, Purge, Remove, Skip
from .publish import Publishing
from .store import FileStore, MemoryStore, StoreError
from .times import ZERO_TIME, format_time

if TYPE_CHECKING:
    from .account import JetStreamAccount

EXPIRY_MIN = 0.01  # seconds; messages that expire together go together
EXPIRY_MAX = 3600.0
EXPIRY_BATCH = 5000  # messages removed before the loop gets a turn

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
        self._expiry: asyncio.TimerHandle | None = None
        self._expiry_at = 0
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
        )
        if isinstance(store, FileStore):
            store.on_undo = self.undone
        self.publishing = Publishing(self)
        self.following = Following(self)
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
        self._enforce_limits()
        self.publishing.recover()
        self._subscribe()
        self.following.configured()
        self._arm_expiry()

    def stop(self) -> None:
        """Takes nothing more, acknowledges what is durable by then, and closes the store."""
        self._unsubscribe()
        self._stop_timers()
        self.ingest.end_turn()
        self.store.close()

    def discard(self) -> None:
        """Stops for good, at the operator's wish: the caller removes the folder."""
        self._unsubscribe()
        self._stop_timers()
        self.ingest.end_turn()
        self.store.close()
        self.ingest.release()

    def configure(self, config: StreamConfig) -> None:
        """Works by another (valid) configuration from now on."""
        self.config = config
        self._take_limits()
        self._subscribe()
        self._enforce_limits()
        self.publishing.configured()
        self.following.configured()
        self._arm_expiry()

    def _stop_timers(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        self.publishing.stop()
        self.following.stop()

    def _take_limits(self) -> None:
        config, ingest = self.config, self.ingest
        ingest.max_msg_size = config.max_msg_size
        ingest.max_msgs = config.max_msgs
        ingest.max_bytes = config.max_bytes
        ingest.max_per_subject = config.max_msgs_per_subject
        ingest.no_ack = config.no_ack
        limited = max(config.max_msgs, config.max_bytes, config.max_msgs_per_subject) > 0
        ingest.fast = not (
            config.sealed
            or config.retention != "limits"
            or (config.discard == "new" and limited)
            or config.subject_transform is not None
            or config.republish is not None
            or config.allow_msg_counter
            or config.allow_batched
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
        self.publishing.accept(subject, reply, headers, payload)

    def appended(self) -> None:
        """At the end of a turn that brought messages."""
        if self.config.max_age > 0 and self._expiry is None:
            self._arm_expiry()

    def undone(self, last_seq: int) -> None:
        """The disk is full: what was appended above `last_seq` is not kept after all."""
        self.ingest.undone(last_seq)

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self.durable_seq = max(self.durable_seq, last_seq)
        for watcher in self.watchers:
            watcher()

    def take_copy(self, copy: Copy) -> None:
        """A mirror's next message. Raises ApiError or StoreError."""
        if copy.seq <= self.store.last_seq:
            raise api_error(10029, err=f"sequence {copy.seq} of the origin is behind the mirror")
        self.publishing.check_resources(copy.subject, len(copy.headers) + len(copy.payload))
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
            case Copy(seq, subject, headers, payload, ts):
                if seq > self.store.last_seq + 1:
                    self.store.skip(seq - 1 - self.store.last_seq, ts)
                result = self.store.append(subject, headers or None, payload, ts)
                self.enforce(subject)
            case Skip(ts):
                result = self.store.skip(1, ts)
            case Remove(seq, erase):
                result = int(self.store.erase(seq) if erase else self.store.remove(seq))
            case Purge(filter, up_to, keep):
                result = self.store.purge(filter, up_to, keep)
        self.ingest.settle()
        return result

    # -- limits -----------------------------------------------------------------------------

    def enforce(self, subject: bytes = b"") -> None:
        """Removes the oldest messages beyond the limits, of `subject` and of the stream. What
        cannot be removed now is tried again with the next message: the one that came is kept."""
        config = self.config
        self._evict(
            max(config.max_msgs, 0),
            max(config.max_bytes, 0),
            max(config.max_msgs_per_subject, 0),
            subject,
        )

    def _evict(self, msgs: int, size: int, per_subject: int, subject: bytes) -> None:
        try:
            self.store.enforce_limits(msgs, size, per_subject, subject)
        except StoreError as error:
            self.log.warn_rarely(
                f"JetStream stream '{self.account.name} > {self.name}' is over a limit: {error}"
            )

    def _enforce_limits(self) -> None:
        """All limits on all messages, after recovery or an update."""
        limit = max(self.config.max_msgs_per_subject, 0)
        if limit > 0:
            for subject in self.store.crowded(limit):
                self._evict(0, 0, limit, subject)
        self.enforce()
        self.ingest.settle()

    # -- age --------------------------------------------------------------------------------

    def _arm_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self.config.max_age <= 0 or not self.store.msgs:
            return
        wait = (self.store.first_ts + self.config.max_age - time.time_ns()) / 1e9
        self._expiry = asyncio.get_running_loop().call_later(
            min(max(wait, EXPIRY_MIN), EXPIRY_MAX), self._expire
        )

    def _expire(self) -> None:
        self._expiry = None
        limit = time.time_ns() - self.config.max_age
        store = self.store
        for _ in range(EXPIRY_BATCH):
            if not store.msgs or store.first_ts > limit:
                break
            store.remove(store.first_seq)
        self.ingest.settle()
        self._arm_expiry()

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
