"""The names by which a stream knows its sources again, and the `Nats-Stream-Source` header.

Both are nats-server's: they stand in stored messages and in sources.db, and folders and backups
change servers.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from pynats_common.go.times import format_time_ns

from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.store.format.sources_db import Place

ALL: Final = ">"
BETWEEN: Final = "\f"  # filters, and destinations
_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HASH_SIZE: Final = 8


def short_hash(text: str) -> bytes:
    """8 letters and digits that stand for a text."""
    digest = hashlib.sha256(text.encode()).digest()[:_HASH_SIZE]
    return bytes(_DIGITS[byte % len(_DIGITS)] for byte in digest)


def identity(created_ns: int) -> bytes:
    """What distinguishes a stream from a later one of the same name."""
    return short_hash(format_time_ns(created_ns))


class SourceName(NamedTuple):
    """The parts of a source's name: the origin, what is taken of it, and what that becomes."""

    origin: bytes
    filters: bytes
    destinations: bytes

    @property
    def whole(self) -> bytes:
        """As in sources.db."""
        return b" ".join(self)


def name_of(source: StreamSource) -> SourceName:
    """The name of a source of this configuration."""
    origin = source.name.encode()
    if source.external is not None:
        origin += b":" + short_hash(source.external.api)
    if source.consumer is not None:
        origin += b":C=" + short_hash(source.consumer.name)
    transforms = source.subject_transforms
    if not transforms:
        return SourceName(origin, (source.filter_subject or ALL).encode(), ALL.encode())
    return SourceName(
        origin,
        BETWEEN.join(t.src or ALL for t in transforms).encode(),
        BETWEEN.join(t.dest or ALL for t in transforms).encode(),
    )


def _reader_of(stream: str, account: str, domain: str) -> str:
    """What stands for a stream in the names of its consumers at origins."""
    of = (stream, account, domain) if domain else (stream, account)
    return short_hash(" ".join(of)).decode()


def mirror_consumer(stream: str, account: str, domain: str) -> str:
    """The name of the consumer through which a mirror reads its origin."""
    return f"JS_MIRROR_{_reader_of(stream, account, domain)}"


def source_consumer(
    stream: str, account: str, domain: str, source: StreamSource, is_alone: bool
) -> str:
    """The name of the consumer through which a source reads its origin. What is taken of the origin
    is part of it only where the stream has more sources there."""
    of = _reader_of(stream, account, domain)
    if not is_alone:
        of += f" {name_of(source).whole.decode()}"
    return f"JS_SRC_{short_hash(of).decode()}"


def header_value(name: SourceName, seq: int, subject: bytes, origin: bytes) -> bytes:
    """The header of a copy of message `seq`, whose subject was this, of a stream with the identity
    `origin`."""
    return b" ".join((name.origin, b"%d" % seq, name.filters, name.destinations, subject, origin))


class Told(NamedTuple):
    """What a header tells: whose copy it is on, and of which message. Before nats-server 2.10 the
    name was only that of the origin, and `name` is empty."""

    origin: bytes
    name: bytes
    place: Place


def read_header(value: bytes) -> Told | None:
    """What a `Nats-Stream-Source` header tells; None when that is nothing."""
    words = value.split(b" ")
    if len(words) < 2 or len(words) == 3 or not words[1].isdigit():
        return None
    name = b" ".join((words[0], *words[2:4])) if len(words) >= 4 else b""
    return Told(words[0], name, Place(int(words[1]), words[5] if len(words) > 5 else b""))
