"""Publishing to a stream with several messages on their way, in order, each acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.jetstream.acks import parse_pub_ack

WINDOW = 16  # messages on their way
_LOOK_S = 0.5  # between looks whether the server has refused something
IDLE_S = 30.0
"""Seconds without any acknowledgement or data after which a transfer is given up, unless
`--timeout` is longer."""


def idle_s(session: Any) -> float:
    """How long a transfer may stand still."""
    return max(IDLE_S, float(session.options.timeout_s))


async def _patiently(session: Any, came: asyncio.Event) -> None:
    """Until it came. Raises CliError when the server refuses the data or stands still."""
    loop = asyncio.get_running_loop()
    end = loop.time() + idle_s(session)
    while (left := end - loop.time()) > 0:
        try:
            async with asyncio.timeout(min(left, _LOOK_S)):
                await came.wait()
            return
        except TimeoutError:
            session.check_refused()
    raise CliError("the server stopped to acknowledge the data")


class Acknowledged:
    """An asynchronous context; `send` waits while too many are on their way."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inbox = session.inbox
        self._subscription: Any = None
        self._out = 0
        self._came = asyncio.Event()
        self._error: CliError | None = None

    async def __aenter__(self) -> Acknowledged:
        self._subscription = await self._session.client.subscribe(self._inbox, cb=self._on_ack)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.unsubscribe()

    async def _on_ack(self, message: Any) -> None:
        try:
            if message.headers and message.headers.get("Status") == "503":
                raise CliError("no stream takes the data")
            parse_pub_ack(message.data)
        except CliError as error:
            self._error = self._error or error
        self._out -= 1
        self._came.set()

    async def send(self, subject: str, data: bytes) -> None:
        """Raises CliError when this or an earlier message was refused, or none is taken."""
        await self._wait(WINDOW - 1)
        self._out += 1
        await self._session.client.publish(subject, data, reply=self._inbox)

    async def finish(self) -> None:
        """Until all are acknowledged. Raises CliError."""
        await self._wait(0)

    async def _wait(self, most: int) -> None:
        while self._out > most and self._error is None:
            self._came.clear()
            await _patiently(self._session, self._came)
        if self._error is not None:
            raise self._error
