"""Republish: what a stream keeps is published again under another subject.

A message leaves again once it is durable: whoever acts on it must find it in the stream, also after
a power cut. It leaves in the next turn of the loop, never while a message is being routed: streams
that republish into each other would otherwise call each other without end.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from pynats_common.subjects import is_valid_publish_subject

from pynats_server.jetstream.publish import headers as header_blocks
from pynats_server.jetstream.times import format_time
from pynats_server.subjects.transform import SubjectTransform, TransformError

if TYPE_CHECKING:
    from pynats_server.jetstream.config.model import Republish
    from pynats_server.jetstream.stream.stream import Stream

ALL: Final = ">"


class Republished(NamedTuple):
    """A message to publish again; `seq` is that of the stored one."""

    seq: int
    target: bytes
    headers: bytes
    payload: bytes


def _size(message: Republished) -> int:
    return len(message.headers) + len(message.payload)


class RepublishQueue:
    """What one stream has yet to publish again, by sequence."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: deque[Republished] = deque()
        self._size = 0  # bytes of those
        self._durable_seq = 0
        self._scheduled = False

    def add(self, message: Republished) -> None:
        """Takes a message that was stored after all those before."""
        self._waiting.append(message)
        self._size += _size(message)

    @property
    def is_full(self) -> bool:
        """Whether the disk is so far behind that no other message can be taken: those without a
        reply, of which nobody waits for an acknowledgement, wait here all the same."""
        options = self._stream.account.manager.options
        return (
            len(self._waiting) >= options.max_buffered_msgs
            or self._size >= options.max_buffered_size
        )

    def undone(self, last_seq: int) -> None:
        """Forgets what is not kept after all: everything above `last_seq`."""
        while self._waiting and self._waiting[-1].seq > last_seq:
            self._size -= _size(self._waiting.pop())

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self._durable_seq = last_seq
        if not self._scheduled and self._waiting and self._waiting[0].seq <= last_seq:
            self._scheduled = True
            self._stream.account.manager.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        self._stream.account.manager.engine.within_turn(self._publish)

    def _publish(self) -> None:
        ingest, engine = self._stream.ingest, self._stream.account.manager.engine
        while self._waiting and self._waiting[0].seq <= self._durable_seq:
            message = self._waiting.popleft()
            self._size -= _size(message)
            try:
                ingest.account.publish(
                    engine, message.target, message.payload, headers=message.headers
                )
            except Exception as error:  # of one receiver; the others get theirs
                self._stream.on_internal_error(error)


class Republisher:
    """What becomes of the messages of one stream by one setting.

    Raises TransformError for one by which nothing is ever published: without a destination, or
    with subjects that no message can have. Streams of the real server may have such.
    """

    def __init__(self, name: str, setting: Republish) -> None:
        if not setting.dest:
            raise TransformError("no destination")
        self._name = name.encode()
        self._headers_only = setting.headers_only
        self._transform = SubjectTransform.compile(setting.src or ALL, setting.dest)

    def subject(self, subject: bytes) -> bytes | None:
        """Where messages of a subject go; None when nowhere."""
        made = self._transform.apply(subject)
        if not made or not is_valid_publish_subject(made.decode(errors="replace")):
            return None
        return made

    def describe(
        self,
        target: bytes,
        seq: int,
        ts: int,
        last_seq: int,
        message: tuple[bytes, bytes, bytes],
    ) -> Republished:
        """The message to publish for a stored one (subject, headers, payload). `last_seq` is that
        of the message before it on the same subject, 0 without one."""
        subject, block, payload = message
        described = [
            (b"Nats-Stream", self._name),
            (b"Nats-Subject", subject),
            (b"Nats-Sequence", b"%d" % seq),
            (b"Nats-Time-Stamp", format_time(ts).encode()),
            (b"Nats-Last-Sequence", b"%d" % last_seq),
        ]
        if self._headers_only:
            described.append((b"Nats-Msg-Size", b"%d" % len(payload)))
            payload = b""
        for name, value in described:
            block = header_blocks.add(block, name, value)
        return Republished(seq, target, block, payload)
