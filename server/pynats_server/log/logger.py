"""The server's log.

Lines look like the real server's, because tools and test suites read them:
`[pid] 2024/05/06 07:08:09.123456 [INF] text`; or they are JSON (`lines`). Lines keep their order.
While a loop is attached, a thread writes them (`queued`), and debug and trace lines, of which there
can be many, are gathered until the end of the loop's turn or the next more important line.

Each part of the server has a `Logger` of its own, and may have a level of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial

from pynats_common.records import dataclass

from pynats_server.log import queued
from pynats_server.log.lines import LEVELS, NAMES, Lines, Who, lines_of
from pynats_server.log.queued import QueuedSink
from pynats_server.log.sinks import FileSink, LogError, Sink, StreamSink
from pynats_server.log.syslog import SyslogSink
from pynats_server.options import LOG_PARTS, LogOptions

__all__ = ["LogError", "Logger", "open_logger"]

GATHERED_MAX = 64 * 1024  # bytes of debug and trace lines that wait for the end of the turn
REPEAT_AFTER_S = 10.0  # seconds until a rate-limited warning may be given again
REMEMBERED_MAX = 1000  # different rate-limited warnings remembered

_LEVEL_OF = {name: level for level, name in NAMES.items()}


_Place = tuple[object, ...]
"""What a sink writes to: equal for equal options."""


class _Output:
    """Where the lines of all parts go, in order. Any thread may write."""

    def __init__(self, options: LogOptions, sink: Sink) -> None:
        self._lock = threading.Lock()
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._call_later: Callable[[Callable[[], None]], object] | None = None
        self._aside = False  # slow sinks are written to by a thread
        self._lines: Lines
        self._place: _Place = ()
        self.sink: QueuedSink
        self._left: list[tuple[_Place, QueuedSink]] = []  # that may still have lines to write
        self._use(options, sink)

    def _use(self, options: LogOptions, sink: Sink) -> None:
        self.sink = QueuedSink(sink, self.describe)
        self._lines = lines_of(options, sink.decorated, sink.colored)

    def is_at(self, place: _Place) -> bool:
        """Whether lines go there."""
        return self._place == place

    def describe(self, text: str, error: bool) -> bytes:
        """A line about the log itself, for a sink to write."""
        return self._lines.line("ERR" if error else "INF", "log", text)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_later = loop.call_soon_threadsafe

    def write_aside(self) -> None:
        self._aside = True
        if self.sink.inner.slow:
            self.sink.start()

    def detach(self) -> None:
        self._call_later = None
        self._aside = False
        self.flush()
        until_s = time.monotonic() + queued.CLOSE_WAIT_S
        self.sink.stop(until_s)
        for _, sink in self._left:
            sink.stop(until_s)
        self._left.clear()

    def reform(self, options: LogOptions) -> None:
        """Lines as `options` want them from now on, at the same place."""
        with self._lock:
            self._flush_locked()
            inner = self.sink.inner
            self._lines = lines_of(options, inner.decorated, inner.colored)
            if isinstance(inner, FileSink):
                self.sink.then(partial(inner.limit, options.log_size_limit, options.log_max_num))

    def replace(self, options: LogOptions, sink: Sink, place: _Place = ()) -> None:
        """Another sink. What the one before has queued it writes first, and nobody waits for that
        but a sink of the same place."""
        with self._lock:
            self._flush_locked()
            old = self.sink
            self._left.append((self._place, old))
            before = next((left for at, left in reversed(self._left) if at == place), None)
            self._use(options, sink)
            self._place = place
            if (self._aside and sink.slow) or isinstance(sink, SyslogSink):
                self.sink.start(before)
        old.leave()
        self._left = [(at, left) for at, left in self._left if left.at_work]

    def write(self, level: str, part: str, text: str, who: Who | None) -> None:
        with self._lock:
            self._flush_locked()
            self.sink.write(self._lines.line(level, part, text, who), level)

    def gather(self, level: str, part: str, text: str, who: Who | None) -> None:
        with self._lock:
            line = self._lines.line(level, part, text, who)
            if self._call_later is None or not self.sink.decorated:
                self.sink.write(line, level)
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

    def flush(self) -> None:
        with self._lock:
            self._flush_locked()

    def _flush_locked(self) -> None:
        if self._gathered:
            data = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_size = 0
            self.sink.write(data, "TRC")

    def close(self) -> None:
        self.detach()
        self.sink.close()


class Logger:
    """The log of one part of the server; `part` gives those of the others, which share one sink.
    `debug_enabled` and `trace_enabled` are plain attributes: ask them before building the text of a
    debug or trace line. `least` is the least important level that anybody may write.

    A `fixed` log belongs to the program that embeds the server: a reload does not replace it.
    """

    def __init__(
        self, options: LogOptions, sink: Sink | None = None, *, least: str = "TRC",
        fixed: bool = False,
    ) -> None:  # fmt: skip
        self._begin("server", _Output(options, sink or StreamSink()), {})
        self._least = least
        self.fixed = fixed
        self._options = options
        self._apply_levels(options)

    def _begin(self, name: str, output: _Output, parts: dict[str, Logger]) -> None:
        self.name = name
        self._output = output
        self._parts = parts
        self._warned: dict[Hashable, float] = {}
        self._silent: frozenset[str] = frozenset()
        self.debug_enabled = self.trace_enabled = False
        parts[name] = self

    def part(self, name: str) -> Logger:
        """The log of another part, one of `LOG_PARTS`; always the same."""
        known = self._parts.get(name)
        return known if known is not None else self._parts["server"]._make_part(name)

    def _make_part(self, name: str) -> Logger:
        assert name in LOG_PARTS, name
        made = Logger.__new__(Logger)
        made._begin(name, self._output, self._parts)
        made.fixed = self.fixed
        made._listen(self._options, self._least)
        return made

    # -- levels -----------------------------------------------------------------------------

    @property
    def levels(self) -> dict[str, str]:
        """The level of every part, by name."""
        return {name: self.part(name)._level() for name in LOG_PARTS}

    def _level(self) -> str:
        if self.trace_enabled:
            return "trace"
        if self.debug_enabled:
            return "debug"
        return next(NAMES[level] for level in LEVELS[2:] if level not in self._silent)

    def set_levels(self, levels: Mapping[str, str]) -> None:
        """Other levels for some parts, by name, until a reload of the configuration; nobody writes
        less important lines than `least`. Raises ValueError and changes nothing where a part or a
        level is not known."""
        for name, level in levels.items():
            if name not in LOG_PARTS:
                raise ValueError(f'unknown part "{name}", only {", ".join(LOG_PARTS)}')
            if level not in _LEVEL_OF:
                raise ValueError(f'unknown level "{level}", only {", ".join(NAMES.values())}')
        for name, level in levels.items():
            self.part(name)._listen_at_most(_LEVEL_OF[level], self._parts["server"]._least)

    def _apply_levels(self, options: LogOptions) -> None:
        root = self._parts["server"]
        for each in self._parts.values():
            each._listen(options, root._least)

    def _listen(self, options: LogOptions, least: str) -> None:
        level = options.log_levels.get(self.name)
        if level is not None:
            self._listen_at_most(_LEVEL_OF[level], least)
            return
        self._listen_from(least)
        self.debug_enabled = options.debug
        self.trace_enabled = options.trace

    def _listen_at_most(self, level: str, least: str) -> None:
        self._listen_from(max(level, least, key=LEVELS.index))

    def _listen_from(self, level: str) -> None:
        self._silent = frozenset(LEVELS[: LEVELS.index(level)])
        self.debug_enabled = "DBG" not in self._silent
        self.trace_enabled = "TRC" not in self._silent

    # -- what the server calls --------------------------------------------------------------

    def notice(self, text: str, who: Who | None = None) -> None:
        self._log("INF", text, who)

    def warn(self, text: str, who: Who | None = None) -> None:
        self._log("WRN", text, who)

    def error(self, text: str, who: Who | None = None) -> None:
        self._log("ERR", text, who)

    def fatal(self, text: str) -> None:
        """Only logs; the caller ends the process."""
        self._log("FTL", text, None)

    def debug(self, text: str, who: Who | None = None) -> None:
        if self.debug_enabled:
            self._output.gather("DBG", self.name, text, who)

    def trace(self, text: str, who: Who | None = None) -> None:
        if self.trace_enabled:
            self._output.gather("TRC", self.name, text, who)

    def _log(self, level: str, text: str, who: Who | None) -> None:
        if level not in self._silent:
            self._output.write(level, self.name, text, who)

    def warn_rarely(self, text: str, kind: Hashable = None) -> None:
        """A warning that repeats at most every `REPEAT_AFTER_S` seconds. Where the text has
        something that others choose, all texts of a `kind` are one warning."""
        now = time.monotonic()
        key = text if kind is None else kind
        if now - self._warned.get(key, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return
        if key not in self._warned and len(self._warned) >= REMEMBERED_MAX:
            oldest = next(iter(self._warned))
            if now - self._warned[oldest] < REPEAT_AFTER_S:
                return  # too many at once: who has room comes first
            del self._warned[oldest]
        self._warned.pop(key, None)  # the oldest stay in front
        self._warned[key] = now
        self.warn(text)

    # -- life -------------------------------------------------------------------------------

    @property
    def dropped(self) -> int:
        """Lines that could not be written in time."""
        return self._output.sink.dropped

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Debug and trace lines gather until the end of the turn of `loop`."""
        self._output.attach(loop)

    def write_aside(self) -> None:
        """Nothing waits for the sink any more, until `detach`."""
        self._output.write_aside()

    def detach(self) -> None:
        """Write at once again; to be called before the loop closes."""
        self._output.detach()

    def reopen(self) -> None:
        """Open the log file again (after `logrotate` moved it)."""
        self._output.flush()
        if self._output.sink.reopen():
            self.notice("File log re-opened")
        else:
            self.notice("File log re-open ignored, not a file logger")

    def open_other(self, options: LogOptions, program: str) -> Other:
        """What `options` want; may take long. For any thread. Raises `LogError`."""
        place = _place_of(options)
        if self._output.is_at(place):
            return Other(options, place)
        return Other(options, place, _open_sink(options, program, self._output.describe))

    def use_other(self, other: Other) -> None:
        """Writes there from now on, as its options say."""
        if other.sink is not None:
            self._output.replace(other.options, other.sink, other.place)
        else:
            self._output.reform(other.options)
        self._options = other.options
        self._apply_levels(other.options)

    def restore_levels(self) -> None:
        """The levels of the options again."""
        self._apply_levels(self._options)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.close()


