"""`core.protocol.wire` alone, without a connection, against a naive reader of the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.protocol.wire import next_frame, next_publish, words

from tests.support.wire_oracle import BARE, Seen, read_frame

LINE, PAYLOAD = 64, 40  # small limits, so that examples reach them

# (bytes, the frames in them: verb, arguments, message)
VECTORS = [
    (b"PING\r\n", [("PING", b"", None)]),
    (b"ping\nPONGxyz \r\n+OK\r\n", [("PING", b"", None), ("PONG", b"", None), ("+OK", b"", None)]),
    (b"CONNECT {}\r\nCONNECT{}\r\n", [("CONNECT", b"{}", None)] * 2),
    (b"INFO {}\r\n-ERR 'x'\r\n", [("INFO", b"{}", None), ("-ERR", b"'x'", None)]),
    (b"SUB a 1\r\nsub\ta  q\t1\n", [("SUB", b"a 1", None), ("SUB", b"a  q\t1", None)]),
    (b"UNSUB 1 5\r\nUNSUB \r\n", [("UNSUB", b"1 5", None), ("UNSUB", b"", None)]),
    (b"PUB a 0\r\n\r\n", [("PUB", b"a 0", (b"a", b"", b"", b""))]),
    (b"PUB a.b r.x 5\r\nhello\r\n", [("PUB", b"a.b r.x 5", (b"a.b", b"r.x", b"", b"hello"))]),
    (b"pub \ta  3 \n\r\n\n\r\n", [("PUB", b"a  3 ", (b"a", b"", b"", b"\r\n\n"))]),
    (b"PUB a 6\r\nPING\r\n\r\n", [("PUB", b"a 6", (b"a", b"", b"", b"PING\r\n"))]),
    (b"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
     [("HPUB", b"a 12 14", (b"a", b"", b"NATS/1.0\r\n\r\n", b"hi"))]),
    (b"HPUB a r 12 12\r\nNATS/1.0\r\n\r\n\r\nPING\r\n",
     [("HPUB", b"a r 12 12", (b"a", b"r", b"NATS/1.0\r\n\r\n", b"")), ("PING", b"", None)]),
]  # fmt: skip

# (invalid bytes, reason)
REFUSED = [
    (b"X", "unknown"),
    (b"PUX", "unknown"),
    (b"PUBa 1\r\n", "unknown"),
    (b"\r\n", "unknown"),
    (b"PUB a 2\r\nabc", "unknown"),
    (b"PUB a 2\r\nab\rx", "unknown"),
    (b"PUB \r\n", "bad arguments"),
    (b"PUB 3\r\n", "bad arguments"),
    (b"PUB a b c 3\r\n", "bad arguments"),
    (b"HPUB a 1\r\n", "bad arguments"),
    (b"PUB a x\r\n", "bad size"),
    (b"PUB a -1\r\n", "bad size"),
    (b"PUB a 1234567890\r\n", "bad size"),
    (b"HPUB a 5 4\r\n", "bad size"),
    (b"PUB a 41\r\n", "too large"),
    (b"SUB " + b"a" * 65, "line too long"),
    (b"SUB " + b" " * 1100, "line too long"),
]


def seen(data: bytes) -> Seen:
    return Seen(*next_frame(data, LINE, PAYLOAD))


def read_all(pieces: Iterable[bytes]) -> tuple[list[Seen], bytes]:
    """Reads like a connection: returns the frames and the rest; stops at invalid input."""
    frames: list[Seen] = []
    rest, skipping = b"", ""
    for piece in pieces:
        rest += piece
        while rest:
            if skipping:
                _, newline, after = rest.partition(b"\n")
                if not newline:
                    rest = b""
                    break
                frames.append(Seen("frame", skipping))
                rest, skipping = after, ""
                continue
            found = seen(rest)
            if found.outcome == "more":
                assert found.length == 0 or found.length > len(rest)
                break
            if found.outcome == "skip":
                skipping, rest = found.verb, b""
                break
            frames.append(found)
            if found.outcome != "frame":
                return frames, rest
            assert 0 < found.length <= len(rest)
            rest = rest[found.length :]
    return frames, rest


def essence(frames: list[Seen]) -> list[tuple[str, str, bytes, object]]:
    """Frames without lengths, which a line in two parts does not have."""
    return [(frame.outcome, frame.verb, frame.args, frame.message) for frame in frames]


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_frames(data: bytes, expected: list[tuple[str, bytes, object]]) -> None:
    wanted = [("frame", *frame) for frame in expected]
    whole, rest = read_all([data])
    assert (essence(whole), rest) == (wanted, b"")
    single, rest = read_all(data[at : at + 1] for at in range(len(data)))
    assert (essence(single), rest) == (wanted, b"")
    trailing, rest = read_all([data + b"PUB next 7\r\nhal"])
    assert (essence(trailing), rest) == (wanted, b"PUB next 7\r\nhal")
    source = random.Random(data)
    for _ in range(20):
        cuts = sorted(source.sample(range(len(data) + 1), 2))
        split = [data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]]
        frames, rest = read_all(split)
        assert (essence(frames), rest) == (wanted, b"")


@pytest.mark.parametrize(("data", "why"), REFUSED)
def test_what_is_no_frame(data: bytes, why: str) -> None:
    assert seen(data).outcome == why
    frames, _ = read_all([b"PING\r\n", *(data[at : at + 1] for at in range(len(data)))])
    assert frames[-1].outcome == why


def test_an_unfinished_publish_tells_its_size() -> None:
    assert seen(b"PUB a 12\r\n12345").length == len(b"PUB a 12\r\n") + 12 + 2


def test_limits_count_the_arguments_alone() -> None:
    assert seen(b"SUB    " + b"a" * LINE + b"\r").outcome == "more"
    assert seen(b"SUB    " + b"a" * LINE + b"\r\n").outcome == "frame"
    assert next_frame(b"PUB a 999999999\r\n", LINE, -1)[0] == "more"


token = st.sampled_from([b"a", b"a.b", b"r", b"q" * 30, b"*", b">", b"1", b"0", b"3", b"12", b"41"])
blank = st.sampled_from([b" ", b" ", b" ", b"  ", b"\t"])
line_end = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
verb = st.sampled_from(
    [b"PUB", b"HPUB", b"PUB", b"HPUB", b"pub", b"SUB", b"UNSUB", b"PING", b"PONG", b"CONNECT",
     b"INFO", b"+OK", b"-ERR", b"PX", b"P", b""]
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    parts = [draw(verb)]
    for _ in range(draw(st.integers(0, 5))):
        parts += [draw(blank), draw(token)]
    parts.append(draw(line_end))
    return b"".join(parts)


@st.composite
def publishes(draw: st.DrawFn) -> bytes:
    """Mostly valid lines."""
    body = draw(st.binary(max_size=44))
    args = [draw(token)] + ([draw(token)] if draw(st.booleans()) else [])
    headers = draw(st.booleans())
    if headers:
        args.append(b"%d" % draw(st.integers(0, len(body) + 1)))
    args.append(b"%d" % len(body))
    blanks = b" " if draw(st.integers(0, 4)) else draw(blank)
    end = b"\r\n" if draw(st.integers(0, 9)) else draw(line_end)
    return (b"HPUB" if headers else b"PUB") + blanks + blanks.join(args) + b"\r\n" + body + end


frames = st.one_of(lines(), publishes(), publishes())
stream = st.lists(frames, min_size=1, max_size=6).map(b"".join)


@given(stream)
def test_as_the_oracle(data: bytes) -> None:
    rest = data
    while rest:
        expected = read_frame(rest, LINE, PAYLOAD)
        found = seen(rest)
        if expected.outcome != "frame":
            assert (found.outcome, found.length) == (expected.outcome, expected.length)
            break
        assert found == expected
        rest = rest[found.length :]


@given(stream, st.lists(st.integers(0, 400), max_size=8))
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]
    whole, rest = read_all([data])
    split, split_rest = read_all(pieces)
    # A line may be refused before its end arrives, so only the frames are equal.
    if whole and whole[-1].outcome != "frame":
        assert essence(split[: len(whole) - 1]) == essence(whole[:-1])
        assert len(split) == len(whole)
        assert split[-1].outcome != "frame"
    else:
        assert (essence(split), split_rest) == (essence(whole), rest)


@given(stream, st.booleans())
def test_the_short_way_sees_what_the_long_way_sees(data: bytes, headers: bool) -> None:
    short = next_publish(data, LINE, PAYLOAD, headers)
    whole = seen(data)
    plain = data.startswith((b"PUB ", b"HPUB ")) and (headers or data.startswith(b"PUB "))
    if short is None:
        return
    line_len, length, message = short
    assert plain
    assert (length, message) == (whole.length, whole.message)
    assert data[:line_len] == data[: data.index(b"\n") + 1]


@pytest.mark.parametrize(
    "data", [vector for vector, _ in VECTORS if vector.startswith((b"PUB ", b"HPUB "))]
)
def test_the_short_way_takes_what_clients_write(data: bytes) -> None:
    # It does not search the last 7 bytes for the end of the line.
    assert next_publish(data + b"PUB b 1\r\n", LINE, PAYLOAD) is not None
    assert next_publish(data[: seen(data).length - 1], LINE, PAYLOAD) is None
    if data.startswith(b"HPUB "):
        assert next_publish(data + b"PUB b 1\r\n", LINE, PAYLOAD, headers=False) is None


@given(st.lists(st.one_of(token, blank)).map(b"".join), st.integers(0, 4))
def test_words(line: bytes, most: int) -> None:
    expected = line.replace(b"\t", b" ").split(b" ")
    expected = [word for word in expected if word]
    assert words(line, most) == (expected if len(expected) <= most else None)


def test_bare_verbs_end_with_their_line() -> None:
    for name in BARE:
        assert seen(name.encode() + b" and so on").outcome == "skip"
        assert seen(name.encode() + b" and so on\nX") == Seen("frame", name, b"", len(name) + 11)
