"""Many messages at once over a connection of nats-py: receiving in batches, sending in blocks.

nats-py awaits several things for each message, which limits it to some ten thousand a second. Here
all complete messages of one read go to a function in one call, and messages to send are joined
before they are handed over. Everything else on the connection stays nats-py's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from pynats_cli.connect.natspy.transport import LINE_MAX

# A server may part fields with more than one blank: nats-server writes two before the size of what
# it publishes itself.
_START = rb"MSG[ \t]+(\S+)[ \t]+(\d+)[ \t]+(?:(\S+)[ \t]+)?(\d{1,9})"
_PLAIN = re.compile(_START + rb"[ \t]*\r\n")
_HEADED = re.compile(rb"H" + _START + rb"[ \t]+(\d{1,9})[ \t]*\r\n")


class Message(NamedTuple):
    """A message as it is on the wire; `head` is the block of headers, with its first line."""

    subject: bytes
    reply: bytes
    head: bytes
    body: bytes


Sink = Callable[[list[Message]], None]

BLOCK_BYTES = 256 * 1024
"""Bytes of messages that are handed over at once."""
MESSAGE_MAX = 65 * 1024 * 1024
"""The longest message that is taken, a bit more than servers can allow."""
_MALFORMED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)


class BatchParser(Parser):  # type: ignore[misc]
    """nats-py's parser, which gives messages of some subscriptions to functions, in batches.

    It also keeps the server's words: nats-py makes small letters of them, subjects included.
    """

    def __init__(self, client: Any) -> None:
        self._sinks: dict[bytes, Sink] = {}
        self.words = ""  # of the server's last error
        super().__init__(client)

    def reset(self) -> None:
        """Forgets what was read: a new connection begins."""
        super().reset()
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0  # bytes without which there is nothing to do

    def deliver(self, sid: int, sink: Sink) -> None:
        """Messages of this subscription go to `sink` from now on."""
        self._sinks[str(sid).encode()] = sink

    @property
    def delivers(self) -> bool:
        """True when a function gets messages."""
        return bool(self._sinks)

    def forget(self, sid: int) -> None:
        """Messages of this subscription are nats-py's again."""
        self._sinks.pop(str(sid).encode(), None)

    async def parse(self, data: bytes = b"") -> None:
        self._chunks.append(data)
        self._have += len(data)
        if self._have < self._need:
            return
        whole = b"".join(self._chunks) if len(self._chunks) > 1 else data
        position = await self._consume(whole)
        rest = whole[position:]
        self._chunks = [rest] if rest else []
        self._have = len(rest)
        if self._sinks:
            # nats-py would go on with what is buffered, and read no more of the socket meanwhile.
            await asyncio.sleep(0)

    async def _consume(self, data: bytes) -> int:
        """Handles all that is complete; where the rest begins."""
        position, size, self._need = 0, len(data), 0
        batch: list[Message] = []
        current: Sink | None = None
        plain, sink_of, new = _PLAIN.match, self._sinks.get, tuple.__new__
        while position < size:
            # Most are plain messages to whom the one before went: this is all that these cost.
            found = plain(data, position)
            head = b""
            if found is not None:
                subject, sid, reply, total = found.groups(b"")
            elif (found := _HEADED.match(data, position)) is not None:
                subject, sid, reply, head, total = found.groups(b"")
            else:
                stop = _end_of_line(data, position)
                if stop < 0:
                    break
                if data.startswith(b"-ERR", position):
                    self.words = data[position + 4 : stop].decode("utf-8", "replace").strip(" '")
                if current is not None and batch:  # in the order of the wire
                    current(batch)
                    batch = []
                await self._other(data[position : stop + 2])
                position = stop + 2
                continue
            middle = start = found.end()
            stop = start + int(total)
            if head:
                middle += int(head)
            if stop + 2 > size or middle > stop:
                if middle > stop or stop - start > MESSAGE_MAX:
                    raise ProtocolError  # memory is not given to whoever announces much
                self._need = stop + 2 - position
                break
            sink = sink_of(sid)
            if sink is not current or sink is None:
                if current is not None and batch:
                    current(batch)
                    batch = []
                current = sink
            if sink is None:
                await self._other(data[position : stop + 2])
            else:
                batch.append(new(Message, (subject, reply, data[start:middle], data[middle:stop])))
            position = stop + 2
        if current is not None and batch:
            current(batch)
        return position

    async def _other(self, data: bytes) -> None:
        try:
            await super().parse(data)
        except _MALFORMED:  # nats-py would read no more, without a word to those who wait
            raise ProtocolError from None


def _end_of_line(data: bytes, position: int) -> int:
    """Where the line there ends, -1 if that is to come. Raises ProtocolError for one that is no
    line of the protocol."""
    stop = data.find(b"\r\n", position)
    if stop < 0 and len(data) - position <= LINE_MAX:
        return -1
    if stop < 0 or data.startswith((b"MSG", b"HMSG"), position):
        raise ProtocolError
    return stop


def frame(subject: bytes, reply: bytes, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """A message as it is sent."""
    target = subject + b" " + reply if reply else subject
    if not headers:
        return b"PUB %b %d\r\n%b\r\n" % (target, len(body), body)
    lines = "".join(f"{name.strip()}: {value.strip()}\r\n" for name, value in headers)
    block = b"NATS/1.0\r\n" + lines.encode() + b"\r\n"
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (
        target, len(block), len(block) + len(body), block, body,
    )  # fmt: skip
