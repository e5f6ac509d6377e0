"""Parses command line texts: times, numbers, durations, lists, names."""

from __future__ import annotations

import calendar
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, quote_plus, unquote_plus

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.names import check_name
from pynats_common.go.durations import SECOND_NS, parse_long_duration_ns
from pynats_common.go.times import format_time_in

_RELATIVE = re.compile(r"(-?\d+)([mhdwMy])\Z")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(k|m|g|kib|mib|gib|kb|mb|gb|b)?\Z", re.IGNORECASE)
_FACTORS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9,
            "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}  # fmt: skip
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
    raise StoreError(
        f"couldn't parse time {text!r}",
        "use yyyy-mm-dd, 'yyyy-mm-dd hh:mm:ss UTC', or 90m, 8h, 30d, 2w, 6M, 1y",
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
        raise StoreError(f"time {count}{unit} is out of range") from None


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
        raise StoreError(f"couldn't parse time {text!r}", "use RFC 3339 or epoch seconds") from None
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def parse_number(text: str) -> int:
    """Integer with optional k, m, g (1000) or kib, mib, gib (1024); -1 means unlimited."""
    match = _NUMBER.match(text.strip())
    if not match:
        raise StoreError(f"couldn't parse number {text!r}", "use for example 1000, 10k, 5GiB or -1")
    return int(Decimal(match[1]) * _FACTORS[(match[2] or "").lower()])


def parse_duration_ns(text: str) -> int:
    """Nanoseconds of a duration such as `1m30s` or `250ms`."""
    try:
        value = parse_long_duration_ns(text)
    except ValueError as error:
        raise StoreError(str(error), "use for example 500ms, 2s or 1m30s") from None
    if value < 0:
        raise StoreError(f'duration "{text}" is negative')
    return value


def format_time(seconds: int) -> str:
    """`YYYY-MM-DD hh:mm:ss UTC`, empty for 0."""
    if seconds == 0:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} (out of range)"


def rfc3339(seconds: int) -> str:
    """`YYYY-MM-DDThh:mm:ssZ`, empty for 0."""
    try:
        return format_time_in(seconds * SECOND_NS, UTC) if seconds else ""
    except OverflowError:
        return f"{seconds} (out of range)"


_SPANS = ((365 * 86400, "year"), (30 * 86400, "month"), (7 * 86400, "week"), (86400, "day"),
          (3600, "hour"), (60, "minute"), (1, "second"))  # fmt: skip


_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def format_moment(seconds: int, now: int) -> str:
    """A time and its distance from now, as `YYYY-MM-DD hh:mm:ss UTC - in 2 months`; empty for 0."""
    if seconds == 0:
        return ""
    distance = abs(seconds - now)
    span, word = next((item for item in _SPANS if distance >= item[0]), _SPANS[-1])
    count = distance // span
    text = f"{count} {word}{'' if count == 1 else 's'}"
    return f"{format_time(seconds)} - {f'in {text}' if seconds >= now else f'{text} ago'}"


def format_limit(value: int) -> str:
    return "Unlimited" if value < 0 else str(value)


def format_bytes(value: int) -> str:
    """`1.5 kB (1500 bytes)`, in steps of 1000."""
    return "Unlimited" if value < 0 else f"{_short_bytes(value)} ({value} bytes)"


def _short_bytes(value: int) -> str:
    power = min((len(str(value)) - 1) // 3, len(_BYTE_UNITS) - 1)
    size = Decimal(value) / 1000**power
    return (
        f"{size:.1f} {_BYTE_UNITS[power]}"
        if power and size < 10
        else (f"{size:.0f} {_BYTE_UNITS[power]}")
    )


def short_id(public: str, long: bool) -> str:
    """Head and tail of a public key."""
    return public if long or len(public) < 20 else f"{public[:12]}..{public[-4:]}"


def known_names(values: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """Like `items`, but a value that is a known name is that name, with its blanks and commas."""
    names = set(known)
    return [
        name for value in values or () for name in ([value] if value in names else items([value]))
    ]


_PROFILE_URL = "nsc://"


def profile_url(*names: str) -> str:
    """`nsc://operator/account/user`; what URLs cannot have is escaped as in their queries."""
    return _PROFILE_URL + "/".join(quote_plus(name, safe="!$&'()*,:;=@") for name in names)


def parse_profile_url(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Names and query of an `nsc://` URL. Raises StoreError."""
    path, _, query = text[len(_PROFILE_URL) :].partition("?")
    names = [name for name in path.split("/") if name]
    if not text.lower().startswith(_PROFILE_URL) or not names or path.startswith("/"):
        raise StoreError("not a profile url", "use nsc://operator[/account[/user]][?query]")
    return names, parse_qs(query, keep_blank_values=True)


def named_in_url(name: str, known: Iterable[str]) -> str:
    """The name that a URL means: escaped, or, as people type it, as it is."""
    return name if name in known else unquote_plus(name)


def new_name(name: str) -> str:
    """A name that is safe as a file name; `*` becomes a random one."""
    if name == "*":
        return f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}_{secrets.token_hex(2)}"
    return check_name(name)