@dataclass(frozen=True, slots=True)
class Other:
    """What a log is to become: `Logger.use_other` takes it, or it is dropped."""

    options: LogOptions
    place: _Place
    sink: Sink | None = None  # None = where lines go already

    def drop(self) -> None:
        """Leaves no trace of it."""
        if isinstance(self.sink, FileSink):
            self.sink.withdraw()
        elif self.sink is not None:
            self.sink.close()


def open_logger(options: LogOptions, program: str = "pynats-server") -> Logger:
    """The log that `options` ask for. Raises `LogError` if it cannot be opened."""
    logger = Logger(options)
    logger.use_other(logger.open_other(options, program))
    return logger


def _place_of(options: LogOptions) -> _Place:
    # Same precedence as the real server's: a file, then syslog elsewhere, then here.
    if options.log_file is not None:
        return "file", options.log_file.resolve()
    if options.remote_syslog or options.syslog:
        return "syslog", options.remote_syslog
    return ("stream",)


def _open_sink(options: LogOptions, program: str, describe: Callable[[str, bool], bytes]) -> Sink:
    if options.log_file is not None:
        return FileSink(options.log_file, options.log_size_limit, options.log_max_num, describe)
    if options.remote_syslog or options.syslog:
        return SyslogSink(options.remote_syslog, program)
    return StreamSink()
