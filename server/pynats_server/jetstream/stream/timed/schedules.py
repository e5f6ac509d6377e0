"""Scheduled messages: a stored message with `Nats-Schedule` is published to its target when due.

What clients may say about schedules, and the timer. When what is due is the `plan`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import text_of
from pynats_common.subjects import subjects_overlap

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.clock import as_wall_ns, now_ns
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish.message_ttl import parse_ttl
from pynats_server.jetstream.store import (
    Message,
    SequenceNotFound,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Miss
from pynats_server.jetstream.stream.timed.plan import (
    PURGE,
    Entry,
    Plan,
    find_schedule,
    is_literal,
)
from pynats_server.jetstream.stream.timed.schedule_syntax import Schedule, next_due
from pynats_server.work import Cancelled, Job, Work

TIMER_MIN_S: Final = 0.25
TIMER_MAX_S: Final = 3600.0
PUBLISHED: Final = 3
"""Messages that a step publishes, about 0.2 ms."""
RETRY_S: Final = 1.0
"""Until what could not be published, for example on a full disk, is tried again."""

_NO_ROOM = frozenset((10002, 10023, 10047, 10167))
"""Errors that any other message would meet as well, until there is room."""

_KNOWN = frozenset(
    (
        names.SCHEDULE,
        names.SCHEDULE_TIME_ZONE,
        names.SCHEDULE_TARGET,
        names.SCHEDULE_SOURCE,
        names.SCHEDULE_TTL,
        names.SCHEDULE_ROLLUP,
        names.SCHEDULE_NEXT,
        names.SCHEDULER,
    )
)
_OF_THE_MADE = ((names.SCHEDULE_TTL, names.TTL), (names.SCHEDULE_ROLLUP, names.ROLLUP))
"""Headers of a schedule, and the headers of its messages that they become."""


def check_schedule(stream: StreamHost, subject: bytes, block: bytes) -> bytes:
    """What a client may say about schedules. Returns the header block to store: that of a schedule
    is a rollup. Raises ApiError 10188 to 10192, 10203, 10212, 10223, 10166."""
    config = stream.config
    said = header_blocks.get_all(block, _KNOWN)
    if not said:
        return block
    try:
        schedule = find_schedule(block)
    except ApiError:
        if not config.allow_msg_schedules:
            raise api_error(10188) from None
        raise
    if schedule is not None:
        block = _check_new(config, subject, block, said)
    if said.get(names.SCHEDULE_NEXT):
        _check_end(stream, subject, said)
    elif said.get(names.SCHEDULER):
        raise api_error(10212)
    return block


def _check_new(
    config: StreamConfig, subject: bytes, block: bytes, said: dict[bytes, bytes]
) -> bytes:
    if not config.allow_msg_schedules:
        raise api_error(10188)
    ttl = said.get(names.SCHEDULE_TTL)
    if ttl:
        try:
            parse_ttl(ttl)
        except ValueError:
            raise api_error(10191) from None
    if said.get(names.SCHEDULE_ROLLUP) not in (None, b"", b"sub"):
        raise api_error(10192)
    if ttl and not config.allow_msg_ttl:
        raise api_error(10166)
    target, source = said.get(names.SCHEDULE_TARGET, b""), said.get(names.SCHEDULE_SOURCE, b"")
    if target == subject or not is_literal(target):
        raise api_error(10190)
    if source and (source in (target, subject) or not is_literal(source)):
        raise api_error(10203)
    for place, code in ((target, 10190), (source, 10203)):
        text = text_of(place)
        if place and not any(subjects_overlap(own, text) for own in config.subjects):
            raise api_error(code)
    rollup = (header_blocks.get(block, names.ROLLUP) or b"").lower()
    if not rollup:
        return header_blocks.add(block, names.ROLLUP, b"sub")
    if rollup != b"sub":
        raise api_error(10192)
    return block


def _check_end(stream: StreamHost, subject: bytes, said: dict[bytes, bytes]) -> None:
    scheduler = said.get(names.SCHEDULER, b"")
    if said[names.SCHEDULE_NEXT] != PURGE or scheduler == subject or not is_literal(scheduler):
        raise api_error(10212)
    if not stream.config.allow_msg_schedules:
        raise api_error(10188)
    last = stream.store.load_last(scheduler)
    if last is not None and not header_blocks.get(last.headers or b"", names.SCHEDULE):
        raise api_error(10212)


def ended_schedule(block: bytes) -> bytes:
    """The subject of the schedule that this message ends; empty when it ends none."""
    if header_blocks.get(block, names.SCHEDULE_NEXT) == PURGE:
        return header_blocks.get(block, names.SCHEDULER) or b""
    return b""


class Schedules:
    """The timer of one stream's schedules: it publishes what is due.

    Finding them after a start and publishing go in steps: a stream may have any number of them, due
    at the same time. What finds no room, or is taken back by a full disk, stays due.
    """

    def __init__(self, stream: StreamHost, plan: Plan) -> None:
        self._stream = stream
        self._plan = plan
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0
        self._are_on = False
        self._jobs: dict[str, Job[None]] = {}  # by what they do
        self._retry: asyncio.TimerHandle | None = None
        self._has_room = True
        self._ahead_ns = as_wall_ns(0)  # the clock, when the plan was made

    def configured(self) -> None:
        """Follows a changed configuration, which the plan has taken."""
        were_on, self._are_on = self._are_on, self._plan.is_on
        if self._are_on:
            if not were_on:
                self._plan.queue_all()
            self.arm()
        else:
            self.stop()

    def recover(self, search: Work[None]) -> None:
        """Runs the search for the schedules among the stored messages."""
        self._start("recover", self._recovering(search))

    def _recovering(self, search: Work[None]) -> Work[None]:
        yield from search
        if self._stream.store.turns:
            yield from self._bring_forward()

    def stop(self) -> None:
        """Stops publishing."""
        self._disarm()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._has_room = True
        for job in list(self._jobs.values()):
            self._stream.account.server.turns.cancel(job)
        self._are_on = False

    def _start(self, kind: str, work: Work[None]) -> None:
        def ended(job: Job[None]) -> None:
            self._jobs.pop(kind, None)
            if isinstance(job.error, Cancelled):
                return
            if isinstance(job.error, Exception):
                self._stream.on_internal_error(job.error)
            self.arm()

        account = self._stream.account
        job = account.server.turns.start(account.name, (self, kind), work, stays=True, on_end=ended)
        if not job.ended:
            self._jobs[kind] = job

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def arm(self) -> None:
        """Sets the timer to when the next schedule is due."""
        if "fire" in self._jobs or not self._are_on or not self._has_room:
            return  # its end does, or the next try
        self._ahead_ns = max(self._ahead_ns, as_wall_ns(0))
        due = self._plan.next_due
        if due is None:
            self._disarm()
            return
        loop = asyncio.get_running_loop()
        wait_s = (due - now_ns()) / 1e9
        at = loop.time() + min(max(wait_s, TIMER_MIN_S), TIMER_MAX_S)
        if self._timer is not None:
            if self._fires_at <= at:
                return
            self._timer.cancel()
        self._fires_at = at
        self._timer = loop.call_at(at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._start("fire", self._publish_due())

    def undone(self, has_changed: bool) -> None:
        """The disk is full: messages were taken back, and the plan `has_changed` with them."""
        if not self._are_on:
            return
        if "recover" in self._jobs:  # it may have passed what is there again
            self._stream.account.server.turns.cancel(self._jobs.pop("recover"))
            self.recover(self._plan.recovering())
        if has_changed:
            self._no_room(StoreFull(f"no space for {self._stream.label}"))

    def _no_room(self, error: Exception) -> None:
        """Publishes nothing for a while."""
        self._has_room = False
        self._disarm()
        self._stream.log.warn_rarely(
            f"JetStream {self._stream.label} cannot publish what is scheduled yet: {error}"
        )
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._has_room = True
        self.arm()

    def _publish_due(self) -> Work[None]:
        ahead_ns = as_wall_ns(0)
        if self._ahead_ns - ahead_ns > SECOND_NS:
            yield from self._bring_forward()
        self._ahead_ns = ahead_ns
        now, plan, done = now_ns(), self._plan, 0
        while self._has_room and plan.next_due is not None and plan.next_due <= now:
            due = deque((yield from plan.take_due(now)))
            try:
                while due and self._has_room:
                    entry = due.popleft()
                    if plan.is_due(entry):  # still
                        yield from self._publish(entry, now)
                    done += 1
                    if done % PUBLISHED == 0:
                        yield
            finally:
                plan.queue(due)

    def _bring_forward(self) -> Work[None]:
        """The clock was set back: what is done again and again does not wait until it has caught
        up."""
        now = now_ns()
        ahead = [(due, seq, subject) for subject, (due, seq) in self._plan.due.items() if due > now]
        for looked, entry in enumerate(ahead, 1):
            if self._plan.is_due(entry):
                yield from self._bring_one_forward(entry, now)
            if looked % PUBLISHED == 0:
                yield

    def _bring_one_forward(self, entry: Entry, now: int) -> Work[None]:
        due, seq, subject = entry
        try:
            message = yield from self._stream.store.read(seq)
            schedule = find_schedule(message.headers or b"")
        except (SequenceNotFound, ApiError, StoreError):
            return  # told when it is due
        first = schedule.next_time(now) if schedule is not None and schedule.repeats else None
        if first is not None and first < due and self._plan.is_due(entry):
            self._stream.apply(Miss(subject, seq, first))

    def _publish(self, entry: Entry, now: int) -> Work[None]:
        stream, (due, seq, subject) = self._stream, entry
        following = None
        try:
            message = yield from stream.store.read(seq)
            block = message.headers or b""
            schedule = find_schedule(block)
            said = header_blocks.get_all(block, _KNOWN)
            body = message
            if said.get(names.SCHEDULE_SOURCE):
                body = (yield from stream.store.find_last(said[names.SCHEDULE_SOURCE])) or message
            if not self._plan.is_due(entry):
                return  # replaced meanwhile
            if stream.store.get(seq) is None:
                self._plan.drop(entry)
                return
            if schedule is not None and said.get(names.SCHEDULE_TARGET):
                following = next_due(schedule, due, now) if schedule.repeats else None
                self._make(subject, body, schedule, following, said)
        except SequenceNotFound:
            self._plan.drop(entry)
            return
        except (ApiError, StoreError) as error:
            if _is_of_room(error):
                self._plan.queue([entry])
                self._no_room(error)
                return
            stream.on_internal_error(error)
        if self._plan.is_due(entry) and self._has_room:
            stream.apply(Miss(subject, seq, following or 0))

    def _make(
        self,
        subject: bytes,
        body: Message,
        schedule: Schedule,
        following: int | None,
        said: dict[bytes, bytes],
    ) -> None:
        """Publishes a schedule's message, which moves the plan on. Raises ApiError, StoreError."""
        made = _without_orders(body.headers or b"")
        made = header_blocks.add(made, names.SCHEDULER, subject)
        again = PURGE if following is None else schedule.show(following).encode()
        made = header_blocks.add(made, names.SCHEDULE_NEXT, again)
        for name, header in _OF_THE_MADE:
            if said.get(name):
                made = header_blocks.add(made, header, said[name])
        self._stream.take_own(said[names.SCHEDULE_TARGET], made, body.payload)


def _is_of_room(error: ApiError | StoreError) -> bool:
    """Whether what was refused may be taken another time."""
    if isinstance(error, ApiError):
        return error.err_code in _NO_ROOM
    return isinstance(error, StoreFull | StoreFailed)


def _without_orders(block: bytes) -> bytes:
    """Without headers that apply to the stored message only, not to its content."""
    block = header_blocks.remove_prefix(
        block, names.SCHEDULE, names.EXPECTED_PREFIX, names.BATCH_PREFIX
    )
    return header_blocks.remove(block, names.MSG_ID, names.TTL, names.ROLLUP)
