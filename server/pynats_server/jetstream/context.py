"""What all of JetStream on one server shares, and what the streams of one account share.

Parts take these instead of the `JetStream` or the account they belong to, so nobody has to know
who uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pynats_common.go.durations import format_duration_ns

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.interest.subscription import Subscription
from pynats_server.jetstream.advisories import Advisories
from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.jetstream.claims import Totals
from pynats_server.jetstream.consumer.delivery.alarms import Alarms
from pynats_server.jetstream.consumer.delivery.router import AckSink, FlowSink, Router, name_hash
from pynats_server.jetstream.consumer.saving import Saving
from pynats_server.jetstream.consumer.tally import Tally
from pynats_server.jetstream.direct.desk import Desk
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.publish.batch.limits import ATOMIC_TOTAL, FAST_TOTAL, BatchCount
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import Discarding, Syncer
from pynats_server.jetstream.store.consumers.writing import StateWriter
from pynats_server.log.logger import Logger
from pynats_server.options import AccountLimits, JetStreamOptions
from pynats_server.work import Cancelled, Turns, Work

T = TypeVar("T")
SAY_AGAIN_S = 60.0
"""Until the log says again that the clock was set back."""
FOLDER = "jetstream"  # in the configured folder; the accounts' folders are in it
STAGING = ".snap-staging"  # nats-server's name for what is not a stream yet; it ignores it, too


class JetStreamContext:
    """The server's loop, options, folder, storage and background work."""

    def __init__(
        self,
        engine: Engine,
        log: Logger,
        options: JetStreamOptions,
        limits: JetStreamLimits,
        server_name: str,
        turns: Turns,
    ) -> None:
        self.engine = engine
        self.turns = turns
        self.log = log
        self.options = options
        self.server_name = server_name
        self.max_payload = 1024 * 1024  # bytes that clients may send at once
        self.ack_subjects_v2 = False  # with domain and account
        self.loop = asyncio.get_running_loop()
        self.syncer = Syncer(self.loop, engine=engine)
        self.store_dir = limits.store_dir
        self.folder = limits.store_dir / FOLDER
        self.staging = self.folder / STAGING
        self.reserved = Totals()  # by the streams of all accounts
        self.restoring = Totals()  # by what is being restored in all accounts
        self.consumers = Tally()  # of all streams
        self.states = StateWriter(self.loop, engine)  # of consumers
        self.discarding = Discarding()
        self._usage = {"file": Usage(limits.max_file), "memory": Usage(limits.max_memory)}
        self.alarms = Alarms(self.loop, engine, self._met_a_bug)  # what consumers wait for
        self.pauses = Alarms(self.loop, engine, self._met_a_bug, by_wall=True)  # their ends
        self._turned_until_s = -SAY_AGAIN_S
        self.open_log: Callable[[str, str], Any] | None = None
        """Asked once for every stream, by names of account and stream, for the `Log` of its
        operations; it may have none."""
        self.open_consumer_log: Callable[[str, str], Any] | None = None
        """The same for what happens to its consumers (`consumer.replica.Log`)."""
        self.atomic_batches = BatchCount(ATOMIC_TOTAL)
        self.fast_batches = BatchCount(FAST_TOTAL)
        self.set_options(options)
        self._tasks: set[asyncio.Task[None]] = set()

    def set_options(self, options: JetStreamOptions) -> None:
        """Applies changed limits of requests; streams and batches that exist keep theirs."""
        self.options = options
        most = options.limits.batch.max_inflight_total
        self.atomic_batches.limit = most or ATOMIC_TOTAL
        self.fast_batches.limit = most or FAST_TOTAL

    @property
    def domain(self) -> str:
        """The JetStream domain; empty without one."""
        return self.options.domain

    @property
    def api_prefixes(self) -> tuple[str, ...]:
        """Where this server's API listens: `$JS.API`, and that of its domain if it has one."""
        return ("$JS.API", f"$JS.{self.domain}.API") if self.domain else ("$JS.API",)

    def usage(self, storage: str) -> Usage:
        """What the streams of all accounts hold of a kind of storage, and may hold."""
        return self._usage[storage]

    # -- work beside the loop's turns ---------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs something in the background until the server stops."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _met_a_bug(self, error: Exception) -> None:
        self.log.error(f"JetStream: {error!r}")

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error(f"JetStream: {error!r}")

    def clock_turned(self, label: str, by_ns: int) -> None:
        """The clock was set back: said once, however many streams notice it."""
        now_s = self.loop.time()
        if now_s < self._turned_until_s:
            return
        self._turned_until_s = now_s + SAY_AGAIN_S
        self.log.warn(
            f"JetStream: the clock was set back, by {format_duration_ns(by_ns)} since the last "
            f"message of {label}. New messages get the time that it shows now, older ones keep "
            "theirs"
        )

    def stop_consumers(self) -> None:
        """Nothing more is delivered on a timer."""
        self.alarms.stop()
        self.pauses.stop()

    async def end_tasks(self) -> None:
        """Cancels what `spawn` started, and waits for its end."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Runs what waits for the disk off the loop. A cancelled caller resumes only when the
        thread is done, so that nobody cleans up files that are still being written."""
        running = self.loop.run_in_executor(None, work, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def remove_later(self, folder: Path) -> None:
        """Removes a folder that nothing refers to any more, off the loop."""
        self.discarding.discard(folder)

    def remove_leftovers(self) -> None:
        """Removes what an earlier run has left in the staging, which nothing refers to."""
        with contextlib.suppress(OSError):
            for path in self.staging.iterdir():
                self.discarding.discard(path)


class AccountContext:
    """An account's name, its advisories, and what its streams hold."""

    def __init__(self, server: JetStreamContext, account: Account, limits: AccountLimits) -> None:
        self.server = server
        self.account = account
        self.limits = limits
        self.tiers: Mapping[str, AccountLimits] = {}  # limits by number of replicas, if so
        # Held from checking a configuration of a stream or consumer until it is in force.
        self.changing = asyncio.Lock()
        self.consumers = Tally(server.consumers)
        self.copiers = Tally()  # mirrors and sources that read a stream without a consumer
        self.saving = Saving(account.name, server.turns, server.states, server.log.warn_rarely)
        self.advisories = Advisories(account, server.engine, server.domain, server.server_name)
        self.router = Router(
            server.domain.encode(), name_hash(account.name), server.ack_subjects_v2
        )
        self.desk = Desk(server.engine, account)
        self._replies: list[Subscription] = []  # of receivers
        self._usage = {
            "file": Usage(limits.max_storage, server.usage("file")),
            "memory": Usage(limits.max_memory, server.usage("memory")),
        }

    def listen(self) -> None:
        """Takes what receivers say from now on."""
        self._replies = [
            self.account.attach_shortcut(b"$JS.ACK.", AckSink(self.router)),
            self.account.attach(b"$JS.FC.>", FlowSink(self.router)),
        ]

    def stop_listening(self) -> None:
        """Takes no more. Idempotent."""
        for subscription in self._replies:
            self.account.unsubscribe(subscription)
        self._replies = []

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def sliced(self, work: Work[T], client: object = None) -> T:
        """Does the long work of a change in slices, in turns with the other clients. It is a lane
        beside the client's own, which waits for it."""
        try:
            return await self.server.turns.run(self.name, (self.changing, client), work)
        except Cancelled:
            raise asyncio.CancelledError from None

    def usage(self, storage: str) -> Usage:
        """What the account's streams hold of a kind of storage, and may hold."""
        return self._usage[storage]

    def limits_of(self, replicas: int) -> AccountLimits:
        """What holds for streams and consumers with so many replicas. Raises ApiError 10120 where
        there are limits for other numbers only."""
        if self.tiers and f"R{max(1, replicas)}" not in self.tiers:
            raise api_error(10120)
        return self.limits

    def set_limits(
        self, limits: AccountLimits, tiers: Mapping[str, AccountLimits] | None = None
    ) -> None:
        """Changes the limits. Messages already stored stay, even above the new limits."""
        self.limits = limits
        self.tiers = tiers or {}
        self._usage["file"].limit = limits.max_storage
        self._usage["memory"].limit = limits.max_memory

    def publish(
        self, subject: bytes, payload: bytes, reply: bytes = b"", headers: bytes = b""
    ) -> int:
        """Publishes in the account; returns how many got it."""
        return self.account.publish(self.server.engine, subject, payload, reply, headers)
