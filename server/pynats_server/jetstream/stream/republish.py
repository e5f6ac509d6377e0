"""Republish: what a stream keeps is published again under another subject.

A message leaves again once it is durable: whoever acts on it must find it in the stream, also after
a power cut. It leaves in the next turn of the loop, never while a message is being routed: streams
that republish into each other would otherwise call each other without end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from pynats_common.go.quoting import quote
from pynats_common.go.text import text_of
from pynats_common.go.times import format_time_ns
from pynats_common.subjects import is_valid_publish_subject

from pynats_server.core.protocol import headers as header_blocks
from pynats_server.jetstream.config.model import Republish
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.subjects.transform import SubjectTransform, TransformError

ALL: Final = ">"
AT_ONCE: Final = 500
"""Messages that are published in one pass of the loop, about 2 ms; more than come in with one."""
STEPS: Final = 32768
"""Steps of the data plane (`core/limits`) after which those to many receivers wait, too."""


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

    def __init__(self, account: AccountContext, on_error: Callable[[Exception], None]) -> None:
        self._account = account
        self._on_error = on_error
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
        """Whether the disk is so far behind that no more messages can be taken. Messages without a
        reply count here too, although nobody waits for their acknowledgement."""
        options = self._account.server.options
        return (
            len(self._waiting) >= options.max_buffered_msgs
            or self._size >= options.max_buffered_size
        )

    def undone(self, last_seq: int) -> None:
        """Forgets messages above `last_seq`, which the store took back."""
        while self._waiting and self._waiting[-1].seq > last_seq:
            self._size -= _size(self._waiting.pop())

    def committed(self, last_seq: int) -> None:
        """Everything up to `last_seq` is durable."""
        self._durable_seq = last_seq
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and self._waiting and self._waiting[0].seq <= self._durable_seq:
            self._scheduled = True
            self._account.server.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        self._account.server.engine.within_turn(self._publish)
        self._schedule()

    def _publish(self) -> None:
        engine, left = self._account.server.engine, AT_ONCE
        until = engine.steps + STEPS
        while self._waiting and self._waiting[0].seq <= self._durable_seq:
            if not left or engine.steps >= until:
                return  # the others' sockets come first
            left -= 1
            message = self._waiting.popleft()
            self._size -= _size(message)
            try:
                self._account.publish(message.target, message.payload, headers=message.headers)
            except Exception as error:  # of one receiver; the others still get the message
                self._on_error(error)


class Republisher:
    """What becomes of the messages of one stream by one setting.

    Raises TransformError for a setting that can never publish anything: without a destination,
    or with subjects that no message can have. Streams of the real server may have one.
    """

    def __init__(self, name: str, setting: Republish) -> None:
        if not setting.dest:
            raise TransformError("no destination")
        self._name = name.encode()
        self._headers_only = setting.headers_only
        self._transform = SubjectTransform.compile(setting.src or ALL, setting.dest)

    def subject(self, subject: bytes) -> bytes | None:
        """The subject to publish messages of a subject to; None = they are not republished."""
        made = self._transform.apply(subject)
        if not made or not is_valid_publish_subject(text_of(made)):
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
            (b"Nats-Time-Stamp", format_time_ns(ts).encode()),
            (b"Nats-Last-Sequence", b"%d" % last_seq),
        ]
        if self._headers_only:
            described.append((b"Nats-Msg-Size", b"%d" % len(payload)))
            payload = b""
        for name, value in described:
            block = header_blocks.add(block, name, value)
        return Republished(seq, target, block, payload)


class Republishing:
    """The setting of one stream, and the messages waiting to be published again."""

    def __init__(self, stream: StreamHost) -> None:
        self._stream = stream
        self._setting: Republisher | None = None
        self.queue = RepublishQueue(stream.account, stream.on_internal_error)

    def configured(self) -> None:
        """Follows a changed configuration. One by which nothing can be published gets a warning:
        the stream itself is served."""
        setting = self._stream.config.republish
        self._setting = None
        if setting is None:
            return
        try:
            self._setting = Republisher(self._stream.name, setting)
        except TransformError as error:
            self._stream.log.warn(
                f"JetStream {self._stream.label} republishes nothing from {quote(setting.src)} to "
                f"{quote(setting.dest)}: {error}"
            )

    @property
    def is_on(self) -> bool:
        """Whether the stream has the setting."""
        return self._setting is not None

    def target(self, subject: bytes) -> bytes | None:
        """The subject to publish messages of a subject to; None = they are not republished."""
        return self._setting.subject(subject) if self._setting is not None else None

    def stored(
        self,
        target: bytes,
        seq: int,
        ts: int,
        last_seq: int,
        message: tuple[bytes, bytes, bytes],
    ) -> None:
        """Notes a message that has been stored, see `Republisher.describe`."""
        if self._setting is not None:
            self.queue.add(self._setting.describe(target, seq, ts, last_seq, message))
