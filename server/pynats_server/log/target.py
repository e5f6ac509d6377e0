"""Where a program that embeds the server wants its log: from a level on, in a logger of its own, or
nowhere."""

from __future__ import annotations

import dataclasses
import logging
from typing import TypeAlias

from pynats_server.log.logger import LogError, Logger
from pynats_server.log.sinks import LoggingSink, NoSink
from pynats_server.options import LogOptions

LogTarget: TypeAlias = str | int | logging.Logger | Logger | None

# Level, as a name or as a number of `logging`: the least important lines that are written.
_LEAST: dict[str | int, str] = {
    "trace": "TRC", "debug": "DBG", "info": "INF", "notice": "INF", "warning": "WRN",
    "warn": "WRN", "error": "ERR", "critical": "FTL", "fatal": "FTL",
    logging.DEBUG: "DBG", logging.INFO: "INF", logging.WARNING: "WRN", logging.ERROR: "ERR",
    logging.CRITICAL: "FTL",
}  # fmt: skip


def open_target(target: LogTarget, options: LogOptions) -> Logger:
    """The log for `Server(..., log=target)`. Raises `LogError` for what is no target.

    A level writes to standard error; its lines are formatted as `options` say.
    """
    if isinstance(target, Logger):
        return target
    if target is None:
        return Logger(LogOptions(), NoSink(), least="FTL", fixed=True)
    if isinstance(target, logging.Logger):
        options = dataclasses.replace(
            options, debug=options.debug or target.isEnabledFor(logging.DEBUG)
        )
        return Logger(options, LoggingSink(target), fixed=True)
    least = None
    if isinstance(target, str | int) and not isinstance(target, bool):
        least = _LEAST.get(target.lower() if isinstance(target, str) else target)
    if least is None:
        names = ", ".join(name for name in _LEAST if isinstance(name, str))
        raise LogError(f"log: {target!r} is not a level ({names}), a logging.Logger, or None")
    options = dataclasses.replace(
        options, debug=least in ("TRC", "DBG"), trace=least == "TRC" or options.trace
    )
    return Logger(options, least=least, fixed=True)
