"""Scheduled messages: a stored message with `Nats-Schedule` is published to its target when due.

There is one schedule per subject, the subject's last message (it is stored as a rollup). What is
due is found in a heap; entries of messages that are gone, by whatever way, are dropped when their
time comes. Nothing but the messages is stored: after a restart the times come from the schedules
themselves and from the last message each has published, which names the next time.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Final

from pynats_common.go.text import text_of
from pynats_common.go.times import parse_time_ns
from pynats_common.subjects import is_valid_publish_subject, subjects_overlap

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.publish.message_ttl import parse_ttl
from pynats_server.jetstream.store import Message, SequenceNotFound, StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.schedule_syntax import (
    Schedule,
    ScheduleZoneError,
    next_due,
    parse_schedule,
)
from pynats_server.work import Cancelled, Job, Work

PURGE: Final = b"purge"
"""Value of SCHEDULE_NEXT that ends the schedule named in SCHEDULER."""

TIMER_MIN_S: Final = 0.25
TIMER_MAX_S: Final = 3600.0
LOOKED_UP: Final = 20
"""Subjects whose last message a step looks at."""
DUE_AT_ONCE: Final = 500
"""Messages that are published in the order in which their schedules were stored."""
TAKEN: Final = 100
"""Entries that a step takes out of the heap."""
PUBLISHED: Final = 3
"""Messages that a step publishes, about 0.2 ms."""

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


def find_schedule(block: bytes) -> Schedule | None:
    """The schedule of a message; None when it is no schedule. Raises ApiError 10223, 10189."""
    zone = header_blocks.get(block, names.SCHEDULE_TIME_ZONE)
    pattern = header_blocks.get(block, names.SCHEDULE)
    try:
        if not pattern:
            if zone is not None:
                parse_schedule("@yearly", text_of(zone))
            return None
        return parse_schedule(
            text_of(pattern),
            text_of(zone) if zone is not None else None,
        )
    except ScheduleZoneError:
        raise api_error(10223) from None
    except ValueError:
        raise api_error(10189) from None


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
    if target == subject or not _is_literal(target):
        raise api_error(10190)
    if source and (source in (target, subject) or not _is_literal(source)):
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
    if said[names.SCHEDULE_NEXT] != PURGE or scheduler == subject or not _is_literal(scheduler):
        raise api_error(10212)
    if not stream.config.allow_msg_schedules:
        raise api_error(10188)
    last = stream.store.load_last(scheduler)
    if last is not None and not header_blocks.get(last.headers or b"", names.SCHEDULE):
        raise api_error(10212)


def _is_literal(subject: bytes) -> bool:
    return bool(subject) and is_valid_publish_subject(text_of(subject))


def ended_schedule(block: bytes) -> bytes:
    """The subject of the schedule that this message ends; empty when it ends none."""
    if header_blocks.get(block, names.SCHEDULE_NEXT) == PURGE:
        return header_blocks.get(block, names.SCHEDULER) or b""
    return b""


class Schedules:
    """The schedules of one stream, and the timer that publishes what is due.

    Finding them after a start and publishing go in steps: a stream may have any number of them, due
    at the same time.
    """

    def __init__(self, stream: StreamHost) -> None:
        self._stream = stream
        self._due: dict[bytes, tuple[int, int]] = {}  # subject -> (time in ns, sequence)
        self._heap: list[tuple[int, int, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0
        self._are_on = False
        self._jobs: dict[str, Job[None]] = {}  # by what they do

    def configured(self) -> None:
        """Follows a changed configuration; finds the schedules among the stored messages when it
        allows them for the first time."""
        are_on = self._stream.config.allow_msg_schedules
        if are_on == self._are_on:
            return
        self.stop()
        self._are_on = are_on
        if are_on:
            self._start("recover", self._recover())

    def stop(self) -> None:
        """Stops publishing, and forgets all schedules."""
        self._disarm()
        for job in list(self._jobs.values()):
            self._stream.account.server.turns.cancel(job)
        self._are_on = False
        self._due = {}
        self._heap = []

    def _start(self, kind: str, work: Work[None]) -> None:
        def ended(job: Job[None]) -> None:
            self._jobs.pop(kind, None)
            if isinstance(job.error, Cancelled):
                return
            if isinstance(job.error, Exception):
                self._stream.on_internal_error(job.error)
            self._arm()

        account = self._stream.account
        job = account.server.turns.start(account.name, (self, kind), work, stays=True, on_end=ended)
        if not job.ended:
            self._jobs[kind] = job

    def _recover(self) -> Work[None]:
        store = self._stream.store
        for page in store.subject_pages(b">"):
            for at, (subject, _) in enumerate(page, 1):
                message = yield from store.find_last(subject)
                if message is not None and message.headers:
                    yield from self._restore(message)
                if at % LOOKED_UP == 0:
                    yield
            yield

    def stored(self, subject: bytes, block: bytes, seq: int, ts: int) -> None:
        """Takes the schedule of a message that has just been stored, if it is one."""
        try:
            schedule = find_schedule(block)
        except ApiError:
            return  # stored by a source, which may have other rules
        first = schedule.first_time(ts) if schedule is not None else None
        if first is not None:
            self._plan(subject, first, seq)
            self._arm()

    def _restore(self, message: Message) -> Work[None]:
        block = message.headers or b""
        try:
            schedule = find_schedule(block)
        except ApiError:
            return
        if schedule is None:
            return
        due = schedule.first_time(message.ts)
        target = header_blocks.get(block, names.SCHEDULE_TARGET) or b""
        published = (
            (yield from self._stream.store.find_last(target)) if _is_literal(target) else None
        )
        if published is not None and published.seq > message.seq:
            said = header_blocks.get_all(published.headers or b"", _KNOWN)
            if said.get(names.SCHEDULER) == message.subject:
                try:
                    due = parse_time_ns(text_of(said.get(names.SCHEDULE_NEXT, b"")))
                except ValueError:
                    pass  # written by somebody else: the schedule itself still tells
        # A schedule that came while this looked is newer, and known.
        if due is not None and message.subject not in self._due:
            self._plan(message.subject, due, message.seq)

    def _plan(self, subject: bytes, due: int, seq: int) -> None:
        self._due[subject] = due, seq
        heapq.heappush(self._heap, (due, seq, subject))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if "fire" in self._jobs or not self._are_on:
            return  # its end does
        if not self._heap:
            self._disarm()
            return
        loop = asyncio.get_running_loop()
        wait_s = (self._heap[0][0] - time.time_ns()) / 1e9
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

    def _publish_due(self) -> Work[None]:
        now = time.time_ns()
        while self._heap and self._heap[0][0] <= now:
            due = yield from self._take_due(now)
            for done, (at, seq, subject) in enumerate(due, 1):
                if self._due.get(subject) == (at, seq):  # still
                    try:
                        yield from self._publish(subject, at, seq, now)
                    except (ApiError, StoreError) as error:
                        self._done(subject, at, seq)
                        self._stream.on_internal_error(error)
                if done % PUBLISHED == 0:
                    yield

    def _take_due(self, now: int) -> Work[list[tuple[int, int, bytes]]]:
        """Takes entries out of the heap that are due, in the order of their messages."""
        due: set[tuple[int, int, bytes]] = set()
        taken = 0
        while self._heap and self._heap[0][0] <= now and len(due) < DUE_AT_ONCE:
            entry = heapq.heappop(self._heap)
            if self._due.get(entry[2]) == entry[:2]:
                due.add(entry)
            taken += 1
            if taken % TAKEN == 0:
                yield
        return sorted(due, key=lambda entry: entry[1])

    def _publish(self, subject: bytes, due: int, seq: int, now: int) -> Work[None]:
        stream = self._stream
        try:
            message = yield from stream.store.read(seq)
        except SequenceNotFound:
            self._done(subject, due, seq)
            return
        block = message.headers or b""
        schedule = find_schedule(block)
        said = header_blocks.get_all(block, _KNOWN)
        body = message
        if said.get(names.SCHEDULE_SOURCE):
            body = (yield from stream.store.find_last(said[names.SCHEDULE_SOURCE])) or message
        if not self._done(subject, due, seq):
            return  # replaced meanwhile
        if schedule is None or not said.get(names.SCHEDULE_TARGET) or stream.store.get(seq) is None:
            return
        following = next_due(schedule, due, now) if schedule.repeats else None
        made = _without_orders(body.headers or b"")
        made = header_blocks.add(made, names.SCHEDULER, subject)
        again = PURGE if following is None else schedule.show(following).encode()
        made = header_blocks.add(made, names.SCHEDULE_NEXT, again)
        for name, header in _OF_THE_MADE:
            if said.get(name):
                made = header_blocks.add(made, header, said[name])
        if following is not None:
            self._plan(subject, following, seq)
        stream.take_own(said[names.SCHEDULE_TARGET], made, body.payload)

    def _done(self, subject: bytes, due: int, seq: int) -> bool:
        """Takes a schedule off the plan; False if it is not the one that is planned."""
        if self._due.get(subject) != (due, seq):
            return False
        del self._due[subject]
        return True


def _without_orders(block: bytes) -> bytes:
    """Without headers that apply to the stored message only, not to its content."""
    block = header_blocks.remove_prefix(
        block, names.SCHEDULE, names.EXPECTED_PREFIX, names.BATCH_PREFIX
    )
    return header_blocks.remove(block, names.MSG_ID, names.TTL, names.ROLLUP)
