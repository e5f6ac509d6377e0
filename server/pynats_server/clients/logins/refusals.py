"""The lines of the log about refused log-ins: a flood of them becomes a few and a number.

Only these lines are limited: monitoring, events and the lines of `log_logins` have every log-in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from pynats_common.network.urls import network_of

from pynats_server.auth import REFUSED, Refusal
from pynats_server.clients.who import Who
from pynats_server.core.client import ClientConnection
from pynats_server.log.logger import Logger

WINDOW_S: Final = 1.0
LINES_MAX: Final = 100  # in a window, about one address (with IPv6, one network)
LINES_MAX_OF_ALL: Final = 500  # in a window
ADDRESSES_MAX: Final = 50  # that are told of by name when a window ends


class Refusals:
    """Writes them for one server."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._told: Counter[str] = Counter()  # lines of this window, by address
        self._held_back: Counter[str] = Counter()
        self._others = 0  # held back, of more addresses than are told of
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, client: ClientConnection, text: str, refusal: Refusal = REFUSED) -> None:
        """A log-in has been refused."""
        address = network_of(client.host)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WINDOW_S, self._end)
        if self._told[address] < LINES_MAX and self._told.total() < LINES_MAX_OF_ALL:
            self._told[address] += 1
            if refusal.why:
                self._log.debug(refusal.why, Who(client))
            if refusal.warning:
                tell = self._log.error if refusal.grave else self._log.warn
                tell(refusal.warning, Who(client))
            self._log.error(text, Who(client))
        elif address in self._held_back or len(self._held_back) < ADDRESSES_MAX:
            self._held_back[address] += 1
        else:
            self._others += 1

    def stop(self) -> None:
        """Says at once what was held back."""
        if self._timer is not None:
            self._timer.cancel()
            self._end()

    def _end(self) -> None:
        self._timer = None
        for address, count in self._held_back.most_common():
            self._log.error(f"authentication error: {_more(count)} from {address}")
        if self._others:
            self._log.error(f"authentication error: {_more(self._others)} from other addresses")
        self._told.clear()
        self._held_back.clear()
        self._others = 0


def _more(count: int) -> str:
    return "1 more log-in was refused" if count == 1 else f"{count} more log-ins were refused"
