"""Sends traces where they are wanted."""

from __future__ import annotations

from functools import partial
from typing import Final

from pynats_server.core.client import ClientConnection
from pynats_server.core.tracing.trail import Trail
from pynats_server.server.state import ServerState
from pynats_server.system.encoding import chosen, encode
from pynats_server.system.server_block import ServerBlock
from pynats_server.tracing.events import describe
from pynats_server.work import Job, Work, finish

ACCEPT: Final = b"Accept-Encoding"
AT_ONCE: Final = 32
"""Events of a trace that is written where the message arrives. Longer ones are written in slices,
and the client waits: it cannot ask for more than is done."""


class Tracer:
    """Of one server."""

    def __init__(self, state: ServerState, server: ServerBlock) -> None:
        self._state = state
        self._server = server

    def send(self, client: ClientConnection, trail: Trail) -> None:
        """Tells what became of a message of the client."""
        if trail.silent:
            return
        if len(trail.events) <= AT_ONCE:
            self._publish(trail, finish(self._written(trail)))
            return
        client.halt_reading()
        self._state.turns.start(
            trail.account.name,
            (self, client),
            self._written(trail),
            stays=True,
            on_end=partial(self._ended, client, trail),
        )

    def _written(self, trail: Trail) -> Work[bytes]:
        server, system = self._server.next(), self._state.system_account.name
        text = yield from describe(trail, server, system)
        return (yield from encode(text, _encoding_of(trail)))

    def _ended(self, client: ClientConnection, trail: Trail, job: Job[bytes]) -> None:
        if job.result is not None:
            self._state.engine.within_turn(partial(self._publish, trail, job.result))
        client.read_again()

    def _publish(self, trail: Trail, data: bytes) -> None:
        encoding = _encoding_of(trail)
        block = f"NATS/1.0\r\nContent-Encoding: {encoding}\r\n\r\n" if encoding else ""
        trail.account.publish(self._state.engine, trail.dest, data, headers=block.encode())


def _encoding_of(trail: Trail) -> str:
    return chosen(trail.headers.get(ACCEPT, [b""])[0])
