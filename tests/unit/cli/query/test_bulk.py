"""Messages of a scan are cut out of what the client reads, wherever that is split."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.query.bulk import Bulk, Raw
from pynats_cli.query.records import Record, from_delivery, from_direct

SID = 7
HEAD = b"NATS/1.0\r\nK: v\r\n\r\n"


class _Subscription:
    _id = SID

    async def unsubscribe(self) -> None:
        pass


class _Parser:
    """Of the client: remembers what it is given."""

    def __init__(self) -> None:
        self.given = b""

    async def parse(self, data: bytes) -> None:
        self.given += data


class _Client:
    is_closed = False

    def __init__(self) -> None:
        self._ps: Any = _Parser()

    async def subscribe(self, subject: str) -> _Subscription:
        return _Subscription()


def wire(raw: Raw, sid: int = SID) -> bytes:
    reply = raw.reply + b" " if raw.reply else b""
    start = b"%s %d %s" % (raw.subject, sid, reply)
    if raw.head:
        sizes = (len(raw.head), len(raw.head) + len(raw.body))
        return b"HMSG " + start + b"%d %d\r\n" % sizes + raw.head + raw.body + b"\r\n"
    return b"MSG " + start + b"%d\r\n" % len(raw.body) + raw.body + b"\r\n"


OTHERS = [
    b"PING\r\n",
    b"+OK\r\n",
    b"-ERR 'Permissions Violation'\r\n",
    b'INFO {"a":1}\r\n',
    wire(Raw(b"x", None, b"", b"MSG a 7 1\r\n"), 8),  # type: ignore[arg-type]
    wire(Raw(b"y", b"r", HEAD, b"HMSG b 7 1 1\r\n"), 77),
]
BODIES = st.sampled_from([b"", b"x", b"\r\n", b"MSG a 7 3\r\nabc\r\n", b"PING\r\n", b"z" * 300])
MESSAGES = st.builds(
    Raw,
    st.sampled_from([b"a", b"a.b.c"]),
    st.sampled_from([None, b"$JS.ACK.S.C.1.2.3.4.5"]),
    st.sampled_from([b"", HEAD]),
    BODIES,
)


@given(
    st.lists(st.one_of(MESSAGES, st.sampled_from(OTHERS)), max_size=12),
    st.lists(st.integers(1, 60), min_size=1, max_size=30),
)
def test_any_split_gives_the_same(parts: list[Raw | bytes], sizes: list[int]) -> None:
    client = _Client()
    parser = client._ps
    taken: list[Raw] = []

    async def run() -> None:
        bulk = Bulk(client, taken.extend)  # type: ignore[arg-type]
        await bulk.open("inbox")
        data = b"".join(part if isinstance(part, bytes) else wire(part) for part in parts)
        position = 0
        while position < len(data):
            size = sizes[position % len(sizes)]
            await client._ps.parse(data[position : position + size])
            position += size
        await bulk.close()

    asyncio.run(run())
    assert taken == [part for part in parts if isinstance(part, Raw)]
    assert parser.given == b"".join(part for part in parts if isinstance(part, bytes))
    assert client._ps is parser


def test_what_is_incomplete_at_the_end_is_the_clients() -> None:
    client = _Client()
    parser = client._ps

    async def run() -> None:
        bulk = Bulk(client, lambda messages: None)  # type: ignore[arg-type]
        await bulk.open("inbox")
        await client._ps.parse(b"PING\r\nPI")
        await bulk.close()

    asyncio.run(run())
    assert parser.given == b"PING\r\nPI"


def test_a_direct_get_is_read() -> None:
    head = (
        b"NATS/1.0\r\nK: v\r\nNats-Stream: S\r\nNats-Subject: a.b\r\nNats-Sequence: 12\r\n"
        b"Nats-Time-Stamp: 2026-01-02T03:04:05.6Z\r\nNats-Num-Pending: 3\r\n"
        b"Nats-Last-Sequence: 11\r\n\r\n"
    )
    record = from_direct(Raw(b"inbox", b"", head, b'{"n": 1}'))
    assert record is not None
    assert (record.sequence, record.subject, record.pending) == (12, "a.b", 3)
    assert record.time_text == "2026-01-02T03:04:05.6Z"
    assert record.time_ns == 1767323045_600_000_000
    assert record.headers == [("K", "v")]
    assert record.data == {"n": 1}


@pytest.mark.parametrize(
    "reply",
    [
        b"$JS.ACK.S.C.1.12.5.1767323045600000000.3",
        b"$JS.ACK._.Ab12.S.C.1.12.5.1767323045600000000.3",
        b"$JS.ACK.hub.Ab12.S.C.1.12.5.1767323045600000000.3.rnd",
    ],
)
def test_a_delivery_is_read(reply: bytes) -> None:
    record = from_delivery(Raw(b"a.b", reply, b"", b"text"))
    assert record is not None
    assert (record.sequence, record.subject, record.pending) == (12, "a.b", 3)
    assert record.time_text == "2026-01-02T03:04:05.6Z"
    assert record.data == "text"
    assert not record.is_json


def test_a_status_is_no_message() -> None:
    status = Raw(b"inbox", b"", b"NATS/1.0 404 No Messages\r\n\r\n", b"")
    assert from_direct(status) is None
    assert from_delivery(status) is None


def test_a_body_that_is_no_text_has_no_data() -> None:
    assert Record(1, b"a", 0, b"", b"\xff\xfe").data is None
