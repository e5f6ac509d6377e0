"""What a line of the log looks like: text as the real server writes it, or a JSON object.

A text from outside must not begin a line of its own, nor move the cursor of who reads the log:
control characters are shown (text) or escaped (JSON).
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import Any, Protocol

from pynats_common.go.text import clean, one_line

from pynats_server.options import LogOptions

LEVELS = ("TRC", "DBG", "INF", "WRN", "ERR", "FTL")  # from the least important
NAMES = {
    "TRC": "trace", "DBG": "debug", "INF": "info", "WRN": "warn", "ERR": "error", "FTL": "fatal",
}  # fmt: skip
# On a terminal.
_COLOURS = {"INF": "32", "DBG": "36", "WRN": "0;93", "ERR": "31", "FTL": "31", "TRC": "33"}


class Who(Protocol):
    """Whom a line is about. Asked only when the line is written."""

    def label(self) -> str:
        """What a line of text begins with."""

    def fields(self) -> dict[str, Any]:
        """The same facts, one by one."""


class Lines(Protocol):
    """Makes lines. Any thread may ask."""

    def line(self, level: str, part: str, text: str, who: Who | None = None) -> bytes: ...


class TextLines:
    """`[pid] 2024/05/06 07:08:09.123456 [INF] text`; without `decorated`, the text alone."""

    def __init__(self, options: LogOptions, decorated: bool, colored: bool) -> None:
        self._logtime = options.logtime
        self._convert = time.gmtime if options.logtime_utc else time.localtime
        self._pid = os.getpid()
        self._decorated = decorated
        self._stamp = (-1, "")  # a second, and how it is written
        if not decorated:
            self._heads = dict.fromkeys(LEVELS, "")
        elif colored:
            self._heads = {name: f"[\x1b[{_COLOURS[name]}m{name}\x1b[0m] " for name in LEVELS}
        else:
            self._heads = {name: f"[{name}] " for name in LEVELS}

    def line(self, level: str, part: str, text: str, who: Who | None = None) -> bytes:
        if who is not None:
            text = f"{who.label()} - {text}"
        line = f"{self._prefix()}{self._heads[level]}{one_line(text)}\n"
        return line.encode("utf-8", "backslashreplace")

    def _prefix(self) -> str:
        if not self._decorated:
            return ""
        if not self._logtime:
            return f"[{self._pid}] "
        now = time.time_ns() // 1000
        second, micros = divmod(now, 1_000_000)
        known, stamp = self._stamp
        if second != known:
            stamp = time.strftime(f"[{self._pid}] %Y/%m/%d %H:%M:%S", self._convert(second))
            self._stamp = (second, stamp)
        return f"{stamp}.{micros:06d} "


class JsonLines:
    """An object: `time`, `level`, `part`, `pid`, `client` (if the line is about one), `message`."""

    def __init__(self, options: LogOptions) -> None:
        self._logtime = options.logtime
        self._utc = options.logtime_utc
        self._pid = os.getpid()

    def line(self, level: str, part: str, text: str, who: Who | None = None) -> bytes:
        found: dict[str, Any] = {}
        if self._logtime:
            now = datetime.now(UTC)
            shown = now if self._utc else now.astimezone()
            found["time"] = shown.isoformat(timespec="microseconds").replace("+00:00", "Z")
        found["level"] = NAMES[level]
        found["part"] = part
        found["pid"] = self._pid
        if who is not None:
            found["client"] = who.fields()
        found["message"] = clean(text)
        # In ASCII, so that nothing in it moves the cursor of a terminal.
        return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def lines_of(options: LogOptions, decorated: bool, colored: bool) -> Lines:
    """Lines as `options` want them, for a sink that is `decorated` by them or adds its own."""
    return (
        JsonLines(options)
        if options.log_format == "json"
        else TextLines(options, decorated, colored)
    )
