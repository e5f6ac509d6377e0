"""Texts from the command line to values: times, numbers, durations, lists, names."""

from __future__ import annotations

import calendar
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pynsc.core.errors import NscError

_RELATIVE = re.compile(r"(-?\d+)([mhdwMy])\Z")
_NUMBER = re.compile(r"(-?\d+)(k|m|g|kib|mib|gib|kb|mb|gb|b)?\Z", re.IGNORECASE)
_FACTORS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9,
            "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9,
       "h": 3600 * 10**9}  # fmt: skip
_ADJECTIVES = [
    "amber",
    "brave",
    "calm",
    "daring",
    "eager",
    "fancy",
    "gentle",
    "happy",
    "icy",
    "jolly",
    "keen",
    "lucky",
]
_NOUNS = [
    "heron",
    "otter",
    "panda",
    "quail",
    "raven",
    "seal",
    "tiger",
    "urchin",
    "viper",
    "walrus",
    "yak",
    "zebra",
]


def items(values: Iterable[str] | None) -> list[str]:
    """Flat list of repeated and comma separated values."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def parse_time(text: str, now: datetime | None = None) -> int:
    """Seconds since 1970 for a date, a date and time, `N` + m h d w M y, or 0 for "always"."""
    text = text.strip()
    if text in ("", "0"):
        return 0
    now = now or datetime.now(UTC)
    match = _RELATIVE.match(text)
    if match:
        return int(_shift(now, int(match[1]), match[2]).timestamp())
    for pattern in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return int(datetime.strptime(text, pattern).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise NscError(
        f"couldn't parse time {text!r}", "use yyyy-mm-dd, 'yyyy-mm-dd hh:mm:ss UTC', or 30d, 6M, 1y"
    )


def _shift(now: datetime, count: int, unit: str) -> datetime:
    days = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1),
            "w": timedelta(weeks=1)}  # fmt: skip
    try:
        if unit in days:
            return now + count * days[unit]
        months = now.year * 12 + now.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        day = min(now.day, calendar.monthrange(year, month + 1)[1])
        return now.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError):
        raise NscError(f"time {count}{unit} is out of range") from None


def parse_instant(text: str) -> int:
    """Seconds since 1970 for an epoch number, an RFC 3339 time, or 0 for now."""
    text = text.strip()
    if text in ("", "0"):
        return int(datetime.now(UTC).timestamp())
    if re.fullmatch(r"\d{1,11}", text):
        return int(text)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise NscError(f"couldn't parse time {text!r}", "use RFC 3339 or epoch seconds") from None
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def parse_number(text: str) -> int:
    """Integer with optional k, m, g (1000) or kib, mib, gib (1024); -1 means unlimited."""
    match = _NUMBER.match(text.strip())
    if not match:
        raise NscError(f"couldn't parse number {text!r}", "use for example 1000, 10k, 5GiB or -1")
    return int(match[1]) * _FACTORS[(match[2] or "").lower()]


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration such as `1m30s` or `250ms`."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if text == "0":
        return 0
    if not parts or "".join(a + b for a, b in parts) != text:
        raise NscError(f"couldn't parse duration {text!r}", "use for example 500ms, 2s or 1m30s")
    return int(sum(float(count) * _NS[unit] for count, unit in parts))


def format_time(seconds: int) -> str:
    """`YYYY-MM-DD hh:mm:ss UTC`, empty for 0."""
    if seconds == 0:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} (out of range)"


def format_limit(value: int) -> str:
    return "Unlimited" if value == -1 else f"{value:,}"


def short_id(public: str, long: bool) -> str:
    """Head and tail of a public key."""
    return public if long or len(public) < 20 else f"{public[:12]}..{public[-4:]}"


def check_name(name: str) -> str:
    """A name that is safe as a file name; `*` becomes a random one."""
    if name == "*":
        return f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}_{secrets.token_hex(2)}"
    if not name.strip():
        raise NscError("name cannot be empty")
    if "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
        raise NscError(f"name {name!r} is not allowed", "names cannot contain / or \\")
    return name
