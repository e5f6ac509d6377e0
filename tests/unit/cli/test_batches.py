"""Messages of some subscriptions are cut out of what the client reads, wherever that is split."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError
from nats.protocol.parser import Parser
from pynats_cli.connect.natspy.batches import BatchParser, Message, frame

OURS, SECOND, THEIRS = 7, 8, 77
HEAD = b"NATS/1.0\r\nK: v\r\n\r\n"


class _Client:
    """Remembers what nats-py's parser tells it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def _process_msg(self, sid: int, subject: Any, reply: Any, data: Any, head: Any) -> None:
        self.told.append((sid, bytes(subject), bytes(reply), bytes(data), bytes(head or b"")))

    async def _process_ping(self) -> None:
        self.told.append("PING")

    async def _process_pong(self) -> None:
        self.told.append("PONG")

    async def _process_err(self, text: str) -> None:
        self.told.append(("ERR", text))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.told.append(info)


def wire(message: Message, sid: int) -> bytes:
    reply = message.reply + b" " if message.reply else b""
    start = b"%s %d %s" % (message.subject, sid, reply)
    if message.head:
        sizes = (len(message.head), len(message.head) + len(message.body))
        return b"HMSG " + start + b"%d %d\r\n" % sizes + message.head + message.body + b"\r\n"
    return b"MSG " + start + b"%d\r\n" % len(message.body) + message.body + b"\r\n"


OTHERS = [
    b"PING\r\n", b"PONG\r\n", b"+OK\r\n",
    b"-ERR 'Permissions Violation for Publish to \"A.b\"'\r\n", b'INFO {"a":1}\r\n',
]  # fmt: skip
BODIES = st.sampled_from([b"", b"x", b"\r\n", b"MSG a 7 3\r\nabc\r\n", b"PING\r\n", b"z" * 300])
MESSAGES = st.builds(
    Message,
    st.sampled_from([b"a", b"a.b.c"]),
    st.sampled_from([b"", b"$JS.ACK.S.C.1.2.3.4.5"]),
    st.sampled_from([b"", HEAD]),
    BODIES,
)
PARTS = st.lists(
    st.one_of(
        st.tuples(MESSAGES, st.sampled_from([OURS, SECOND, THEIRS])), st.sampled_from(OTHERS)
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"MSG a 7  2\r\nxy\r\n", Message(b"a", b"", b"", b"xy")),
        (b"MSG  a\t7 r  2 \r\nxy\r\n", Message(b"a", b"r", b"", b"xy")),
        (b"HMSG a 7  18 20\r\n" + HEAD[:-2] + b"\r\nxy\r\n", Message(b"a", b"", HEAD, b"xy")),
    ],
)
def test_fields_may_be_parted_by_several_blanks(data: bytes, message: Message) -> None:
    taken: list[Message] = []
    parser = BatchParser(_Client())
    parser.deliver(OURS, taken.extend)
    asyncio.run(parser.parse(data))
    assert taken == [message]


@given(PARTS, st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_any_split_gives_the_same(
    parts: list[tuple[Message, int] | bytes], sizes: list[int]
) -> None:
    client, plain = _Client(), _Client()
    taken: dict[int, list[Message]] = {OURS: [], SECOND: []}
    data = b"".join(part if isinstance(part, bytes) else wire(*part) for part in parts)
    rest = b"".join(
        part if isinstance(part, bytes) else wire(*part)
        for part in parts
        if isinstance(part, bytes) or part[1] == THEIRS
    )

    async def run() -> None:
        parser = BatchParser(client)
        for sid, messages in taken.items():
            parser.deliver(sid, messages.extend)
        position = 0
        while position < len(data):
            size = sizes[position % len(sizes)]
            await parser.parse(data[position : position + size])
            position += size
        await Parser(plain).parse(rest)

    asyncio.run(run())
    for sid, messages in taken.items():
        assert messages == [p[0] for p in parts if not isinstance(p, bytes) and p[1] == sid]
    assert client.told == plain.told


def test_messages_keep_their_order_among_everything_else() -> None:
    client = _Client()
    seen: list[Any] = client.told

    async def run() -> None:
        parser = BatchParser(client)
        parser.deliver(OURS, lambda batch: seen.append([m.body for m in batch]))
        one = wire(Message(b"a", b"", b"", b"1"), OURS)
        await parser.parse(one + one + b"PING\r\n" + one + wire(Message(b"b", b"", b"", b"2"), 3))

    asyncio.run(run())
    assert seen == [[b"1", b"1"], "PING", [b"1"], (3, b"b", b"", b"2", b"")]


def test_a_new_connection_starts_anew_and_errors_keep_their_words() -> None:
    client = _Client()

    async def run() -> BatchParser:
        parser = BatchParser(client)
        await parser.parse(b"MSG a 1 100\r\nhalf")
        parser.reset()
        await parser.parse(b"-ERR 'Permissions Violation for Publish to \"A.B\"'\r\n")
        return parser

    parser = asyncio.run(run())
    assert parser.words == 'Permissions Violation for Publish to "A.B"'
    assert [told[0] for told in client.told] == ["ERR"]


@pytest.mark.parametrize(
    ("reply", "headers", "wanted"),
    [
        (b"", [], b"PUB s 2\r\nhi\r\n"),
        (b"r", [], b"PUB s r 2\r\nhi\r\n"),
        (b"", [("A", "b"), ("A", " c")], b"HPUB s 24 26\r\nNATS/1.0\r\nA: b\r\nA: c\r\n\r\nhi\r\n"),
    ],
)
def test_frames(reply: bytes, headers: list[tuple[str, str]], wanted: bytes) -> None:
    assert frame(b"s", reply, headers, b"hi") == wanted


@pytest.mark.parametrize(
    "data",
    [
        b"MSG a 7 999999999\r\n", b"MSG a 7 " + b"9" * 6000 + b"\r\n", b"MSG a 7 -5\r\nabc\r\n",
        b"HMSG a 7 10 5\r\nabcde\r\n", b"MSG \r\n", b"x" * (4 * 1024 * 1024 + 1),
        b"INFO {nothing}\r\n", b"INFO " + b"[" * 100_000 + b"\r\n",
    ],
    ids=lambda data: data[:12],
)  # fmt: skip
def test_what_no_server_says_ends_the_connection(data: bytes) -> None:
    """And takes no memory: neither is the end of a line waited for, nor of such a message."""
    parser = BatchParser(_Client())
    with pytest.raises(ProtocolError):
        asyncio.run(parser.parse(data))


def test_the_longest_message_of_any_server_is_taken() -> None:
    parser = BatchParser(_Client())
    taken: list[Message] = []
    parser.deliver(OURS, taken.extend)
    body = b"x" * 64 * 1024 * 1024
    asyncio.run(parser.parse(b"MSG a 7 %d\r\n%b\r\n" % (len(body), body)))
    assert [len(message.body) for message in taken] == [len(body)]
