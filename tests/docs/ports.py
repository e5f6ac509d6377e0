"""Other ports for those that a page names: of four digits, too, so that tables stay as they are."""

from __future__ import annotations

import contextlib
import re
import socket
from random import SystemRandom

CLIENTS, MONITORING = 4222, 8222
# What a number on a page must be to be a port.
NUMBERS = (*range(4222, 4233), 4333, 4443, 5222, *range(6222, 6226), *range(7222, 7226), 7422, 7777,
           8080, *range(8222, 8233), 8443, 9090, 9222)  # fmt: skip
_NAMED = re.compile(rf"(?<![\d.])(?:{'|'.join(map(str, NUMBERS))})(?!\d|[.,]\d)")


class Ports:
    """Of one page."""

    def __init__(self, text: str) -> None:
        named = {int(found[0]) for found in _NAMED.finditer(text)}
        self._text = text
        self.real: dict[int, int] = {}
        for port in sorted({CLIENTS, MONITORING} | named):
            self.real[port] = self._free()
        self._back = {str(real): str(port) for port, real in self.real.items()}
        self._reals = re.compile(rf"(?<![\d.,])(?:{'|'.join(self._back)})(?!\d|[.,]\d)")

    def put(self, text: str) -> str:
        """The text with the real ports."""
        return _NAMED.sub(lambda found: str(self.real.get(int(found[0]), found[0])), text)

    def taken_back(self, text: str) -> str:
        """The text with the page's ports."""
        return self._reals.sub(lambda found: self._back[found[0]], text)

    def _free(self) -> int:
        while True:
            port = SystemRandom().randrange(5000, 10_000)
            if port in NUMBERS or port in self.real.values() or str(port) in self._text:
                continue
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
