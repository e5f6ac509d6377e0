"""Messages of one subscription by the hundred, as they come from the socket.

nats-py awaits for each message, which takes ten times as long as looking at it. Here the client's
parser is replaced while a scan runs: messages of our subscription are cut out of what was read, and
everything else (pings, errors, other subscriptions) goes on to the parser of the client. Reading
waits while they are looked at, so a slow reader slows the server, not our memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from nats.aio.client import Client

_TEMPLATE = rb"(?:HMSG (\S+) %(sid)s (?:(\S+) )?(\d+) (\d+)|MSG (\S+) %(sid)s (?:(\S+) )?(\d+))\r\n"
_OTHER_MESSAGE = re.compile(rb"H?MSG [^\r\n]* (\d+)\r\n")


class Raw(NamedTuple):
    """A message as it is on the wire; `head` are the header lines, with the first one."""

    subject: bytes
    reply: bytes
    head: bytes
    body: bytes


class Bulk:
    """A subscription whose messages go to `sink`, many at a time."""

    def __init__(self, client: Client, sink: Callable[[list[Raw]], None]) -> None:
        self._client = client
        self._sink = sink
        self._parser: Any = None
        self._subscription: Any = None
        self._line = re.compile(b"")
        self._parts: list[bytes] = []
        self._held = 0
        self._needed = 0  # bytes without which there is nothing to do

    async def open(self, subject: str) -> None:
        self._subscription = await self._client.subscribe(subject)
        sid = str(self._subscription._id).encode()
        self._line = re.compile(_TEMPLATE % {b"sid": sid})
        self._parser, self._client._ps = self._client._ps, self

    async def close(self) -> None:
        self._client._ps = self._parser
        if not self._client.is_closed:
            await self._subscription.unsubscribe()
        if self._parts:
            await self._parser.parse(b"".join(self._parts))

    def reset(self) -> None:
        """The client has another connection."""
        self._parts, self._held, self._needed = [], 0, 0
        self._parser.reset()

    async def parse(self, data: bytes) -> None:
        """What the client has read."""
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._needed:
            return
        buffer = b"".join(self._parts) if len(self._parts) > 1 else data
        position = 0
        messages: list[Raw] = []
        self._needed = 0
        match = self._line.match
        size = len(buffer)
        while position < size:
            found = match(buffer, position)
            if found is None:
                end = self._end_of_other(buffer, position)
                if not end:
                    break
                if messages:  # in the order of the wire
                    self._sink(messages)
                    messages = []
                await self._parser.parse(buffer[position:end])
                position = end
                continue
            start = found.end()
            subject, reply, head, total, bare, bare_reply, bare_total = found.groups()
            if total is None:
                end = start + int(bare_total)
                if end + 2 > size:
                    self._needed = end + 2 - position
                    break
                messages.append(Raw(bare, bare_reply, b"", buffer[start:end]))
            else:
                end = start + int(total)
                if end + 2 > size:
                    self._needed = end + 2 - position
                    break
                middle = start + int(head)
                messages.append(Raw(subject, reply, buffer[start:middle], buffer[middle:end]))
            position = end + 2
        rest = buffer[position:]
        self._parts, self._held = ([rest], len(rest)) if rest else ([], 0)
        if messages:
            self._sink(messages)

    def _end_of_other(self, buffer: bytes, position: int) -> int:
        """Where the operation ends that begins here and is not ours; 0 = not yet in the buffer."""
        end = buffer.find(b"\r\n", position) + 2
        if end < 2:
            return 0
        found = _OTHER_MESSAGE.match(buffer, position)
        if found is not None:
            end += int(found[1]) + 2
            if end > len(buffer):
                self._needed = end - position
                return 0
        return end
