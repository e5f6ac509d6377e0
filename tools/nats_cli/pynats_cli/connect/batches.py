"""Many messages at once over a connection of nats-py: receiving in batches, sending in blocks.

nats-py awaits several things for each message, which limits it to some ten thousand a second. Here
all complete messages of one read go to a function in one call, and messages to send are joined
before they are handed over. Everything else on the connection stays nats-py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nats.protocol.parser import Parser

Message = tuple[bytes, bytes, bytes, bytes]
"""Subject, reply subject, header block (empty without one) and payload."""
Sink = Callable[[list[Message]], None]

BLOCK_BYTES = 256 * 1024
"""Bytes of messages that are handed over at once."""


class BatchParser(Parser):  # type: ignore[misc]
    """nats-py's parser, which gives messages of some subscriptions to functions, in batches."""

    def __init__(self, client: Any) -> None:
        self._sinks: dict[bytes, Sink] = {}
        super().__init__(client)

    def reset(self) -> None:
        """Forgets what was read: a new connection begins."""
        super().reset()
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0

    def deliver(self, sid: int, sink: Sink) -> None:
        """Messages of this subscription go to `sink` from now on."""
        self._sinks[str(sid).encode()] = sink

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

    async def _consume(self, data: bytes) -> int:
        """Handles all that is complete; where the rest begins."""
        position, size, self._need = 0, len(data), 0
        batch: list[Message] = []
        current: Sink | None = None
        while position < size:
            end = data.find(b"\r\n", position)
            if end < 0:
                break
            # MSG subject sid [reply] size; HMSG subject sid [reply] header-size size
            fields = data[position:end].split()
            kind = fields[0] if fields else b""
            if kind == b"MSG" or kind == b"HMSG":
                stop = end + 2 + int(fields[-1])
                if stop + 2 > size:
                    self._need = stop + 2 - position
                    break
                sink = self._sinks.get(fields[2])
                if sink is not None:
                    if sink is not current:
                        if current is not None and batch:
                            current(batch)
                        batch, current = [], sink
                    if kind == b"MSG":
                        reply = fields[3] if len(fields) == 5 else b""
                        batch.append((fields[1], reply, b"", data[end + 2 : stop]))
                    else:
                        reply = fields[3] if len(fields) == 6 else b""
                        body = end + 2 + int(fields[-2])
                        batch.append((fields[1], reply, data[end + 2 : body], data[body:stop]))
                    position = stop + 2
                    continue
            else:
                stop = end
            if current is not None and batch:
                current(batch)
                batch = []
            await super().parse(data[position : stop + 2])
            position = stop + 2
        if current is not None and batch:
            current(batch)
        return position


def batched(client: Any) -> BatchParser:
    """Makes the client's parser one that can give batches."""
    parser = client._ps
    if not isinstance(parser, BatchParser):
        parser = client._ps = BatchParser(client)
    return parser


async def subscribe_in_batches(client: Any, subject: str, queue: str, sink: Sink) -> Any:
    """A subscription whose messages go to `sink`; nats-py's subscription object."""

    async def unused(_: Any) -> None:
        """nats-py wants a callback; messages do not come to it."""

    # Before it is asked for: the first messages can come with the answer to the request's flush.
    batched(client).deliver(client._sid + 1, sink)
    return await client.subscribe(subject, queue=queue, cb=unused)


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


async def send_block(client: Any, block: bytes) -> None:
    """Hands joined frames over, and waits while the connection takes no more."""
    await client._send_command(block)
    await client._flush_pending(force_flush=True)
