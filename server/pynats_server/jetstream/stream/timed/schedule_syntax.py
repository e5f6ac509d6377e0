"""When scheduled messages are due: `@at`, `@every` and cron patterns of `Nats-Schedule`.

Times are nanoseconds since 1970, UTC. The grammar is that of ADR-51 as the real server reads it,
found by asking it: its six cron fields start with the seconds, `?` is `*`, a name or a number
before a step means "from here to the end", lists may have empty places, and a pattern that can
never be due is refused. No library has just this grammar, and one that accepts more or less would
make a stream's schedules depend on which server took them; the calendar itself is `zoneinfo`.

A cron schedule is due at every second whose wall clock in its time zone matches. So a time that
the clock skips in spring is left out that day, and one that it repeats in autumn is due twice.
The real server agrees, but for days that begin without midnight and changes by half an hour: it
walks the clock in steps of a day and an hour and passes over times there.
"""

from __future__ import annotations

import calendar
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from pynats_common.go.durations import SECOND_NS, parse_duration_ns
from pynats_common.go.times import format_time_in, format_time_ns, parse_instant_ns

INTERVAL_MIN_NS: Final = SECOND_NS
YEARS_AHEAD: Final = 5
"""How far ahead a cron schedule is searched for its next time."""
TIME_MIN: Final = -(2**63)
TIME_MAX: Final = 2**63 - 1
"""`@at` times outside of 64 bits (years 1677 to 2262) count as these."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)

_LOCAL_ZONE_FILE = Path("/etc/localtime")
_ALIASES: Final = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)


class ScheduleZoneError(ValueError):
    """The time zone is unknown (API error 10223); other errors are about the pattern (10189)."""


class Schedule(Protocol):
    """What `parse_schedule` returns."""

    @property
    def repeats(self) -> bool:
        """False for `@at`, whose message is purged once it was due."""

    def first_time(self, published_ns: int) -> int | None:
        """When a schedule published at that time is due first, even if that is in the past."""

    def next_time(self, after_ns: int) -> int | None:
        """The first time later than `after_ns`; None when there is none."""

    def show(self, time_ns: int) -> str:
        """A time as `Nats-Schedule-Next` has it, RFC 3339 in the time zone; the plan goes by it."""


@lru_cache(maxsize=1024)
def parse_schedule(pattern: str, zone: str | None = None) -> Schedule:
    """The schedule of a `Nats-Schedule` header and, if present, `Nats-Schedule-Time-Zone`.

    Raises ScheduleZoneError, or ValueError for the pattern, also for a zone with `@at` or `@every`.
    """
    place = None if zone is None else _time_zone(zone)
    for prefix, parse in (("@at ", _parse_at), ("@every ", _parse_every)):
        if pattern.startswith(prefix):
            if zone is not None:
                raise ValueError(f"{prefix}takes no time zone")
            return parse(pattern[len(prefix) :])
    return Cron.parse(_ALIASES.get(pattern, pattern), place or UTC)


def next_due(schedule: Schedule, due_ns: int, now_ns: int) -> int | None:
    """The time after the one at `due_ns`; None when that was the last.

    What was missed while nothing ran is skipped: the result is not before `now_ns`.
    """
    following = schedule.next_time(due_ns)
    if following is not None and following < now_ns:
        return schedule.next_time(now_ns)
    return following


@dataclass(frozen=True, slots=True)
class At:
    """Once, at `time_ns`."""

    time_ns: int
    repeats = False

    def first_time(self, published_ns: int) -> int:
        return self.time_ns

    def next_time(self, after_ns: int) -> int | None:
        return self.time_ns if self.time_ns > after_ns else None

    def show(self, time_ns: int) -> str:
        return format_time_in(time_ns, UTC)


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again, `interval_ns` after the last time rounded to a second."""

    interval_ns: int
    repeats = True

    def first_time(self, published_ns: int) -> int:
        return self.next_time(published_ns)

    def next_time(self, after_ns: int) -> int:
        return (after_ns + SECOND_NS // 2) // SECOND_NS * SECOND_NS + self.interval_ns

    def show(self, time_ns: int) -> str:
        return format_time_ns(time_ns)


@dataclass(frozen=True, slots=True)
class Cron:
    """Whenever the wall clock of `zone` matches; each field holds the numbers it allows.

    `weekdays` count from Sunday = 0. With `any_day` the day must match `days` and `weekdays`,
    because one of the two fields was `*`; otherwise one of them is enough.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    zone: tzinfo
    repeats = True

    @classmethod
    def parse(cls, pattern: str, zone: tzinfo) -> Cron:
        """Raises ValueError for what is no cron pattern, and for one that is never due."""
        texts = pattern.split()
        if len(texts) != len(_FIELDS):
            raise ValueError(f"{len(texts)} fields instead of {len(_FIELDS)}: {pattern!r}")
        fields = [field.parse(text) for field, text in zip(_FIELDS, texts, strict=True)]
        seconds, minutes, hours, days, months, weekdays = (sorted(field[0]) for field in fields)
        cron = cls(
            tuple(seconds),
            tuple(minutes),
            tuple(hours),
            frozenset(days),
            frozenset(months),
            frozenset(weekdays),
            fields[3][1] or fields[5][1],
            zone,
        )
        if cron.next_time(0) is None:
            raise ValueError(f"never due: {pattern!r}")
        return cron

    def first_time(self, published_ns: int) -> int | None:
        return self.next_time(published_ns)

    def next_time(self, after_ns: int) -> int | None:
        if not (self.seconds and self.minutes and self.hours):
            return None
        after_s = after_ns // SECOND_NS
        local = (_EPOCH + timedelta(seconds=after_s)).astimezone(self.zone)
        for day in self._days_from(local.date()):
            found = self._time_of_day(day, after_s)
            if found is not None:
                return found * SECOND_NS
        return None

    def show(self, time_ns: int) -> str:
        return format_time_in(time_ns, self.zone)

    def _days_from(self, first: date) -> Iterator[date]:
        year, month = first.year, first.month
        while year <= first.year + YEARS_AHEAD and year <= 9998:
            if month in self.months:
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and self._has_day(day):
                        yield day
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)

    def _has_day(self, day: date) -> bool:
        in_days = day.day in self.days
        in_weekdays = day.isoweekday() % 7 in self.weekdays
        return in_days and in_weekdays if self.any_day else in_days or in_weekdays

    def _time_of_day(self, day: date, after_s: int) -> int | None:
        """The first matching second of the local `day` that is later than `after_s`."""
        midnight = (day - _EPOCH.date()).days * 86400
        for start, end, offset in self._stretches(self._start_of(day), self._start_of(day + _DAY)):
            if end <= after_s + 1:
                continue
            wall = self._first_match(max(start, after_s + 1) + offset - midnight)
            if wall is not None and midnight + wall - offset < end:
                return midnight + wall - offset
        return None

    def _first_match(self, from_s: int) -> int | None:
        """The first matching second of a day, counted from midnight, at or after `from_s`."""
        for hour in self.hours:
            if hour * 3600 + 3599 < from_s:
                continue
            for minute in self.minutes:
                so_far = hour * 3600 + minute * 60
                if so_far + 59 < from_s:
                    continue
                for second in self.seconds:
                    if so_far + second >= from_s:
                        return so_far + second
        return None

    def _stretches(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """(start, end, offset) of the parts of a day between which the clock is changed."""
        offset = self._offset(start)
        if self._offset(end - 1) == offset:
            yield start, end, offset
            return
        same, other = start, end - 1
        while other - same > 1:
            middle = (same + other) // 2
            if self._offset(middle) == offset:
                same = middle
            else:
                other = middle
        yield start, other, offset
        yield from self._stretches(other, end)

    def _start_of(self, day: date) -> int:
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        since = local.astimezone(UTC) - _EPOCH
        return since.days * 86400 + since.seconds

    def _offset(self, time_s: int) -> int:
        away = (_EPOCH + timedelta(seconds=time_s)).astimezone(self.zone).utcoffset()
        return 0 if away is None else away.days * 86400 + away.seconds


@dataclass(frozen=True, slots=True)
class _Field:
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[set[int], bool]:
        """The numbers, and whether the field is `*`."""
        numbers: set[int] = set()
        star = False
        for part in filter(None, text.split(",")):
            some, is_star = self._parse_range(part)
            numbers |= some
            star = star or is_star
        return numbers, star

    def _parse_range(self, text: str) -> tuple[set[int], bool]:
        span, *steps = text.split("/")
        ends = span.split("-")
        if len(steps) > 1:
            raise ValueError(f"two steps: {text!r}")
        star = ends[0] in ("*", "?")
        if star:
            low, high = self.low, self.high  # whatever follows a `-` is not looked at
        elif len(ends) > 2:
            raise ValueError(f"two ranges: {text!r}")
        else:
            low = self._number(ends[0])
            high = self._number(ends[1]) if len(ends) == 2 else low
        step = 1
        if steps:
            step = _number(steps[0])
            if len(ends) == 1:
                high = self.high
        if step < 1 or not self.low <= low <= high <= self.high:
            raise ValueError(f"out of range: {text!r}")
        return set(range(low, high + 1, step)), star and step == 1

    def _number(self, text: str) -> int:
        name = text.lower()
        if name in self.names:
            return self.low + self.names.index(name)
        return _number(text)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (
    _Field(0, 59),
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31),
    _Field(1, 12, _MONTHS),
    _Field(0, 6, _WEEKDAYS),
)


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or len(text) > 19:
        raise ValueError(f"not a number: {text!r}")
    return int(text)


def _parse_at(text: str) -> At:
    return At(min(max(parse_instant_ns(text), TIME_MIN), TIME_MAX))


def _parse_every(text: str) -> Every:
    interval_ns = parse_duration_ns(text)
    if interval_ns < INTERVAL_MIN_NS:
        raise ValueError(f"an interval has at least a second: {text!r}")
    return Every(interval_ns)


def _time_zone(name: str) -> tzinfo:
    if name == "Local":
        return _local_zone()
    from zoneinfo import ZoneInfo  # here and below: it reads the system's paths when imported

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as unknown:
        raise ScheduleZoneError(f"unknown time zone {name!r}") from unknown


def _local_zone() -> tzinfo:
    from zoneinfo import ZoneInfo

    name = os.environ.get("TZ")
    try:
        if name is not None:
            return ZoneInfo(name.removeprefix(":") or "UTC")
        with _LOCAL_ZONE_FILE.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (LookupError, OSError, ValueError):
        return UTC
