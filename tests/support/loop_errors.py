"""Errors that event loops of the test process report: exceptions that no code caught or retrieved.

asyncio only logs them: a callback that failed, a task whose exception was never retrieved, a
future that was destroyed while pending.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class LoopErrors(logging.Handler):
    """Keeps errors that asyncio logs, until they are taken."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self._found.append(self.format(record))

    def take(self) -> list[str]:
        """The errors since the last call."""
        found, self._found = self._found, []
        return found


@contextmanager
def heard() -> Iterator[LoopErrors]:
    """A `LoopErrors` that is active during the block."""
    handler, logger = LoopErrors(), logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
