"""Pulling messages one by one, and acknowledging them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import SECOND_NS

from pynats_cli.connect.headers import header_pairs
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.requests import check_names

PIN = "Nats-Pin-Id"
_STATUS, _DESCRIPTION = "Status", "Description"
_GRACE_S = 0.5
"""How long the server's own word on an expired pull is waited for."""
_NO_MESSAGE = ("404", "408")


@dataclass(frozen=True)
class Pulled:
    """A message of a consumer; counts are those of its reply subject."""

    subject: str
    data: bytes
    headers: tuple[tuple[str, str], ...]
    reply: str
    tries: int
    consumer_sequence: int
    stream_sequence: int
    pending: int


class Puller:
    """Pulls from one consumer; a pinned client says who it is."""

    def __init__(self, session: Session, stream: str, consumer: str, group: str = "") -> None:
        check_names(stream, consumer)
        self._session = session
        self._subject = f"{session.jetstream_prefix()}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._group = group
        self._pin = ""
        self._inbox = session.inbox
        self._arrived: asyncio.Queue[Any] | None = None

    async def next(self) -> Pulled:
        """The next message. Raises CliError when there is none within --timeout."""
        client, timeout_s = self._session.client, self._session.options.timeout_s
        if self._arrived is None:
            # Not `next_msg`: with a message always there it swallows a cancellation.
            self._arrived = asyncio.Queue()
            await client.subscribe(self._inbox, cb=self._arrived.put)
        await client.publish(self._subject, self._request(timeout_s), reply=self._inbox)
        try:
            async with asyncio.timeout(timeout_s + _GRACE_S):
                message = await self._arrived.get()
        except TimeoutError:
            await self._session.check()
            raise CliError("no message received: nats: timeout") from None
        headers = tuple(header_pairs(message))
        status = dict(headers).get(_STATUS, "")
        if status and not message.data:
            raise CliError(_status_text(status, dict(headers).get(_DESCRIPTION, "")))
        self._pin = dict(headers).get(PIN, self._pin)
        return pulled(message)

    def _request(self, timeout_s: float) -> bytes:
        request: dict[str, Any] = {"batch": 1, "expires": round(timeout_s * SECOND_NS)}
        if self._group:
            request["group"] = self._group
        if self._pin:
            request["id"] = self._pin
        return json.dumps(request).encode()


def _status_text(status: str, description: str) -> str:
    if status in _NO_MESSAGE:
        return "no message received: nats: timeout"
    if status == "503":
        return "no message received: nats: no responders available for request"
    return f"no message received: {description or 'the server refused the pull'} ({status})"


def pulled(message: Any) -> Pulled:
    """A message of the client with the counts in its reply subject. Raises CliError."""
    counts = _counts(message.reply)
    return Pulled(message.subject, message.data, tuple(header_pairs(message)), message.reply,
                  *counts)  # fmt: skip


def _counts(reply: str) -> tuple[int, int, int, int]:
    """Tries, consumer sequence, stream sequence and pending, of both forms of reply subjects."""
    tokens = reply.split(".")
    fields = tokens[4:9] if len(tokens) == 9 else tokens[6:11]
    if tokens[:2] != ["$JS", "ACK"] or len(fields) < 5 or not all(map(str.isdecimal, fields)):
        raise CliError(f"message is not from a stream: its reply is {reply!r}")
    tries, stream_sequence, consumer_sequence, _time_ns, pending = map(int, fields)
    return tries, consumer_sequence, stream_sequence, pending


async def answer(session: Session, message: Pulled, verb: bytes) -> None:
    """Tells the server what became of a message, and waits until it was sent."""
    await session.client.publish(message.reply, verb)
    await session.flush()
