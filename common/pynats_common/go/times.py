"""Times in RFC 3339, as in Go's JSON; values are nanoseconds since 1970."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote_ascii
from pynats_common.records import dataclass

ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""Go's zero value of a time."""

_ZERO_TIME_NS: Final = -62_135_596_800 * SECOND_NS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097  # the calendar repeats itself

# Go takes hours of one digit, fractions after a comma, and offsets up to 24:60.
_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
# Part of the layout, its pattern, and the range of its number with the name of the number.
_PARTS: Final = (
    ("2006", re.compile(r"\d{4}", re.ASCII), 0, 9999, "year"),
    ("-", re.compile("-"), 0, 0, ""),
    ("01", re.compile(r"\d\d", re.ASCII), 1, 12, "month"),
    ("-", re.compile("-"), 0, 0, ""),
    ("02", re.compile(r"\d\d", re.ASCII), 0, 99, "day"),
    ("T", re.compile("T"), 0, 0, ""),
    ("15", re.compile(r"\d\d?", re.ASCII), 0, 23, "hour"),
    (":", re.compile(":"), 0, 0, ""),
    ("04", re.compile(r"\d\d", re.ASCII), 0, 59, "minute"),
    (":", re.compile(":"), 0, 0, ""),
    ("05", re.compile(r"\d\d", re.ASCII), 0, 59, "second"),
)
_FRACTION: Final = re.compile(r"[.,]\d+", re.ASCII)
_ZONE: Final = re.compile(r"Z|([+-])(\d\d):(\d\d)", re.ASCII)
_ZONE_HOURS_MAX: Final = 24
_ZONE_MINUTES_MAX: Final = 60
_DAY_MINUTES: Final = 24 * 60


def format_time_ns(time_ns: int) -> str:
    """`2026-01-02T03:04:05.678Z`, without trailing zeros; 0 gives the zero time."""
    if time_ns == 0:
        return ZERO_TIME
    seconds, rest = divmod(time_ns, SECOND_NS)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


def format_time_s(seconds: float) -> str:
    """The same for wall clock seconds, to the microsecond; 0 is 1970."""
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def format_time_in(time_ns: int, zone: tzinfo | None) -> str:
    """Truncated to seconds, with the offset of a time zone (None = local), `Z` for UTC."""
    moment = (_EPOCH + timedelta(seconds=time_ns // SECOND_NS)).astimezone(zone)
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def parse_instant_ns(text: str) -> int:
    """Nanoseconds since 1970 of any text that `time.Parse` accepts as RFC 3339.

    Raises ValueError in Go's words.
    """
    moment = _read(text)
    days = date(moment.year or _CYCLE_YEARS, moment.month, moment.day).toordinal() - _EPOCH_DAY
    if not moment.year:  # Python's calendar begins with year 1
        days -= _CYCLE_DAYS
    minutes = (days * 24 + moment.hour) * 60 + moment.minute - moment.offset_minutes
    fraction_ns = int(moment.fraction[:9].ljust(9, "0"))
    return (minutes * 60 + moment.second) * SECOND_NS + fraction_ns


def parse_time_ns(text: str) -> int:
    """The reverse of `format_time_ns`: like `parse_instant_ns`, but the zero time gives 0."""
    time_ns = parse_instant_ns(text)
    return 0 if time_ns == _ZERO_TIME_NS else time_ns


def normalise_time(text: str) -> str:
    """`text` parsed and written again by Go: at most nine digits of fraction, no trailing zeros,
    `Z` for no offset. Raises ValueError with Go's text."""
    moment = _read(text)
    offset = abs(moment.offset_minutes)
    if offset >= _DAY_MINUTES:  # Go reads it, but cannot write it
        raise _out_of_range(text, "time zone offset hour")
    sign = "-" if moment.offset_minutes < 0 else "+"
    away = f"{sign}{offset // 60:02d}:{offset % 60:02d}" if offset else "Z"
    fraction = moment.fraction[:9].rstrip("0")
    tail = f".{fraction}" if fraction else ""
    day = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
    return f"{day}T{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}{tail}{away}"


def in_utc(text: str) -> str:
    """A normalised time, the same instant without an offset; as it is where the calendar ends."""
    if text.endswith("Z"):
        return text
    try:
        time_ns = parse_instant_ns(text)
        return format_time_ns(time_ns) if time_ns else "1970-01-01T00:00:00Z"
    except OverflowError:
        return text


@dataclass(frozen=True, slots=True)
class _Moment:
    """The parts of a time as they were written."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    fraction: str
    offset_minutes: int


def _read(text: str) -> _Moment:
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise _complaint(text)
    year, month, day, hour, minute, second = map(int, shape.groups()[:6])
    zone_hours, zone_minutes = int(shape[9] or 0), int(shape[10] or 0)
    in_range = (
        1 <= month <= 12
        and hour <= 23
        and minute <= 59
        and second <= 59
        and zone_hours <= _ZONE_HOURS_MAX
        and zone_minutes <= _ZONE_MINUTES_MAX
        and 1 <= day <= monthrange(year or _CYCLE_YEARS, month)[1]
    )
    if not in_range:
        raise _complaint(text)
    offset = (zone_hours * 60 + zone_minutes) * (-1 if shape[8] == "-" else 1)
    return _Moment(year, month, day, hour, minute, second, shape[7] or "", offset)


def _complaint(text: str) -> ValueError:
    """Go's error text for `text`: the first error from left to right."""
    at = 0
    for layout, pattern, low, high, name in _PARTS:
        found = pattern.match(text, at)
        if found is None:
            return _unreadable(text, at, layout)
        at = found.end()
        if name and not low <= int(found[0]) <= high:
            return _out_of_range(text, name)
    found = _FRACTION.match(text, at)
    at = found.end() if found else at
    zone = _ZONE.match(text, at)
    if zone is None:
        return _unreadable(text, at, "Z07:00")
    if int(zone[3] or 0) > _ZONE_MINUTES_MAX:
        return _out_of_range(text, "time zone offset minute")
    if int(zone[2] or 0) > _ZONE_HOURS_MAX:
        return _out_of_range(text, "time zone offset hour")
    if zone.end() < len(text):
        extra = quote_ascii(text[zone.end() :])
        return ValueError(f"parsing time {quote_ascii(text)}: extra text: {extra}")
    return _out_of_range(text, "day")


def _unreadable(text: str, at: int, layout: str) -> ValueError:
    asked = f'parsing time {quote_ascii(text)} as "{_LAYOUT}"'
    return ValueError(f'{asked}: cannot parse {quote_ascii(text[at:])} as "{layout}"')


def _out_of_range(text: str, what: str) -> ValueError:
    return ValueError(f"parsing time {quote_ascii(text)}: {what} out of range")
