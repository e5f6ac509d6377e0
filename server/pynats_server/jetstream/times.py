"""RFC 3339 times with nanoseconds, as Go's JSON has them. Times are ns since 1970, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

ZERO_TIME = "0001-01-01T00:00:00Z"
SECOND = 1_000_000_000

_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,40}))?(?:(Z)|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE = timedelta(days=146_097)  # 400 years


def format_time(ns: int) -> str:
    """`2026-01-02T03:04:05.678Z`, without trailing zeros; 0 gives the zero time."""
    if ns == 0:
        return ZERO_TIME
    seconds, rest = divmod(ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    year = f"{moment.year:04d}"
    return f"{year}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


def parse_time(text: str) -> int:
    """The reverse; the zero time gives 0. Raises ValueError for anything but RFC 3339."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in shape.groups()[:6])
    zone = UTC
    if shape[9]:
        away = timedelta(hours=int(shape[10]), minutes=int(shape[11]))
        if int(shape[10]) > 23 or int(shape[11]) > 59:
            raise ValueError(f"not an RFC 3339 time: {text!r}")
        zone = timezone(away if shape[9] == "+" else -away)
    # No datetime has year 0; 400 years later everything is the same.
    moment = datetime(year or 400, month, day, hour, minute, second, tzinfo=zone)
    if text == ZERO_TIME:
        return 0
    whole = moment - _EPOCH - (timedelta() if year else _CYCLE)
    fraction = int((shape[7] or "0")[:9].ljust(9, "0"))
    return (whole.days * 86400 + whole.seconds) * SECOND + fraction
