"""The acknowledged publisher against scripted peers: its output, and the errors it detects."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.answers import parse_ack
from pynats_bench.engine.frames import Frames
from pynats_bench.model import LoadError
from pynats_bench.streams import publishing
from pynats_bench.streams.publishing import JetStreamLoad

from tests.support.deadline import PATIENCE_S

PREFIX = "_INBOX.abc."
FRAME = re.compile(
    rb"H?PUB (?P<subject>\S+)(?: (?P<reply>_INBOX\.abc\.\d{10}))?(?: \d+)? (?P<size>\d+)\r\n"
)
Answer = Callable[[int, bytes], bytes]
Frame = tuple[bytes, bytes | None, bytes]


def ack(number: int, sequence: int, more: str = "") -> bytes:
    body = f'{{"stream":"BENCH","seq":{sequence}{more}}}'.encode()
    return b"MSG _INBOX.abc.%010d 1 %d\r\n%s\r\n" % (number, len(body), body)


class Peer:
    """Reads frames and answers those that ask, `piece` bytes at a time."""

    def __init__(self, link: socket.socket, answer: Answer, piece: int) -> None:
        self.frames: list[Frame] = []
        self._link = link
        self._answer = answer
        self._piece = piece
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        data = b""
        try:
            while chunk := self._link.recv(65_536):
                data += chunk
                while (match := FRAME.match(data)) and len(data) >= (
                    end := match.end() + int(match["size"]) + 2
                ):
                    self.frames.append(
                        (match["subject"], match["reply"], data[match.end() : end - 2])
                    )
                    data = data[end:]
                    if match["reply"]:
                        self._send(self._answer(int(match["reply"][-10:]), match["reply"]))
        except OSError:
            return  # the loop gave up, as some scripts want it to

    def _send(self, data: bytes) -> None:
        for at in range(0, len(data), self._piece):
            self._link.sendall(data[at : at + self._piece])

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def peer(answer: Answer, piece: int = 1 << 20) -> Iterator[tuple[socket.socket, Peer]]:
    ours, theirs = socket.socketpair()
    with theirs:
        scripted = Peer(theirs, answer, piece)
        with ours:
            yield ours, scripted
        scripted.join()


def publisher(link: socket.socket, load: JetStreamLoad, count: int, base: int) -> AckPublishLoop:
    return publishing.publisher(load, link, PREFIX, count, base=base)


@pytest.mark.parametrize(("window", "piece"), [(1, 1 << 20), (7, 3), (1000, 11)])
def test_every_publish_is_numbered_and_acknowledged(window: int, piece: int) -> None:
    load = JetStreamLoad(5, window=window, subjects=3)
    with peer(lambda n, _: ack(n, 41 + n), piece) as (link, scripted):
        loop = publisher(link, load, 500, base=40)
        loop.run(5.0)
    assert loop.acknowledged == 500
    assert [frame[1] for frame in scripted.frames] == [b"_INBOX.abc.%010d" % n for n in range(500)]
    assert {frame[2] for frame in scripted.frames} == {b"xxxxx"}
    assert [frame[0] for frame in scripted.frames[:4]] == [
        b"bench.js.%07d" % n for n in (0, 1, 2, 0)
    ]
    assert (loop.quantile_ns(0.5) > 0) is (window == 1)


def test_a_large_payload_is_sent_from_where_it_is() -> None:
    load = JetStreamLoad(600_000, window=3)
    with peer(lambda n, _: ack(n, 1 + n)) as (link, scripted):
        publisher(link, load, 10, base=0).run(5.0)
    assert [frame[1] for frame in scripted.frames] == [b"_INBOX.abc.%010d" % n for n in range(10)]
    assert all(frame[2] == b"x" * 600_000 for frame in scripted.frames)


def test_a_batch_is_numbered_committed_and_acknowledged_once() -> None:
    load = JetStreamLoad(4, window=2, batch=3, subjects=10)
    with peer(lambda n, _: ack(n, 3 * n + 3, ',"batch":"b","count":3')) as (link, scripted):
        publisher(link, load, 2, base=0).run(5.0)
    heads = [frame[2] for frame in scripted.frames]
    assert heads[1] == (
        b"NATS/1.0\r\nNats-Batch-Id: 0000000000\r\nNats-Batch-Sequence: 2\r\n\r\nxxxx"
    )
    assert heads[5] == (
        b"NATS/1.0\r\nNats-Batch-Id: 0000000001\r\nNats-Batch-Sequence: 3\r\n"
        b"Nats-Batch-Commit: 1\r\n\r\nxxxx"
    )
    assert [bool(frame[1]) for frame in scripted.frames] == [False, False, True] * 2
    assert [frame[0][-1:] for frame in scripted.frames] == [b"%d" % n for n in range(6)]


REFUSAL = '{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"MSG _INBOX.abc.0000000000 1 %d\r\n%s\r\n" % (len(REFUSAL), REFUSAL.encode()), "10077"),
        (ack(0, 2), "was to end at sequence 1"),
        (ack(0, 1, ',"duplicate":true'), "duplicate"),
        (ack(0, 1) * 2, "an acknowledgement too many"),
        (ack(5, 6), "an acknowledgement too many"),
        (b"MSG other 1 2\r\nhi\r\n", "no acknowledgement"),
        (
            b"HMSG _INBOX.abc.0000000000 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
            "no response from stream",
        ),
        (b"-ERR 'Slow Consumer'\r\n", "Slow Consumer"),
        (b"", "0 of 2 publishes acknowledged, then nothing more"),
    ],
    ids=["error", "sequence", "duplicate", "twice", "unsent", "stray", "503", "err", "silence"],
)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_any_other_answer_ends_the_run(answer: bytes, reason: str, piece: int) -> None:
    with peer(lambda n, _: b"" if n else answer, piece) as (link, _):
        loop = publisher(link, JetStreamLoad(3, window=2), 2, base=0)
        with pytest.raises(LoadError, match=reason):
            loop.run(0.2)


def test_a_batch_stored_as_single_messages_is_refused() -> None:
    with peer(lambda n, _: ack(n, 3 * n + 3)) as (link, _):
        loop = publisher(link, JetStreamLoad(3, batch=3), 1, base=0)
        with pytest.raises(LoadError, match="not committed as a batch of 3"):
            loop.run(1.0)


def test_a_server_that_hangs_up_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(LoadError, match=r"closed|pipe|reset"):
        publisher(ours, JetStreamLoad(3), 1, base=0).run(1.0)


def test_an_ack_is_read_with_and_without_spaces() -> None:
    assert parse_ack(b'{"stream":"S","seq":12}') == (12, 0)
    assert parse_ack(b'{"stream": "S", "seq": 9, "batch": "x", "count": 7}') == (9, 7)


@given(
    stream=st.sampled_from(["S", "error", "seq", "duplicate", "a,b:1"]),
    sequence=st.integers(1, 2**64 - 1),
    count=st.integers(0, 1000),
    domain=st.booleans(),
)
def test_an_ack_says_its_sequence_whatever_else_it_says(
    stream: str, sequence: int, count: int, domain: bool
) -> None:
    told: dict[str, object] = {"stream": stream, "seq": sequence}
    told |= {"domain": "hub"} if domain else {}
    told |= {"batch": "id", "count": count} if count else {}
    assert parse_ack(json.dumps(told, separators=(",", ":")).encode()) == (sequence, count)


@given(
    width=st.integers(-1, 8),
    modulus=st.integers(0, 120),
    first=st.integers(0, 10**7),
    batch=st.integers(1, 12),
    ids=st.booleans(),
    block=st.sampled_from([b"", b"NATS/1.0\r\nA: b\r\n\r\n"]),
    payload=st.binary(max_size=30),
    count=st.integers(1, 40),
)
@settings(max_examples=40, deadline=None)
def test_frames_have_the_sizes_and_numbers_that_they_should(
    width: int, modulus: int, first: int, batch: int, ids: bool, block: bytes, payload: bytes,
    count: int,
) -> None:  # fmt: skip
    def sequence_ack(unit: int, _: bytes) -> bytes:
        messages = min(batch, count - unit * batch)
        return ack(unit, 1, f',"batch":"x","count":{messages}' if batch > 1 else "")

    with peer(sequence_ack) as (link, scripted):
        loop = AckPublishLoop(
            [link],
            Frames(b"s.", payload, block, width=width, modulus=modulus),
            [PREFIX.encode()],
            window=5,
            batch=batch,
            firsts=[first],
            message_ids=[b"id-"] if ids else None,
            batch_ids=[b"b-"] if batch > 1 else None,
        )
        loop.want([count])
        loop.run(PATIENCE_S)
    assert loop.progress() == [count]
    assert len(scripted.frames) == count
    for at, (subject, reply, content) in enumerate(scripted.frames):
        number = (first + at) % modulus if modulus else first + at
        assert subject == b"s." + (b"" if width < 0 else f"{number:0{max(width, 1)}}".encode())
        last = at + 1 == count or (at + 1) % batch == 0
        assert reply == (b"_INBOX.abc.%010d" % (at // batch) if last else None)
        assert content.endswith(payload)
        head = content[: len(content) - len(payload)]
        lines = head.split(b"\r\n")
        wanted = {b"A: b"} if block else set()
        wanted |= {b"Nats-Msg-Id: id-%d" % (first + at)} if ids else set()
        if batch > 1:
            wanted |= {b"Nats-Batch-Id: b-%010d" % (at // batch)}
            wanted |= {b"Nats-Batch-Sequence: %d" % (at % batch + 1)}
            wanted |= {b"Nats-Batch-Commit: 1"} if last else set()
        if not wanted:
            assert head == b""
        else:
            assert (lines[0], set(lines[1:-2]), lines[-2:]) == (b"NATS/1.0", wanted, [b"", b""])


@pytest.mark.parametrize("data", [b"", b"{}", b'{"error":{"code":1},"seq":3}', b'{"seq":0}'])
def test_what_is_no_good_ack_is_refused(data: bytes) -> None:
    with pytest.raises(LoadError, match="refused"):
        parse_ack(data)


@pytest.mark.parametrize(
    "wrong",
    [{"window": 0}, {"batch": 1001}, {"subjects": 0}, {"storage": "tape"}, {"payload_bytes": -1}],
)
def test_loads_have_limits(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"a load|a batch|storage"):
        JetStreamLoad(**{"payload_bytes": 1} | wrong)  # type: ignore[arg-type]
