"""Names of IP addresses from the DNS, asked in threads and remembered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pynats_top.model.values import text

THREADS = 4
WAIT_S = 2.0  # a text waits so long for names
REMEMBERED_MAX = 100_000


class Names:
    """`known` has the names found; addresses without one are remembered as well."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self._asked: dict[str, asyncio.Future[str]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def look(self, addresses: Iterable[str]) -> None:
        """Asks for those not asked for before. Needs a running loop; does not wait."""
        if len(self._asked) > REMEMBERED_MAX:
            self._asked.clear()
            self.known.clear()
        loop = asyncio.get_running_loop()
        for address in addresses:
            if address and address not in self._asked:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(THREADS, "dns")
                asked = loop.run_in_executor(self._pool, _name_of, address)
                self._asked[address] = asked
                asked.add_done_callback(partial(self._keep, address))

    def _keep(self, address: str, done: asyncio.Future[str]) -> None:
        if not done.cancelled() and done.exception() is None and done.result():
            self.known[address] = done.result()

    async def wait(self, addresses: Iterable[str], seconds: float = WAIT_S) -> None:
        """Waits for the names of these addresses, but not for ever."""
        addresses = list(addresses)
        self.look(addresses)
        waiting = [self._asked[address] for address in addresses if address in self._asked]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)

    def close(self) -> None:
        """Asks for nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _name_of(address: str) -> str:
    try:
        return text(socket.gethostbyaddr(address)[0].rstrip("."))
    except (OSError, UnicodeError):
        return ""
