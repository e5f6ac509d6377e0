"""Connections that begin with a header of the PROXY protocol: it says who they come from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from pynats_common.network.urls import host_port

from pynats_server.clients.arriving.proxy_header import ProxyHeader, ProxyHeaderError, read_header
from pynats_server.clients.arriving.steps import MORE, Step
from pynats_server.clients.session import session_of
from pynats_server.clients.who import Who
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.log.logger import Logger

HEADER_S: Final = 5.0  # until the header must be there


@dataclass(slots=True)
class _Waiting:
    """One whose header is not complete. What is in it besides addresses is not kept."""

    timer: asyncio.TimerHandle
    then: Step
    header: ProxyHeader | None = None
    left: int = 0  # bytes of it that are to come


class ProxyHeaders:
    """The connections of one server whose header has not come yet."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._waiting: dict[ClientConnection, _Waiting] = {}

    def expect(self, client: ClientConnection, then: Step) -> None:
        """Reads the header, if there is one, and goes on with `then`: it ends the prologue, or
        begins something else with what follows."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(HEADER_S, self._fail, client, "i/o timeout")
        self._waiting[client] = _Waiting(timer, then)
        client.begin_prologue(self._read)

    def forget(self, client: ClientConnection) -> None:
        """It has gone."""
        waiting = self._waiting.pop(client, None)
        if waiting is not None:
            waiting.timer.cancel()

    def _read(self, client: ClientConnection, data: bytes) -> int:
        waiting = self._waiting[client]
        if waiting.header is None:
            try:
                waiting.header = read_header(data)
            except ProxyHeaderError as error:
                self._fail(client, str(error))
                return len(data)
            if waiting.header is None:
                return MORE
            waiting.left = waiting.header.taken
        taken = min(waiting.left, len(data))
        waiting.left -= taken
        if not waiting.left:
            self.forget(client)
            self._take(client, waiting.header)
            waiting.then(client)
        return taken

    def _take(self, client: ClientConnection, header: ProxyHeader) -> None:
        session = session_of(client)
        session.header_read = True
        if header.host:
            if self._log.debug_enabled:
                told = host_port(header.host, header.port)
                self._log.debug(f"PROXY protocol: the client is {told}", Who(client))
            client.come_from(header.host, header.port)
            session.hello.host, session.hello.port = header.host, header.port

    def _fail(self, client: ClientConnection, reason: str) -> None:
        self.forget(client)
        if not client.closing:
            where = host_port(client.host, client.port)
            self._log.warn(f"Error reading PROXY protocol header from {where}: {reason}")
            client.close(CloseReason.PROTOCOL_VIOLATION)
