"""Sends traces where they are wanted."""

from __future__ import annotations

from functools import partial
from typing import Final

from pynats_server.core.client import ClientConnection
from pynats_server.core.tracing.trail import Trail
from pynats_server.said.headers import content_encoding
from pynats_server.said.packing import Codec, chosen, encode
from pynats_server.server.state import ServerState
from pynats_server.system.server_block import ServerBlock
from pynats_server.tracing.events import describe
from pynats_server.work import Cancelled, Job, Steps, Work, finish

AT_ONCE: Final = 32
"""Events of a trace that is written where the message arrives. Longer ones are written in slices,
and the client waits: it cannot ask for more than is done. Those of an account are written one after
the other: what is known of their headers takes many times the memory that these do."""
AT_ONCE_BYTES: Final = 1024
"""The same for the headers that it tells."""
AT_ONCE_SUBJECT: Final = 256
"""And for the subject, which each event may tell."""
CALL_BYTES: Final = 16
"""Bytes of headers that cost as much as a call of Python code (`Engine.charge`)."""


class Tracer:
    """Of one server."""

    def __init__(self, state: ServerState, server: ServerBlock) -> None:
        self._state = state
        self._server = server
        self._codec = Codec()

    def send(self, client: ClientConnection, trail: Trail) -> None:
        """Tells what became of a message of the client, if anybody listens."""
        if trail.silent:
            return
        if not trail.account.has_interest(trail.dest):
            self._server.skip()
            return
        if (
            len(trail.events) <= AT_ONCE
            and len(trail.block) <= AT_ONCE_BYTES
            and len(trail.subject) <= AT_ONCE_SUBJECT
            and self._codec.is_there(chosen(trail.accept))
        ):
            self._state.engine.charge(len(trail.block) // CALL_BYTES)
            self._publish(trail, finish(self._written(trail)))
            return
        client.halt_reading()
        self._state.turns.start(
            trail.account.name,
            self,
            self._prepared(trail),
            stays=True,
            on_end=partial(self._ended, client, trail),
        )

    def _prepared(self, trail: Trail) -> Steps[bytes]:
        yield from self._codec.load(chosen(trail.accept))
        return (yield from self._written(trail))

    def _written(self, trail: Trail) -> Work[bytes]:
        server, system = self._server.next(), self._state.system_account.name
        # Nobody gets more than may wait for a client.
        text = yield from describe(trail, server, system, self._state.options.max_pending // 2)
        return (yield from encode(text, chosen(trail.accept)))

    def _ended(self, client: ClientConnection, trail: Trail, job: Job[bytes]) -> None:
        if job.error is not None and not isinstance(job.error, Cancelled):
            self._state.log.error(f"a trace was not written: {job.error!r}")
        if job.result is not None:
            self._state.engine.within_turn(partial(self._publish, trail, job.result))
        client.read_again()

    def _publish(self, trail: Trail, data: bytes) -> None:
        block = content_encoding(chosen(trail.accept))
        trail.account.publish(self._state.engine, trail.dest, data, headers=block)
