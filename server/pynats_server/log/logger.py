"""The server's log.

Lines look like the real server's, because tools and test suites read them:
`[pid] 2024/05/06 07:08:09.123456 [INF] text`. Lines keep their order. There can be many debug and
trace lines, so once a loop is attached they are gathered and written together at the end of its
turn; a more important line writes them at once.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable

from pynats_common.go.text import one_line

from pynats_server.log.sinks import (
    LEVELS,
    FileSink,
    LogError,
    Sink,
    StreamSink,
    SyslogSink,
)
from pynats_server.options import LogOptions

__all__ = ["LogError", "Logger", "open_logger"]

GATHERED_MAX = 64 * 1024  # bytes of debug and trace lines that wait for the end of the turn
REPEAT_AFTER_S = 10.0  # seconds until a rate-limited warning may be given again
REMEMBERED_MAX = 1000  # different rate-limited warnings remembered

# On a terminal.
_COLOURS = {"INF": "32", "DBG": "36", "WRN": "0;93", "ERR": "31", "FTL": "31", "TRC": "33"}


class Logger:
    """Writes to one sink, from the level `least` on. `debug_enabled` and `trace_enabled` are plain
    attributes: ask them before building the text of a debug or trace line.

    A `fixed` log belongs to the program that embeds the server: a reload does not replace it.
    """

    def __init__(
        self, options: LogOptions, sink: Sink | None = None, *, least: str = "TRC",
        fixed: bool = False,
    ) -> None:  # fmt: skip
        self.debug_enabled = options.debug
        self.trace_enabled = options.trace
        self.fixed = fixed
        self._silent = frozenset(LEVELS[: LEVELS.index(least)])
        self._options = options
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._second = -1
        self._stamp = ""
        self._warned: dict[str, float] = {}
        self._call_later: Callable[[Callable[[], None]], object] | None = None
        self._sink: Sink = sink or StreamSink()
        self._heads = self._make_heads()

    def _make_heads(self) -> dict[str, str]:
        if not self._sink.decorated:
            return dict.fromkeys(LEVELS, "")
        if self._sink.colored:
            return {name: f"[\x1b[{colour}m{name}\x1b[0m] " for name, colour in _COLOURS.items()}
        return {name: f"[{name}] " for name in LEVELS}

    # -- what the server calls --------------------------------------------------------------

    def notice(self, text: str) -> None:
        self._log("INF", text)

    def warn(self, text: str) -> None:
        self._log("WRN", text)

    def error(self, text: str) -> None:
        self._log("ERR", text)

    def fatal(self, text: str) -> None:
        """Only logs; the caller ends the process."""
        self._log("FTL", text)

    def debug(self, text: str) -> None:
        if self.debug_enabled:
            self._gather("DBG", text)

    def trace(self, text: str) -> None:
        if self.trace_enabled:
            self._gather("TRC", text)

    def warn_rarely(self, text: str) -> None:
        """A warning that repeats at most every `REPEAT_AFTER_S` seconds."""
        now = time.monotonic()
        if now - self._warned.get(text, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return
        if len(self._warned) >= REMEMBERED_MAX:
            self._warned.clear()
        self._warned[text] = now
        self.warn(text)

    # -- life -------------------------------------------------------------------------------

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let debug and trace lines gather until the end of the turn of `loop`."""
        self._call_later = loop.call_soon_threadsafe

    def detach(self) -> None:
        """Write at once again; to be called before the loop closes."""
        self._call_later = None
        self.flush()

    def reopen(self) -> None:
        """Open the log file again (after `logrotate` moved it)."""
        self.flush()
        if self._sink.reopen():
            self.notice("File log re-opened")
        else:
            self.notice("File log re-open ignored, not a file logger")

    def replace_by(self, options: LogOptions, program: str) -> None:
        """Apply new options at a reload; opens another sink if they ask for one.
        Raises `LogError` and stays as it is if that cannot be opened. Does nothing if `fixed`."""
        if self.fixed:
            return
        sink = _open_sink(options, program, self._describe)
        self.flush()
        with self._lock:
            self._sink, old = sink, self._sink
            self._options = options
            self._second = -1
            self._heads = self._make_heads()
        self.debug_enabled = options.debug
        self.trace_enabled = options.trace
        old.close()

    def flush(self) -> None:
        with self._lock:
            self._flush_locked()

    def close(self) -> None:
        self.detach()
        self._sink.close()

    # -- making lines -----------------------------------------------------------------------

    def _log(self, level: str, text: str) -> None:
        if level in self._silent:
            return
        with self._lock:
            self._flush_locked()
            self._sink.write(self._line(level, text), level)

    def _gather(self, level: str, text: str) -> None:
        with self._lock:
            line = self._line(level, text)
            if self._call_later is None or not self._sink.decorated:
                self._sink.write(line, level)
                return
            if not self._gathered:
                try:
                    self._call_later(self.flush)
                except RuntimeError:  # the loop is closed
                    self._call_later = None
            self._gathered.append(line)
            self._gathered_size += len(line)
            if self._call_later is None or self._gathered_size >= GATHERED_MAX:
                self._flush_locked()

    def _flush_locked(self) -> None:
        if self._gathered:
            data = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_size = 0
            self._sink.write(data, "TRC")

    def _line(self, level: str, text: str) -> bytes:
        # A client's text must not start a new line, nor move the cursor of who reads the log.
        line = f"{self._prefix()}{self._heads[level]}{one_line(text)}\n"
        return line.encode("utf-8", "backslashreplace")

    def _prefix(self) -> str:
        if not self._sink.decorated:
            return ""
        if not self._options.logtime:
            return f"[{self._pid}] "
        now = time.time_ns() // 1000
        second, micros = divmod(now, 1_000_000)
        if second != self._second:
            self._second = second
            convert = time.gmtime if self._options.logtime_utc else time.localtime
            self._stamp = time.strftime(f"[{self._pid}] %Y/%m/%d %H:%M:%S", convert(second))
        return f"{self._stamp}.{micros:06d} "

    def _describe(self, text: str, error: bool) -> bytes:
        """A line about the log file itself, for the file to write (the lock is held)."""
        return self._line("ERR" if error else "INF", text)


def open_logger(options: LogOptions, program: str = "pynats-server") -> Logger:
    """The log that `options` ask for. Raises `LogError` if it cannot be opened."""
    logger = Logger(options)
    logger._sink = _open_sink(options, program, logger._describe)
    logger._heads = logger._make_heads()
    return logger


def _open_sink(options: LogOptions, program: str, describe: Callable[[str, bool], bytes]) -> Sink:
    # Same precedence as the real server's: a file, then syslog elsewhere, then here.
    if options.log_file is not None:
        return FileSink(options.log_file, options.log_size_limit, options.log_max_num, describe)
    if options.remote_syslog or options.syslog:
        return SyslogSink(options.remote_syslog, program)
    return StreamSink()
