"""One consumer: its configuration, its state, and who works for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from pynats_common.go.durations import DURATION_MAX_NS
from pynats_common.go.text import text_of
from pynats_common.go.times import ZERO_TIME, format_time_ns, parse_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.jetstream.clock import as_wall_ns, now_ns
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.delivery.alarms import TIME_MAX_NS, Appointment
from pynats_server.jetstream.consumer.delivery.interest import FilterGroup
from pynats_server.jetstream.consumer.delivery.pull.feed import PullFeed
from pynats_server.jetstream.consumer.delivery.push.feed import PushFeed
from pynats_server.jetstream.consumer.delivery.state import ConsumerState, Snapshot
from pynats_server.jetstream.consumer.events import ConsumerEvents
from pynats_server.jetstream.consumer.inactivity import Inactivity
from pynats_server.jetstream.consumer.place import ConsumerPlace, Saved
from pynats_server.jetstream.consumer.starting import Beginning
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.figures import ConsumerFigures
from pynats_server.work import Work, finish

DELETED = b"409 Consumer Deleted"


class Consumer:
    """The host of its `feed`. It runs between `start` and `stop`."""

    def __init__(
        self,
        place: ConsumerPlace,
        config: ConsumerConfig,
        created: int,
        state: ConsumerState,
        begins: Beginning | None = None,
    ) -> None:
        self.place = place
        self.config = config
        self.created = created
        self.state = state
        self.name = config.name
        self.saved: Saved | None = None  # None = its state is not kept on the disk
        self.events = ConsumerEvents(place.account, place.name, config.name)
        self.feed = self._feed()
        if begins is not None and begins.firsts:
            self.feed.begin_with(begins.firsts, begins.start)
        self.inactivity = Inactivity(place.alarms, self.feed, lambda: place.expired(self))
        self._resuming: Appointment | None = None  # the end of a pause
        self._set_rules()

    @classmethod
    def new(
        cls, place: ConsumerPlace, config: ConsumerConfig, created: int, begins: Beginning
    ) -> Consumer:
        """A consumer that nobody has used yet."""
        start = begins.firsts.first() or begins.start
        state = ConsumerState(config.ack_policy, start)
        return cls(place, config, created, state, begins)

    def __repr__(self) -> str:
        return f"Consumer({self.place.name!r}, {self.name!r})"

    def _feed(self) -> PullFeed | PushFeed:
        place = self.place
        kind = PushFeed if self.config.is_push else PullFeed
        head = place.router.head(b"ACK", place.name.encode(), self.name.encode())
        return kind(self, self.state, place.interest, place.account.account, place.alarms, head)

    def _set_rules(self) -> None:
        config, feed = self.config, self.feed
        feed.set_rules(
            max_deliver=config.max_deliver,
            max_ack_pending=config.max_ack_pending if config.ack_policy != "none" else 0,
            ack_wait_ns=config.ack_wait,
            backoff_ns=config.backoff,
            headers_only=config.headers_only,
            original_pace=config.replay_policy == "original",
            sample=_percent(config.sample_freq),
            retains=self.place.config.retention != "limits",
        )
        if isinstance(feed, PullFeed):
            feed.set_pull_limits(
                max_waiting=config.max_waiting,
                max_batch=config.max_batch,
                max_expires_ns=config.max_expires,
                max_bytes=config.max_bytes,
            )
            feed.set_groups(config.priority_policy, config.priority_groups, config.priority_timeout)
            return
        feed.set_target(
            config.deliver_subject.encode(),
            config.deliver_group.encode(),
            self.place.router.head(b"FC", self.place.name.encode(), self.name.encode()),
            flow_control=config.flow_control or config.ack_policy == "flow_control",
            heartbeat_ns=config.idle_heartbeat,
            rate_bps=config.rate_limit_bps,
            burst=self.place.largest_message,
        )

    @property
    def _filters(self) -> Iterator[bytes]:
        return (text.encode() for text in self.config.filters)

    # -- life -------------------------------------------------------------------------------

    def joining(self) -> Work[None]:
        """Does in slices what `start` would do at once: to find out what of its stream concerns
        it. Without a start, `part` ends it."""
        interest = self.place.interest
        interest.enter(self.feed, (yield from interest.gathering(self._filters)))
        yield from self.feed.counting()

    def part(self) -> None:
        """Nothing concerns it any more."""
        self.place.interest.leave(self.feed)

    def start(self) -> None:
        """Takes requests and acknowledgements."""
        if not self.feed.joined:
            self.place.interest.join(self.feed, self._filters)
        self.place.router.add(self.place.name.encode(), self.name.encode(), self.feed)
        self._apply_pause()
        self.feed.start()
        self.inactivity.configured(self.config.inactive_threshold)

    def stop(self, status: bytes | None = None) -> None:
        """Ends; those who wait are told the status, if one is given."""
        self.inactivity.end()
        if self._resuming is not None:
            self._resuming.end()
            self._resuming = None
        self.place.router.remove(self.place.name.encode(), self.name.encode())
        self.feed.stop()
        if status is not None:
            self._end_requests(status)
        self.feed.part(GONE)  # in no circle, it is freed at once

    def _end_requests(self, status: bytes) -> None:
        if self.feed.end_some(status):
            account, feed = self.place.account, self.feed

            def rest() -> Work[None]:
                while feed.end_some(status):
                    yield

            account.server.turns.start(account.name, (feed, "end"), rest(), stays=True)

    def gathering(self, config: ConsumerConfig) -> Work[FilterGroup | None]:
        """What another configuration needs that `configure` takes; None if it has the same
        filters."""
        if config.filters == self.config.filters:
            return None
        texts = (text.encode() for text in config.filters)
        return (yield from self.place.interest.gathering(texts))

    def configure(self, config: ConsumerConfig, group: FilterGroup | None = None) -> None:
        """Takes another valid configuration; with other filters, the `feed` delivers nothing until
        it has counted."""
        moved = config.deliver_subject != self.config.deliver_subject
        self.config = config
        self._set_rules()
        if moved:
            self.feed.again_from_start()
        if group is not None:
            self.place.interest.leave(self.feed)
            self.place.interest.enter(self.feed, group)
            self.feed.hold()
        self._apply_pause()
        self.feed.start()
        self.inactivity.configured(self.config.inactive_threshold)

    # -- pause and reset --------------------------------------------------------------------

    @property
    def pause_until_ns(self) -> int:
        """Until when nothing is delivered; 0 = not paused."""
        until = self.config.pause_until
        if until is None or until == ZERO_TIME:
            return 0
        until_ns = parse_time_ns(until)
        return until_ns if until_ns > now_ns() else 0

    @property
    def pause_left_ns(self) -> int:
        """How long it stays paused, as far as answers can say; 0 = it is not paused."""
        return min(max(0, self.pause_until_ns - now_ns()), DURATION_MAX_NS)

    def _apply_pause(self) -> None:
        until_ns = self.pause_until_ns
        was, self.feed.paused = self.feed.paused, until_ns > 0
        if until_ns:
            if self._resuming is None:
                self._resuming = Appointment(self.place.pauses, self._pause_ends)
            self._resuming.at(min(until_ns, TIME_MAX_NS))
        elif self._resuming is not None:
            self._resuming.end()
            self._resuming = None
        if was and not self.feed.paused:
            self.feed.go_ahead()

    def _pause_ends(self) -> None:
        """Its time has come, or the clock is looked at again."""
        self._apply_pause()
        if not self.feed.paused:
            self.events.paused(self.config.pause_until or ZERO_TIME, False)

    def unpin(self, group: str) -> None:
        """Whoever the messages of a priority group go to gets no more."""
        if isinstance(self.feed, PullFeed):
            self.feed.unpin()
        self.events.unpinned(group, "admin")

    def begin_again(self, seq: int) -> int:
        """Begins again at a stream sequence; 0 = behind what is acknowledged. Returns it. The
        `feed` delivers nothing until it has counted."""
        self.feed.settle()
        start = seq or self.state.floor_stream + 1
        self.feed.reset(start)
        return start

    def reset(self, seq: int) -> int:
        """The same, counted at once."""
        start = self.begin_again(seq)
        finish(self.feed.counting())
        return start

    async def until_saved(self) -> None:
        """Returns when its state as it is now is saved. Raises ApiError if it cannot be."""
        if self.saved is None:
            return
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def told(error: Exception | None) -> None:
            if not done.done():  # else nobody waits any more
                done.set_result(error)

        self.saved.when_saved(told)
        if (error := await done) is not None:
            raise api_error(10077, err=error)

    # -- for the feed -----------------------------------------------------------------------

    def changed(self) -> None:
        """Its state is not what was saved last."""
        if self.saved is not None:
            self.saved.changed()

    def load(self, block: Any, done: Callable[[], None]) -> None:
        """See `ConsumerPlace.load_block`."""
        self.place.load_block(block, done)

    def asked(self, reply: bytes, body: bytes) -> None:
        """A request for messages."""
        self.feed.asked(reply, body)

    def answer(self, reply: bytes) -> None:
        """Confirms an acknowledgement, once it is saved; not if it cannot be."""

        def told(error: Exception | None) -> None:
            if error is None:
                self.place.account.publish(reply, b"")

        def removed(error: Exception | None) -> None:
            if error is not None:
                return
            if self.saved is None:
                told(None)
            else:
                self.saved.when_saved(told)

        if self.place.config.retention == "limits":
            removed(None)
        else:
            self.place.when_removed(removed)

    def release(self, closed: Snapshot, last: int) -> None:
        """It needs nothing any more of what it had waited for up to `last`."""
        self.place.release(closed, last)

    def new_pin(self) -> str:
        """Who has it next gets the messages of a priority group."""
        return new_nuid()

    def pinned(self, group: str, pin: str) -> None:
        """See `ConsumerEvents`."""
        self.events.pinned(group, pin)

    def unpinned(self) -> None:
        """Who was pinned has not asked for too long."""
        self.events.unpinned(self.config.priority_groups[0], "timeout")

    def exhausted(self, seq: int, deliveries: int) -> None:
        """See `ConsumerEvents`."""
        self.events.exhausted(seq, deliveries)

    def naked(self, seq: int, delivery: int, deliveries: int) -> None:
        """See `ConsumerEvents`."""
        self.events.naked(seq, delivery, deliveries)

    def terminated(self, seq: int, delivery: int, deliveries: int, reason: str) -> None:
        """See `ConsumerEvents`."""
        self.events.terminated(seq, delivery, deliveries, reason)

    def sampled(self, seq: int, delivery: int, deliveries: int, took_ns: int) -> None:
        """See `ConsumerEvents`."""
        self.events.sampled(seq, delivery, deliveries, took_ns)

    def on_internal_error(self, error: Exception) -> None:
        """Logs a bug of ours."""
        self.place.on_internal_error(error)

    # -- figures ----------------------------------------------------------------------------

    @property
    def num_pending(self) -> int:
        """Messages that it has not delivered yet."""
        return self.feed.num_pending

    @property
    def num_ack_pending(self) -> int:
        """Messages whose acknowledgement is waited for."""
        self.feed.settle()
        return self.state.open

    @property
    def num_redelivered(self) -> int:
        """Of them, those delivered more than once."""
        self.feed.settle()
        return self.state.again

    @property
    def num_waiting(self) -> int:
        """Requests that wait for messages."""
        return self.feed.num_waiting

    def figures(self, account: str, stream: str) -> ConsumerFigures:
        """Its numbers, for monitoring."""
        state, feed, config = self.state, self.feed, self.config
        feed.settle()
        return ConsumerFigures(
            account=account,
            stream=stream,
            name=self.name,
            pending=feed.num_pending,
            ack_pending=state.open,
            max_ack_pending=config.max_ack_pending,
            again=state.queued,
            redelivered=state.again,
            waiting=feed.num_waiting,
            max_waiting=0 if config.is_push else config.max_waiting,
            delivered_seq=state.stream_seq,
            acked_seq=state.floor_stream,
            deliveries=state.consumer_seq,
            redeliveries=state.redeliveries,
            delivered_ns=as_wall_ns(feed.last_delivered_ns) if feed.last_delivered_ns else 0,
            acked_ns=as_wall_ns(feed.last_acked_ns) if feed.last_acked_ns else 0,
            paused=self.pause_until_ns > 0,
        )

    def info(self, of_server: bool = True) -> dict[str, Any]:
        """The fields of a ConsumerInfo; lists are without what the server says of itself."""
        state, feed = self.state, self.feed
        feed.settle()
        told: dict[str, Any] = {
            "stream_name": self.place.name,
            "name": self.name,
            "created": format_time_ns(self.created),
            "config": (self.config.public() if of_server else self.config).as_dict(),
            "delivered": _position(
                state.consumer_seq, state.stream_seq, feed.last_delivered_ns
            ),
            "ack_floor": _position(state.floor_consumer, state.floor_stream, feed.last_acked_ns),
            "num_ack_pending": self.num_ack_pending,
            "num_redelivered": self.num_redelivered,
            "num_waiting": self.num_waiting,
            "num_pending": self.num_pending,
        }  # fmt: skip
        if isinstance(self.feed, PushFeed) and self.feed.in_use:
            told["push_bound"] = True
        if left_ns := self.pause_left_ns:
            told["paused"] = True
            told["pause_remaining"] = left_ns
        told["ts"] = format_time_ns(now_ns())
        if self.config.priority_groups and isinstance(feed, PullFeed):
            # As the real server, which tells of the first of them alone.
            pin, since_ns = feed.pinned
            told["priority_groups"] = [
                {
                    "group": self.config.priority_groups[0],
                    **({"pinned_client_id": pin} if pin else {}),
                    "pinned_ts": format_time_ns(as_wall_ns(since_ns)) if pin else ZERO_TIME,
                }
            ]
        return told


class _Gone:
    """Whatever a feed still tells a consumer that has ended."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _ignored


def _ignored(*_: object) -> None:
    """Nobody cares."""


GONE = _Gone()


def _position(consumer_seq: int, stream_seq: int, active_ns: int) -> dict[str, Any]:
    told: dict[str, Any] = {"consumer_seq": consumer_seq, "stream_seq": stream_seq}
    if active_ns:
        told["last_active"] = format_time_ns(as_wall_ns(active_ns))
    return told


def _percent(text: str) -> int:
    digits = text_of(text.encode()).removesuffix("%")
    return int(digits) if digits else 0
