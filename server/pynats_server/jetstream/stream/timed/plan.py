"""Which scheduled messages of a stream are due when.

There is one schedule per subject, the subject's last message (it is stored as a rollup). The plan
follows from the stored messages alone, and so is the same on every replica: a schedule says when it
is first due, and each message that it publishes says when the next is. Entries of schedules that
are gone, by whatever way, are dropped when their time comes.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Final

from pynats_common.go.text import text_of
from pynats_common.go.times import parse_time_ns
from pynats_common.subjects import is_valid_publish_subject

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.publish import header_names as names
from pynats_server.jetstream.store import Message, Store
from pynats_server.jetstream.stream.timed.schedule_syntax import (
    Schedule,
    ScheduleZoneError,
    parse_schedule,
)
from pynats_server.work import Work

PURGE: Final = b"purge"
"""Value of SCHEDULE_NEXT that ends the schedule named in SCHEDULER."""
LOOKED_UP: Final = 20
"""Subjects whose last message a step looks at."""
TAKEN: Final = 100
"""Entries that a step takes out of the heap."""
DUE_AT_ONCE: Final = 500
"""Messages that are published in the order in which their schedules were stored."""

_TOLD = frozenset((names.SCHEDULER, names.SCHEDULE_NEXT))

Entry = tuple[int, int, bytes]
"""When (ns), by which message, of which subject."""


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


def is_literal(subject: bytes) -> bool:
    """Whether messages can be published under it."""
    return bool(subject) and is_valid_publish_subject(text_of(subject))


class Plan:
    """The plan of one stream; empty while it `is_on` no more or not yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.due: dict[bytes, tuple[int, int]] = {}  # subject -> (time in ns, sequence)
        self._heap: list[Entry] = []
        # (last message then, subject, what was planned for it) of changes that may be undone
        self._before: deque[tuple[int, bytes, tuple[int, int] | None]] = deque()
        self.is_on = False

    def configured(self, is_on: bool) -> bool:
        """Follows a changed configuration; whether `recovering` has to find the schedules among
        the stored messages."""
        if is_on == self.is_on:
            return False
        self.is_on = is_on
        self.due = {}
        self._heap = []
        self._before.clear()
        return is_on

    # -- what is stored -----------------------------------------------------------------------

    def stored(self, subject: bytes, block: bytes, seq: int, ts: int) -> None:
        """Takes the schedule of a message that has just been stored, if it is one, and what it
        tells of the schedule that has published it."""
        self.told(block, seq)
        try:
            schedule = find_schedule(block)
        except ApiError:
            return  # stored by a source, which may have other rules
        first = schedule.first_time(ts) if schedule is not None else None
        if first is not None:
            self._before.append((seq, subject, self.due.get(subject)))
            self._put(subject, first, seq)

    def told(self, block: bytes, by: int) -> None:
        """Takes what a message tells of the schedule that has published it, if one has."""
        said = header_blocks.get_all(block, _TOLD)
        scheduler = said.get(names.SCHEDULER, b"")
        if scheduler not in self.due:
            return
        due = next_time(said.get(names.SCHEDULE_NEXT, b""))
        if due is not None:
            self._before.append((by, scheduler, self.due[scheduler]))
            self._move(scheduler, due)

    def missed(self, subject: bytes, seq: int, due: int) -> None:
        """The schedule stored as `seq` is next `due`, or (0) never again."""
        found = self.due.get(subject)
        if found is None or found[1] != seq:
            return
        self._move(subject, due)
        after = self.due.get(subject)
        self._before = deque(
            (by, name, after if name == subject and before and before[1] == seq else before)
            for by, name, before in self._before
        )

    def _move(self, subject: bytes, due: int) -> None:
        if due:
            self._put(subject, due, self.due[subject][1])
        else:
            del self.due[subject]

    def _put(self, subject: bytes, due: int, seq: int) -> None:
        self.due[subject] = due, seq
        heapq.heappush(self._heap, (due, seq, subject))

    def kept(self, last_seq: int) -> None:
        """Messages up to `last_seq` will not be taken back."""
        while self._before and self._before[0][0] <= last_seq:
            self._before.popleft()

    def undone(self, last_seq: int) -> bool:
        """The disk is full: messages above `last_seq` were taken back, and what they had replaced
        is there again. Whether that changes anything."""
        changed: set[bytes] = set()
        while self._before and self._before[-1][0] > last_seq:
            _, subject, before = self._before.pop()
            changed.add(subject)
            if before is not None:
                self.due[subject] = before
            else:
                self.due.pop(subject, None)
        self.queue((*self.due[subject], subject) for subject in changed if subject in self.due)
        return bool(changed)

    def recovering(self) -> Work[None]:
        """Finds the schedules among the stored messages."""
        store = self._store
        for page in store.subject_pages(b">"):
            for at, (subject, _) in enumerate(page, 1):
                message = yield from store.find_last(subject)
                if message is not None and message.headers:
                    yield from self._restore(message)
                if at % LOOKED_UP == 0:
                    yield
            yield

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
        published = (yield from self._store.find_last(target)) if is_literal(target) else None
        if published is not None and published.seq > message.seq:
            said = header_blocks.get_all(published.headers or b"", _TOLD)
            if said.get(names.SCHEDULER) == message.subject:
                told = next_time(said.get(names.SCHEDULE_NEXT, b""))
                due = told if told is not None else due
        # A schedule that came while this looked is newer, and known.
        if due and message.subject not in self.due:
            self._put(message.subject, due, message.seq)

    # -- what is due --------------------------------------------------------------------------

    @property
    def next_due(self) -> int | None:
        """When (ns) somebody has to look again."""
        return self._heap[0][0] if self._heap else None

    def queue_all(self) -> None:
        """Nothing that is due has been taken."""
        self._heap = [(due, seq, subject) for subject, (due, seq) in self.due.items()]
        heapq.heapify(self._heap)

    def queue(self, entries: Iterable[Entry]) -> None:
        """Those have been taken, and neither been published nor `missed`."""
        for entry in entries:
            if self.is_due(entry):
                heapq.heappush(self._heap, entry)

    def is_due(self, entry: Entry) -> bool:
        """Whether that is still the plan."""
        due, seq, subject = entry
        return self.due.get(subject) == (due, seq)

    def take_due(self, now: int) -> Work[list[Entry]]:
        """Takes entries out of the heap that are due, in the order of their messages. Each has to
        be published, `missed`, or put back (`queue`)."""
        due: set[Entry] = set()
        taken = 0
        while self._heap and self._heap[0][0] <= now and len(due) < DUE_AT_ONCE:
            entry = heapq.heappop(self._heap)
            if self.is_due(entry):
                due.add(entry)
            taken += 1
            if taken % TAKEN == 0:
                yield
        return sorted(due, key=lambda entry: entry[1])

    def drop(self, entry: Entry) -> None:
        """Its message is gone; unless what has replaced it is taken back."""
        due, seq, subject = entry
        if self.is_due(entry):
            self._before.append((self._store.last_seq, subject, (due, seq)))
            del self.due[subject]

    def live(self) -> list[Entry]:
        """All of the plan, but for schedules that are gone."""
        return sorted(
            (due, seq, subject)
            for subject, (due, seq) in self.due.items()
            if self._store.is_live(seq)
        )


def next_time(text: bytes) -> int | None:
    """What a SCHEDULE_NEXT says: a time in ns, 0 for never; None for nothing."""
    if text == PURGE:
        return 0
    try:
        return parse_time_ns(text_of(text)) or None
    except ValueError:
        return None  # written by somebody else: the schedule itself still tells
