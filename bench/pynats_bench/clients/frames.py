"""Ready-made PUB and HPUB frames, and where in them the parts are that a loop fills in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pynats_bench.engine.scan import STAMP_MAGIC

TIME_BYTES = 8
STAMP_BYTES = len(STAMP_MAGIC) + TIME_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """One publish: `data`, of which `head` is all in front of the payload."""

    data: bytes
    subject_at: int
    reply_end: int  # behind the reply subject; behind the subject if there is none
    payload_at: int

    @property
    def head(self) -> bytes:
        return self.data[: self.payload_at]


def header_block(headers: Sequence[tuple[str, str]]) -> bytes:
    """`NATS/1.0 …` with the headers in their order; empty without any."""
    if not headers:
        return b""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return b"NATS/1.0\r\n" + lines.encode() + b"\r\n"


def publish_frame(
    subject: str, payload: bytes, reply: str = "", headers: Sequence[tuple[str, str]] = ()
) -> Frame:
    block = header_block(headers)
    names = f"{subject} {reply}" if reply else subject
    verb, sizes = ("HPUB", f"{len(block)} ") if block else ("PUB", "")
    line = f"{verb} {names} {sizes}{len(block) + len(payload)}\r\n".encode()
    return Frame(
        line + block + payload + b"\r\n",
        len(verb) + 1,
        len(verb) + 1 + len(names.encode()),
        len(line) + len(block),
    )


def content(size: int, payload: bytes | None = None) -> tuple[bytes, int]:
    """The payload, and where in it the time of its publish belongs (-1: nowhere).

    Given, it is what it is. Generated, it has `size` bytes and begins with a stamp if it has room
    for one, which `Subscribe` finds."""
    if payload is not None:
        return payload, -1
    if size < STAMP_BYTES:
        return bytes(size), -1
    return STAMP_MAGIC + bytes(size - len(STAMP_MAGIC)), len(STAMP_MAGIC)
