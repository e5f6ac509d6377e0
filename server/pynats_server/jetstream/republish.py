"""Republish: what a stream keeps is published again under another subject.

Republished messages leave in the next turn of the loop, never while a message is being routed:
streams that republish into each other would otherwise call each other without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pynats_common.subjects import is_valid_publish_subject

from pynats_server.subject_transform import SubjectTransform

from . import headers as header_blocks
from .times import format_time

if TYPE_CHECKING:
    from .model import Republish
    from .stream import Stream

ALL: Final = ">"


class Republisher:
    """Republishes the messages of one stream by one setting."""

    def __init__(self, stream: Stream, setting: Republish) -> None:
        self._stream = stream
        self._name = stream.name.encode()
        self._headers_only = setting.headers_only
        self._transform = SubjectTransform.compile(setting.src or ALL, setting.dest)
        self._waiting: list[tuple[bytes, bytes, bytes]] = []

    def subject(self, subject: bytes) -> bytes | None:
        """Where messages of a subject go; None when nowhere."""
        made = self._transform.apply(subject)
        if not made or not is_valid_publish_subject(made.decode(errors="replace")):
            return None
        return made

    def add(
        self,
        target: bytes,
        seq: int,
        ts: int,
        last_seq: int,
        message: tuple[bytes, bytes, bytes],
    ) -> None:
        """Takes a stored message (subject, headers, payload). `last_seq` is that of the message
        before it on the same subject, 0 without one."""
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
        if not self._waiting:
            self._stream.account.manager.loop.call_soon(self._flush)
        self._waiting.append((target, block, payload))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._stream.account.manager.engine.within_turn(lambda: self._publish(waiting))

    def _publish(self, waiting: list[tuple[bytes, bytes, bytes]]) -> None:
        ingest, engine = self._stream.ingest, self._stream.account.manager.engine
        for target, block, payload in waiting:
            try:
                ingest.account.publish(engine, target, payload, headers=block)
            except Exception as error:  # of one receiver; the others get theirs
                self._stream.on_internal_error(error)
