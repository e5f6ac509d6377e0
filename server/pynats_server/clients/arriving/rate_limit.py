"""How many handshakes may begin in a second."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from pynats_server.log.logger import Logger

SECOND: Final = 1.0


class RateLimit:
    """How many handshakes begin in a second; tells of those that may not, once a second."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._since = 0.0
        self._begun = 0
        self._refused = 0

    def allows(self, limit: int) -> bool:
        """Counts one more, unless that is too many."""
        now = time.monotonic()
        if now - self._since > SECOND:
            self._since, self._begun = now, 0
        self._begun += 1
        if self._begun <= limit:
            return True
        if not self._refused:
            asyncio.get_running_loop().call_later(SECOND, self._tell)
        self._refused += 1
        return False

    def _tell(self) -> None:
        refused, self._refused = self._refused, 0
        self._log.warn(f"Rejected {refused} connections due to TLS rate limiting")
