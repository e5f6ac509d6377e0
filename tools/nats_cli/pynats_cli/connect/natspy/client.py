"""nats-py's client, changed where a command needs more than it promises."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Client

from pynats_cli.connect.batches import BatchParser
from pynats_cli.connect.headers import Headers, header_lines
from pynats_cli.connect.socks import SocksProxy, SocksTransport


class PatchedClient(Client):  # type: ignore[misc]
    """nats-py's client, keeping repeated headers and taking a public nkey with its signature."""

    def __init__(self, proxy: SocksProxy | None = None) -> None:
        super().__init__()
        self._ps = BatchParser(self)
        self._proxy = proxy

    async def _connect_to_server(self, s: Any) -> None:
        if self._proxy is None:
            await super()._connect_to_server(s)
            return
        s.last_attempt = time.monotonic()
        self._transport = SocksTransport(self._proxy)
        timeout_s = self.options["connect_timeout"]
        await self._transport.connect(s.uri, DEFAULT_BUFFER_SIZE, timeout_s)

    async def _process_op_err(self, e: Exception) -> None:
        self.lost_by = e
        await super()._process_op_err(e)

    async def _process_err(self, err_msg: str) -> None:
        words = self._ps.words
        # nats-py looks for texts in small letters, and for nothing else.
        if words.lower() in err_msg and words.lower().startswith("permissions violation"):
            error = nats_errors.Error(f"nats: {words}")
            self._err = error
            await self._error_cb(error)
            return
        await super()._process_err(err_msg)

    async def _attempt_reconnect(self) -> None:
        # When the connection is lost again while this one is greeted, two of these run at once,
        # and each tells that it has ended.
        with suppress(asyncio.InvalidStateError):
            await super()._attempt_reconnect()

    async def close(self) -> None:
        with suppress(OSError):  # what was not sent cannot be sent to a server that has gone
            await super().close()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        self.told = info  # nats-py keeps the first INFO only
        await super()._process_info(info, initial_connection)

    @staticmethod
    def _parse_header_lines(raw: bytes) -> Headers:
        return Headers(header_lines(raw), raw)

    def use_public_nkey(self, public_key: str) -> None:
        self._public_nkey = public_key
        self._auth_configured = True

    def use_login(self) -> None:
        self._auth_configured = True
