"""The consumers of one stream: made, changed, found and removed.

Whoever changes them holds the account's `changing`, so that what was checked is still true when it
comes into force. Everything that can be refused is refused before anything has changed. While only
the files of one consumer are waited for, its name alone is held (`settled`): others go on.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pynats_common.go.times import ZERO_TIME

from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.config.model import ConsumerLimits, StreamConfig
from pynats_server.jetstream.consumer.config.claims import FilterClaims
from pynats_server.jetstream.consumer.config.context import Limits
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.preparation import paused, prepare, recovered
from pynats_server.jetstream.consumer.config.stored import read_stored
from pynats_server.jetstream.consumer.consumer import DELETED, Consumer
from pynats_server.jetstream.consumer.delivery.interest import FilterGroup
from pynats_server.jetstream.consumer.delivery.state import ConsumerState
from pynats_server.jetstream.consumer.keeping import Found, KeptConsumers, stored
from pynats_server.jetstream.consumer.operations import Created, Deleted, Updated
from pynats_server.jetstream.consumer.replica import Log, Recorder
from pynats_server.jetstream.consumer.starting import beginning
from pynats_server.jetstream.consumer.stream_place import StreamPlace
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.figures import ConsumerFigures
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.store.consumers.folder import ConsumerFiles, StoredConsumer
from pynats_server.jetstream.store.format.consumer_state import ConsumerState as SavedState
from pynats_server.jetstream.store.format.consumer_state import forget_spent
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.work import Hold, Work

STEP: Final = 16
"""Consumers that are looked at, or end, in one step: about 0.2 ms."""
BEYOND: Final = 512
"""Consumers whose configurations are compared with limits in one step."""


class StreamConsumers:
    """See also `config.context.Surroundings`. `found` run after `start`."""

    def __init__(self, host: StreamHost, found: Found) -> None:
        self._host = host
        self._found = found
        self._kept = KeptConsumers(host, found.folder)
        self.place = StreamPlace(host, self._unused)
        self.by_name: dict[str, Consumer] = {}  # in order of creation
        self.names: list[str] = []  # of those that lists show, in order
        self.broken = found.broken  # in the folder, but nothing tells what they are -> why
        self.damage: dict[str, str] = {}  # what was damaged of those that went on nevertheless
        self._claims = FilterClaims()
        open_log = host.account.server.open_consumer_log
        self._log: Log | None = open_log(host.account.name, host.name) if open_log else None
        self._counted = 0  # that limits count, those that are being made included
        self._settling: dict[str, asyncio.Future[None]] = {}  # by name: being made, or removed
        self._ended = False

    def __len__(self) -> int:
        return len(self.by_name)

    def get(self, name: str) -> Consumer:
        """The one of that name. Raises ApiError 10014."""
        found = self.by_name.get(name)
        if found is None:
            raise api_error(10014)
        return found

    # -- what their configurations are checked against, see `config.context.Surroundings` ----------

    @property
    def stream(self) -> StreamConfig:
        """The stream's configuration."""
        return self._host.config

    def limits(self, replicas: int) -> Limits:
        """What the server and the account allow."""
        account = self._host.account
        return Limits.of(account.server.options.limits, account.limits_of(replicas))

    def existing(self, name: str) -> ConsumerConfig | None:
        """The configuration of the consumer of that name."""
        found = self.by_name.get(name)
        return found.config if found is not None else None

    def counted(self) -> int:
        """How many there are that limits count."""
        return self._counted

    def claimed(self, filters: list[bytes], name: str) -> Work[bool]:
        """Whether one with another name wants some of these subjects."""
        return self._claims.claimed(filters, name)

    def is_heard(self, subject: str) -> bool:
        """Whether somebody listens to a subject."""
        return self._host.account.account.has_interest(subject.encode())

    def beyond(self, limits: ConsumerLimits) -> Work[list[str]]:
        """Those that have more than such limits of the stream allow, by name."""
        found: list[str] = []
        for step, consumer in enumerate(list(self.by_name.values())):
            if step % BEYOND == BEYOND - 1:
                yield
            if consumer.config.exceeds(limits):
                found.append(consumer.name)
        return sorted(found)

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Those that were found go on."""
        found, self._found = self._found, Found()
        for name, reason in self.broken.items():
            self._host.log.error(
                f"JetStream {self._label(name)} could not be recovered, its files stay: {reason}"
            )
        for old in sorted(found.recovered, key=lambda old: (old.created_ns, old.name)):
            if old.problems:
                self.damage[old.name] = "; ".join(old.problems)
                self._host.log.error(f"JetStream {self._label(old.name)}: {self.damage[old.name]}")
            self._go_on(old.name, old.config, old.created_ns, old.state, old.files)
        for held in found.restored:
            self._go_on(held.name, held.config, now_ns(), held.state, None)
        writable = self._host.store.failed is None
        if self.broken or not writable:
            self.place.retaining.hold()
        self.place.retaining.configured()
        # A stream without consumers may have been restored without them.
        if self.by_name and writable:
            self.place.retaining.recovered()

    def _go_on(
        self,
        name: str,
        saved: dict[str, Any],
        created: int,
        state: SavedState,
        files: ConsumerFiles | None,
    ) -> None:
        try:
            read = read_stored(name, saved)
            config = recovered(read, self.stream, self.limits(read.num_replicas))
        except (ValueError, ApiError) as error:
            self.broken[name] = str(error)
            self._host.log.error(
                f"JetStream {self._label(name)} could not be recovered, its files stay: "
                f"{self.broken[name]}"
            )
            return
        going_on = ConsumerState(config.ack_policy)
        forget_spent(state, lambda seq: self._retains and self._host.store.is_live(seq))
        going_on.restore(state)
        consumer = Consumer(self.place, config, created, going_on)
        if files is not None:
            self._kept.adopt(consumer, files)
        self._put(consumer)
        if self._shares():
            self._claims.add(config)
        consumer.start()

    def _label(self, name: str) -> str:
        return f"consumer '{name}' of {self._host.label}"

    def tell_damage(self) -> None:
        """Tells, once everybody listens, of those that were damaged."""
        for name, reason in self.damage.items():
            self._host.account.advisories.consumer_damaged(self._host.name, name, reason)

    def ending(self, status: bytes, told: bool = False) -> Work[None]:
        """All end with their stream, or with the server, and those who wait are told the status;
        `told`: everybody else learns that they are deleted."""
        self._ended = True
        self.place.retaining.stop()
        for step, name in enumerate(list(self.by_name)):  # of names: they are freed in steps, too
            if step % STEP == STEP - 1:
                yield
            consumer = self.by_name.get(name)
            if consumer is None:
                continue
            self._take(consumer)
            consumer.stop(status)
            if told:
                self._tell(consumer, "delete")

    async def close(self) -> None:
        """After `ending`: how far they are is saved."""
        await self._kept.close()

    async def forget(self) -> None:
        """After `ending`, instead of `close`: the folder of the stream is removed."""
        await self._kept.forget()

    def abandon(self) -> None:
        """The end of a stream that could not start."""
        for _ in self.ending(b""):
            pass
        self._host.account.server.spawn(self.forget())

    def stream_changed(self, before: StreamConfig) -> None:
        """The stream has another configuration."""
        if before.retention != self.stream.retention:
            for consumer in self.by_name.values():
                self._configure(consumer, consumer.config)
            self.place.retaining.configured()
            if self.by_name:
                self.place.retaining.sweep()

    def _put(self, consumer: Consumer, is_counted: bool = False) -> None:
        config = consumer.config
        self.by_name[consumer.name] = consumer
        if not config.direct:
            insort(self.names, consumer.name)
        if not is_counted:
            self._counted += config.is_counted
        self._host.account.consumers.add(1)

    def _take(self, consumer: Consumer) -> None:
        config = consumer.config
        del self.by_name[consumer.name]
        if not config.direct:
            del self.names[bisect_left(self.names, consumer.name)]
        self._counted -= config.is_counted
        self._host.account.consumers.add(-1)

    # -- changes ----------------------------------------------------------------------------------

    def preparing(self, asked: ConsumerConfig, action: str, pedantic: bool) -> Work[ConsumerConfig]:
        """The configuration that a request leads to. Raises ApiError."""
        return prepare(asked, action, self, pedantic)

    def beginning(self, config: ConsumerConfig) -> Work[Consumer]:
        """A new consumer of a valid configuration, which does not run yet."""
        created = now_ns()
        begins = yield from beginning(config, self._host.store)
        return Consumer.new(self.place, config, created, begins)

    async def settled(self, name: str = "") -> None:
        """Returns when nobody makes or removes the consumer of that name; without one, any of them.
        Who holds `changing` knows that nobody begins to meanwhile."""
        if not name:
            for other in list(self._settling.values()):
                await other
        elif (settling := self._settling.get(name)) is not None:
            await settling

    def _begin(self, consumer: Consumer, hold: Hold | None) -> asyncio.Future[None]:
        """From here on the consumer's files alone are waited for. Those of a work queue share it
        out, so there each waits for the other."""
        settling: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settling[consumer.name] = settling
        if hold is not None and not self._shares():
            hold.release()
        return settling

    def _end(self, consumer: Consumer, settling: asyncio.Future[None]) -> None:
        del self._settling[consumer.name]
        settling.set_result(None)

    async def add(self, consumer: Consumer, hold: Hold | None = None) -> None:
        """Has a new consumer run. Raises ApiError 10104, and leaves nothing."""
        self._check_alive()
        is_counted = consumer.config.is_counted
        self._counted += is_counted
        settling = self._begin(consumer, hold)
        try:
            await self._make(consumer)
        except BaseException:
            self._counted -= is_counted
            raise
        finally:
            self._end(consumer, settling)
        self._tell(consumer, "create")
        self.tell_pause(consumer)
        await self._claim(self._claims.adding(consumer.config))

    async def _make(self, consumer: Consumer) -> None:
        try:
            await self._kept.make(consumer)
        except (OSError, ValueError) as error:
            raise api_error(10104, err=error) from error
        self._check_alive()
        if self._log is not None:
            start = consumer.state.stream_seq + 1
            made = Created(consumer.config, consumer.created, start, self._retains)
            self._log.record(made)
            consumer.state.log = Recorder(self._log, consumer.name)
        await self._host.account.sliced(consumer.joining())
        try:
            self._check_alive()
        except ApiError:
            consumer.part()
            raise
        self._put(consumer, is_counted=True)
        consumer.start()

    async def change(self, consumer: Consumer, config: ConsumerConfig) -> None:
        """Gives a consumer another valid configuration. Raises ApiError 10012, and then it keeps
        the old one, also after a restart."""
        if config == consumer.config:
            return
        try:
            doubt = await self._kept.change(consumer, config)
        except OSError as error:
            raise api_error(10012, err=error) from error
        if doubt is not None:
            self._host.log.error(
                f"JetStream {self._label(consumer.name)}: nobody knows which "
                f"configuration a restart will find: {doubt}"
            )
            raise api_error(10012, err=doubt)
        sliced = self._host.account.sliced
        group = await sliced(consumer.gathering(config))
        if self.by_name.get(consumer.name) is not consumer:
            if group is not None:
                self.place.interest.let_go(group)
            return  # it has ended meanwhile; the configuration holds after the next start
        before = consumer.config
        self._counted += config.is_counted - before.is_counted
        self._configure(consumer, config, group)
        if group is not None:
            await sliced(consumer.feed.counting())
            await sliced(self.place.interest.tidying())
        if config.filters != before.filters:
            await self._claim(self._claims.discarding(before))
            await self._claim(self._claims.adding(config))
        self.place.retaining.sweep()

    def _configure(
        self, consumer: Consumer, config: ConsumerConfig, group: FilterGroup | None = None
    ) -> None:
        if self._log is not None:
            self._log.record(Updated(config, self._retains))
        consumer.configure(config, group)

    @property
    def _retains(self) -> bool:
        """Whether the stream keeps messages for its consumers' sake."""
        return self.stream.retention != "limits"

    def tell_pause(self, consumer: Consumer) -> None:
        """Tells of a pause that is under way, as every request to create or update does."""
        if consumer.pause_until_ns:
            consumer.events.paused(consumer.config.pause_until or ZERO_TIME, True)

    async def pause(self, consumer: Consumer, until: str) -> None:
        """Delivers nothing until that time (RFC 3339); the zero time, or one that has passed, ends
        a pause. Raises ApiError 10012."""
        before = consumer.config.pause_until or ZERO_TIME
        await self.change(consumer, paused(consumer.config, until))
        now = consumer.config.pause_until or ZERO_TIME
        if now != before:
            consumer.events.paused(now, consumer.pause_until_ns > 0)

    async def reset(self, consumer: Consumer, seq: int) -> int:
        """Has a consumer begin again (see `Consumer.begin_again`); what it leaves behind and nobody
        else needs goes."""
        begins = consumer.begin_again(seq)
        await self._host.account.sliced(consumer.feed.counting())
        self.place.retaining.sweep()
        return begins

    async def delete(self, consumer: Consumer, hold: Hold | None = None) -> None:
        """Ends a consumer and removes its files. Raises ApiError 10051, and then it goes on."""
        self._take(consumer)
        consumer.stop(DELETED)
        settling = self._begin(consumer, hold)
        try:
            await self._remove(consumer)
        finally:
            self._end(consumer, settling)
        self.damage.pop(consumer.name, None)
        if self._log is not None:
            self._log.record(Deleted(consumer.name))
        self._tell(consumer, "delete")
        await self._host.account.sliced(self.place.interest.tidying())
        await self._claim(self._claims.discarding(consumer.config))
        self.place.retaining.sweep()

    async def _remove(self, consumer: Consumer) -> None:
        try:
            unsynced = await self._kept.remove(consumer)
        except OSError as error:
            if not self._ended:
                again = Consumer(self.place, consumer.config, consumer.created, consumer.state)
                again.saved = consumer.saved
                self._put(again)
                again.start()
            raise api_error(10051, err=error) from error
        if unsynced is not None:
            self._host.log.error(
                f"JetStream {self._label(consumer.name)} is deleted, but a "
                f"power cut may undo it: {unsynced}"
            )

    def _unused(self, consumer: Consumer) -> None:
        """Nobody has used the consumer for as long as its configuration allows."""
        self._host.account.server.spawn(self._end_unused(consumer))

    async def _end_unused(self, consumer: Consumer) -> None:
        async with Hold(self._host.account.changing) as hold:
            if self.by_name.get(consumer.name) is not consumer or self._ended:
                return
            if not consumer.inactivity.is_over():  # it was used while this waited
                consumer.inactivity.configured(consumer.config.inactive_threshold)
                return
            try:
                await self.delete(consumer, hold)
            except ApiError as error:
                self._host.log.warn_rarely(
                    f"JetStream {self._label(consumer.name)}, which nobody uses, stays: {error}"
                )

    def _shares(self) -> bool:
        """Whether its consumers share the messages out: only then are claims asked for."""
        return self.stream.retention == "workqueue"

    async def _claim(self, work: Work[None]) -> None:
        """Notes or forgets what a consumer wants, before anybody changes another one."""
        if self._shares() and not self._ended:
            await self._host.account.sliced(work)

    def _check_alive(self) -> None:
        if self._ended:
            raise api_error(10077, err=StoreError("the stream has ended"))

    def _tell(self, consumer: Consumer, action: str) -> None:
        advisories = self._host.account.advisories
        advisories.consumer_action(self._host.name, consumer.name, action)

    # -- figures ----------------------------------------------------------------------------------

    def shown(self, hidden: bool = False) -> Iterable[Consumer]:
        """Those that lists show, in order of creation; or those of mirrors and sources, which they
        do not show."""
        return (one for one in list(self.by_name.values()) if one.config.direct is hidden)

    def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self.by_name

    def details(self, hidden: bool = False) -> Iterator[dict[str, Any]]:
        """What CONSUMER.LIST tells of each; or of those of mirrors and sources, which it hides."""
        return (consumer.info(of_server=False) for consumer in self.shown(hidden))

    def figures(self) -> Iterator[ConsumerFigures]:
        """The numbers of each, for monitoring."""
        account, stream = self._host.account.name, self._host.name
        return (consumer.figures(account, stream) for consumer in self.shown())

    def stored(self) -> Work[list[StoredConsumer]]:
        """All as they are now, for a backup. Raises StoreError if one is not known."""
        for name, reason in self.broken.items():
            raise StoreError(f"{self._label(name)} could not be recovered: {reason}")
        made = []
        for step, consumer in enumerate(list(self.by_name.values())):
            if step % STEP == STEP - 1:
                yield
            if not consumer.config.direct:
                made.append((yield from stored(consumer)))
        return made
