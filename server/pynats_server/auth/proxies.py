"""Trusted proxies: they sign the nonce for the clients that come through them."""

from __future__ import annotations

from typing import Final

from pynats_server import options as config
from pynats_server.auth import signatures
from pynats_server.auth.base import Hello, Refusal
from pynats_server.core.reasons import CloseReason

PROXY_REQUIRED: Final = Refusal(CloseReason.PROXY_REQUIRED, why="proxy connection required")
PROXY_NOT_TRUSTED: Final = Refusal(CloseReason.PROXY_NOT_TRUSTED, why="proxy is not trusted")


class Proxies:
    """The trusted proxies of one configuration."""

    def __init__(self, options: config.ProxyOptions) -> None:
        self.trusted = frozenset(options.trusted)
        if self.trusted:
            signatures.prepare()

    def verify(self, hello: Hello) -> Refusal | None:
        """Finds out which proxy has signed for a client, and says so in `hello`. Refuses one that
        presents a signature of nobody who is trusted."""
        hello.proxy = ""
        text = hello.said.proxy_sig
        if not self.trusted or not text:
            return None
        signature = signatures.decode_plain(text)
        if signature is not None:
            for key in self.trusted:
                if signatures.is_signed(hello.nonce, signature, key):
                    hello.proxy = key
                    return None
        return PROXY_NOT_TRUSTED

    def recheck(self, hello: Hello) -> Refusal | None:
        """The same for one that is in: its signature was verified."""
        return PROXY_NOT_TRUSTED if hello.proxy and hello.proxy not in self.trusted else None
