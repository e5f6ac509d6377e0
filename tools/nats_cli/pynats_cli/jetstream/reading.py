"""Reading a stream in order by a consumer of one's own.

The consumer is made anew where it stopped when it is lost, with a connection or by the server, so
a reader sees each message once and in order.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.durations import SECOND_NS

from pynats_cli.connect.headers import header_block, header_pairs
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.template.messages import unique_id

BATCH = 500  # messages of one request
BATCH_BYTES = 8 << 20
EXPIRES_S = 30.0
HEARTBEAT_S = 5.0
_NUMBER = re.compile("[0-9]{1,20}")
_LIFE_NS = 60 * SECOND_NS
_RECONNECTED_S = 0.1  # between looks whether the connection is back
_LOSSES_MAX = 10


@dataclass(frozen=True)
class Stored:
    """A message of a stream; `pending` are those behind it that match the filter."""

    subject: str
    sequence: int
    time_ns: int
    headers: tuple[tuple[str, str], ...]
    data: bytes
    pending: int = 0
    block: bytes = b""  # the headers as they are stored

    def header(self, name: str) -> str:
        """First value of a header, "" without it."""
        lower = name.lower()
        return next((value for key, value in self.headers if key.lower() == lower), "")


class _Lost(Exception):
    """The consumer is gone, or messages of it."""


@dataclass
class Reading:
    """What to read: `config` of the consumer are its filter and where it begins."""

    session: Session
    stream: str
    config: dict[str, Any]
    follow: bool = False
    _last: int = 0
    _name: str = ""
    _count: int = 0  # messages of this consumer so far

    async def messages(self) -> AsyncGenerator[Stored | None, None]:
        """Messages, then None when all that was there has come; with `follow` new ones after it."""
        inbox = self.session.inbox
        # Not `next_msg`: it makes a task for each message, and may swallow a cancellation.
        arrived: asyncio.Queue[Any] = asyncio.Queue(2 * BATCH)  # nobody asks for more
        subscription = await self.session.client.subscribe(inbox, cb=arrived.put)
        caught_up = False
        losses = 0  # in a row, without a message between
        try:
            while True:
                pending = await self._created()
                before = self._last
                if not pending and not caught_up:
                    caught_up = True
                    yield None
                if caught_up and not self.follow:
                    return
                try:
                    async for message in self._pull(arrived, inbox):
                        yield message
                        if not message.pending and not caught_up:
                            caught_up = True
                            yield None
                        if caught_up and not self.follow:
                            return
                except _Lost:
                    losses = losses + 1 if self._last == before else 0
                    if losses > _LOSSES_MAX and not self.follow:
                        raise CliError("reading the stream failed: messages are missing") from None
                    await asyncio.sleep(_RECONNECTED_S)
        finally:
            if not self.session.client.is_closed:  # when whoever read it has failed
                await subscription.unsubscribe()
                await self._delete()

    async def _created(self) -> int:
        """How many messages wait for a new consumer; waits for the connection to be back."""
        while True:
            while not self.session.client.is_connected:
                await asyncio.sleep(_RECONNECTED_S)
            try:
                return await self._create()
            except (CliError, nats_errors.Error):
                if self.session.client.is_connected:
                    raise

    async def _create(self) -> int:
        config = {
            "ack_policy": "none",
            "replay_policy": "instant",
            "deliver_policy": "all",
            **self.config,
            "name": unique_id(),
            "inactive_threshold": _LIFE_NS,
            "num_replicas": 1,
            "mem_storage": True,
        }
        if self._last:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self._last + 1}
            config.pop("opt_start_time", None)
        self._name, self._count = config["name"], 0
        answer = await self.session.js.request(
            f"CONSUMER.CREATE.{self.stream}.{self._name}",
            {"stream_name": self.stream, "config": config, "action": "create"},
        )
        return int(answer.get("num_pending", 0))

    async def _delete(self) -> None:
        if not self._name or not self.session.client.is_connected:
            return
        try:
            await self.session.js.request(f"CONSUMER.DELETE.{self.stream}.{self._name}")
        except (CliError, nats_errors.Error):
            pass  # the server deletes it after some idle time

    async def _pull(self, arrived: asyncio.Queue[Any], inbox: str) -> AsyncGenerator[Stored, None]:
        prefix = self.session.jetstream_prefix()
        request = json.dumps(
            {
                "batch": BATCH,
                "max_bytes": max(BATCH_BYTES, 2 * self.session.client.max_payload),
                "expires": int(EXPIRES_S * SECOND_NS),
                "idle_heartbeat": int(HEARTBEAT_S * SECOND_NS),
            }
        ).encode()
        left = 0
        while True:
            if left <= 0:
                left = BATCH
                subject = f"{prefix}.CONSUMER.MSG.NEXT.{self.stream}.{self._name}"
                await self.session.client.publish(subject, request, reply=inbox)
            message = await _next(arrived)
            facts = _facts(message.reply)
            if facts is None:
                left = _after_status(message, left)
                continue
            consumer, sequence, count, time_ns, pending = facts
            if consumer != self._name:
                continue  # of one that was given up
            left -= 1
            self._count += 1
            if count != self._count:
                raise _Lost
            if sequence <= self._last:
                raise CliError(f"reading the stream failed: {sequence} comes after {self._last}")
            self._last = sequence
            yield Stored(
                message.subject, sequence, time_ns, tuple(header_pairs(message)),
                message.data, pending, header_block(message),
            )  # fmt: skip


async def _next(arrived: asyncio.Queue[Any]) -> Any:
    """The next message of any kind; there are heartbeats, at least."""
    if not arrived.empty():
        return arrived.get_nowait()
    try:
        async with asyncio.timeout(2 * HEARTBEAT_S):
            return await arrived.get()
    except TimeoutError:
        raise _Lost from None


def _after_status(message: Any, left: int) -> int:
    """Messages of the request that are still to come."""
    headers = message.headers or {}
    status, text = headers.get("Status", ""), headers.get("Description", "").lower()
    if status == "100":
        return left
    if status in ("404", "408") or (status == "409" and "deleted" not in text):
        return 0
    if status in ("409", "503"):
        raise _Lost
    raise CliError(f"reading the stream failed: {status or 'no message'} {text}".rstrip())


def _facts(reply: str) -> tuple[str, int, int, int, int] | None:
    """Consumer, stream and consumer sequence, time, pending of a delivery; None for others."""
    tokens = reply.split(".")
    if tokens[:2] != ["$JS", "ACK"]:
        return None
    if len(tokens) == 9:
        fields = tokens[3:]
    elif len(tokens) >= 11:
        fields = tokens[5:11]
    else:
        return None
    consumer, _delivered, *numbers = fields
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    sequence, count, time_ns, pending = map(int, numbers)
    return consumer, sequence, count, time_ns, pending
