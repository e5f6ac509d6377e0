"""The acknowledged publisher against scripted peers: its output, and the errors it detects."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.answers import parse_ack
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
