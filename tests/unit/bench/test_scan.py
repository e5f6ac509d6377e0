"""The delivery scanner against a naive parser, at every split."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_bench.engine.scan import STAMP_MAGIC, StreamCounter

SUBJECTS = st.sampled_from(["a", "bench", "sensor.12.temperature", "random.0001"])
PAYLOADS = st.binary(max_size=300).map(lambda raw: raw.replace(b"\r", b"x").replace(b"\n", b"x"))
CONTROL = st.sampled_from([b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b'INFO {"max_payload":1}\r\n'])


def message(subject: str, payload: bytes, reply: str = "") -> bytes:
    middle = f" {reply}" if reply else ""
    return f"MSG {subject} 1{middle} {len(payload)}\r\n".encode() + payload + b"\r\n"


MESSAGES = st.builds(
    lambda subject, payload, reply, times: message(subject, payload, reply) * times,
    SUBJECTS,
    PAYLOADS,
    st.sampled_from(["", "_INBOX.x.1"]),
    st.integers(1, 5),
)


def count_naively(stream: bytes) -> tuple[int, int, int]:
    """Messages, payload bytes and PINGs of a complete stream."""
    messages = size = pings = 0
    while stream:
        line, stream = stream.split(b"\r\n", 1)
        if line.startswith(b"MSG "):
            length = int(line.split()[-1])
            messages, size, stream = messages + 1, size + length, stream[length + 2 :]
        pings += line == b"PING"
    return messages, size, pings


@given(st.lists(st.one_of(MESSAGES, CONTROL), max_size=30), st.data(), st.booleans())
def test_nothing_behind_the_limit_is_counted(
    parts: list[bytes], data: st.DataObject, careful: bool
) -> None:
    stream = b"".join(parts)
    limit = data.draw(st.integers(1, 20))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    counter = StreamCounter(careful=careful, limit=limit)
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        counter.feed(stream[first:last])
    sizes = [size for part in parts for size in sizes_of(part)][:limit]
    assert (counter.messages, counter.payload_bytes) == (len(sizes), sum(sizes))


def sizes_of(part: bytes) -> list[int]:
    """Of the payloads of equal messages, or none of a line of control traffic."""
    if not part.startswith(b"MSG "):
        return []
    line = part.split(b"\r\n", 1)[0]
    size = int(line.split()[-1])
    return [size] * (len(part) // (len(line) + size + 4))


def test_two_short_frames_are_not_one_long_one() -> None:
    long, short = message("bench", bytes(2), "_INBOX.x.1"), message("a", bytes(2), "")
    assert len(long) == 2 * len(short)
    counter = StreamCounter()
    counter.feed(long + short * 2)
    assert (counter.messages, counter.payload_bytes) == (3, 6)


@given(st.lists(st.one_of(MESSAGES, CONTROL), max_size=30), st.data())
def test_counts_like_a_naive_parser_at_random_splits(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    counter = StreamCounter()
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        counter.feed(stream[first:last])
    assert (counter.messages, counter.payload_bytes, counter.pings) == count_naively(stream)


def test_counts_byte_by_byte() -> None:
    stream = message("a", b"") + message("b", b"12345678") * 3 + b"PONG\r\n" + message("c", b"1")
    counter = StreamCounter()
    for at in range(len(stream)):
        counter.feed(stream[at : at + 1])
    assert (counter.messages, counter.payload_bytes, counter.pongs) == (5, 25, 1)


@pytest.mark.parametrize("size", [9, 10, 99, 100, 99_999, 100_000, 1_048_576, 12_345_678])
def test_every_width_of_the_size_is_read(size: int) -> None:
    counter = StreamCounter()
    counter.feed(message("subject", b"x" * size) * 2 + message("subject", b"x"))
    assert (counter.messages, counter.payload_bytes) == (3, 2 * size + 1)


def test_an_unfinished_message_does_not_count() -> None:
    counter = StreamCounter()
    counter.feed(message("a", b"x" * 100)[:-1])
    assert counter.messages == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"-ERR 'Slow Consumer'\r\n",
        b"MSG a 1 3\r\nabcd\r\n",
        b"MSG a 1 x\r\n",
        b"MSG a 1 \r\n",
        b"MSG a 1 99999999999\r\n",
        b"MSG a 1 3\nabc\r\n",
        b"MSG a 3\r\nabc\r\n",
        b"GARBAGE\r\n",
        b"x" * 20_000,
    ],
)
def test_anything_else_is_an_error(bad: bytes) -> None:
    counter = StreamCounter()
    counter.feed(message("a", b"abc") * 3)
    with pytest.raises(ValueError):
        counter.feed(bad)


def test_an_error_line_is_quoted() -> None:
    with pytest.raises(ValueError, match="Slow Consumer"):
        StreamCounter().feed(b"-ERR 'Slow Consumer'\r\n")


def test_a_frame_that_lacks_its_end_after_a_split_is_an_error() -> None:
    counter = StreamCounter()
    counter.feed(b"MSG a 1 5\r\nab")
    with pytest.raises(ValueError, match="CRLF"):
        counter.feed(b"cdeXX")


def stamped(publisher: int, sequence: int) -> bytes:
    return message("a", struct.pack("<Q", publisher << 48 | sequence) + b"xx")


def test_verification_sees_disorder_per_publisher() -> None:
    counter = StreamCounter(publishers=2)
    for publisher, sequence in [(0, 0), (1, 0), (0, 1), (0, 3), (1, 5), (0, 2)]:
        counter.feed(stamped(publisher, sequence))
    assert (counter.messages, counter.disorder) == (6, 1)


def test_the_digest_names_the_set_not_the_order() -> None:
    def digest(*sequences: int) -> int:
        counter = StreamCounter(publishers=1)
        counter.feed(b"".join(stamped(0, sequence) for sequence in sequences))
        return counter.digest

    assert digest(1, 2, 3) == digest(3, 1, 2)
    assert digest(1, 2, 3) != digest(1, 2, 2)
    assert digest(1, 4) != digest(2, 3)


def counted(counter: StreamCounter, pieces: list[bytes]) -> tuple[int, ...] | None:
    """All figures after `pieces`; None if the scanner refuses them."""
    try:
        for piece in pieces:
            counter.feed(piece)
    except ValueError:
        return None
    figures = (counter.messages, counter.payload_bytes, counter.pings, counter.pongs)
    return (*figures, counter.disorder, counter.digest)


ANYTHING = st.lists(
    st.one_of(MESSAGES, CONTROL, st.binary(max_size=20), st.sampled_from([b"HMSG a 1 2 4\r\n"])),
    max_size=6,
).map(b"".join)


@given(ANYTHING, st.lists(st.integers(0, 400), max_size=6))
def test_any_bytes_are_counted_alike_however_they_arrive(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    for verb, publishers in ((b"MSG ", 0), (b"HMSG", 1)):
        whole = counted(StreamCounter(verb, publishers), [data])
        assert counted(StreamCounter(verb, publishers), pieces) == whole


ANY_PAYLOADS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"MSG a 1 5\r\n", b" 5\r\n", b"\r\n", b"HMSG a 1 12 17\r\n"]),
    st.integers(1, 2**62).map(lambda ns: STAMP_MAGIC + ns.to_bytes(8, "little")),
    st.binary(max_size=9).map(lambda rest: STAMP_MAGIC + rest),
)
BLOCKS = st.sampled_from([b"", b"NATS/1.0\r\n\r\n", b"NATS/1.0\r\nA: " + b"v" * 90 + b"\r\n\r\n"])
ANYONES = st.tuples(
    st.sampled_from(["a", "bench.1", "bench.10"]), BLOCKS, ANY_PAYLOADS, st.integers(1, 4)
)


def anyones(subject: str, block: bytes, payload: bytes) -> bytes:
    size = len(block) + len(payload)
    sizes = f"{len(block)} {size}" if block else f"{size}"
    verb = "HMSG" if block else "MSG"
    return f"{verb} {subject} 1 {sizes}\r\n".encode() + block + payload + b"\r\n"


def time_in(payload: bytes) -> int:
    stamped = payload.startswith(STAMP_MAGIC) and len(payload) >= 16
    return int.from_bytes(payload[8:16], "little") if stamped else 0


@given(st.lists(ANYONES, min_size=1, max_size=12), st.data())
def test_counts_what_anybody_publishes(
    parts: list[tuple[str, bytes, bytes, int]], data: st.DataObject
) -> None:
    stream = b"".join(anyones(*part[:3]) * part[3] for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    counter = StreamCounter(careful=True)
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        counter.feed(stream[first:last])
    assert counter.messages == sum(times for *_, times in parts)
    assert counter.header_bytes == sum(len(block) * times for _, block, _, times in parts)
    assert counter.payload_bytes - counter.header_bytes == sum(
        len(payload) * times for *_, payload, times in parts
    )
    assert counter.stamp == time_in(parts[-1][2])
