"""RFC 3339 times in requests: what the real server accepts, and its words for what it does not."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Final

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
_FRACTION: Final = re.compile(r"[.,](\d+)", re.ASCII)
_ZONE: Final = re.compile(r"Z|([+-])(\d\d):(\d\d)", re.ASCII)
_ZONE_MINUTES_MAX: Final = 60
_DAY_MINUTES: Final = 24 * 60  # the real server reads an offset of a day but cannot write it


def normalised_time(text: str) -> str:
    """`text` as the real server writes it back: nine digits of fraction at most, no trailing
    zeros, `Z` for no offset. Raises ValueError with its complaint."""
    numbers: dict[str, int] = {}
    at = 0
    for layout, pattern, low, high, name in _PARTS:
        found = pattern.match(text, at)
        if found is None:
            raise _unreadable(text, at, layout)
        at = found.end()
        if name:
            numbers[name] = int(found[0])
            if not low <= numbers[name] <= high:
                raise _out_of_range(text, name)
    fraction = ""
    found = _FRACTION.match(text, at)
    if found:
        fraction, at = found[1][:9].rstrip("0"), found.end()
    zone = _ZONE.match(text, at)
    if zone is None:
        raise _unreadable(text, at, "Z07:00")
    minutes = int(zone[3] or 0)
    offset = int(zone[2] or 0) * 60 + minutes
    if minutes > _ZONE_MINUTES_MAX:
        raise _out_of_range(text, "time zone offset minute")
    if offset >= _DAY_MINUTES:
        raise _out_of_range(text, "time zone offset hour")
    if zone.end() < len(text):
        raise ValueError(f"parsing time {_shown(text)}: extra text: {_shown(text[zone.end() :])}")
    year, month, day = numbers["year"], numbers["month"], numbers["day"]
    # The calendar module knows no year 0; 400 is like it.
    if not 1 <= day <= monthrange(year or 400, month)[1]:
        raise _out_of_range(text, "day")
    clock = f"{numbers['hour']:02d}:{numbers['minute']:02d}:{numbers['second']:02d}"
    away = f"{zone[1]}{offset // 60:02d}:{offset % 60:02d}" if offset else "Z"
    tail = f".{fraction}" if fraction else ""
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}{tail}{away}"


def _shown(text: str) -> str:
    """Quoted; every byte but printable ASCII and DEL escaped by number."""
    out = ['"']
    for byte in text.encode():
        if byte < 0x20 or byte > 0x7F:
            out.append(f"\\x{byte:02x}")
        else:
            out.append(f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte))
    return "".join((*out, '"'))


def _unreadable(text: str, at: int, layout: str) -> ValueError:
    asked = f'parsing time {_shown(text)} as "{_LAYOUT}"'
    return ValueError(f'{asked}: cannot parse {_shown(text[at:])} as "{layout}"')


def _out_of_range(text: str, what: str) -> ValueError:
    return ValueError(f"parsing time {_shown(text)}: {what} out of range")
