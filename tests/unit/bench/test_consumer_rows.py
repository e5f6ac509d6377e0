"""The rows of consumers, buckets and objects: each of them, tiny, and what they refuse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest
from pynats_bench.compare import select_rows
from pynats_bench.consumers._paced import PacedLoop
from pynats_bench.consumers.consuming import ConsumeSession
from pynats_bench.consumers.model import ConsumeLoad
from pynats_bench.consumers.rows import SECTION, consumer_rows
from pynats_bench.contender import Contender, Running, find_program
from pynats_bench.engine.consume import ConsumeLoop, digest_of
from pynats_bench.engine.gets import GetLoop, sequence_digest
from pynats_bench.model import LoadError
from pynats_bench.report import OURS, REFERENCE, Outcome, markdown
from pynats_bench.rows import Heading, Row, Sample, Setting
from pynats_bench.session import connect
from pynats_bench.streams.publishing import api
from pynats_bench.streams.rows import configuration

ROWS = consumer_rows(0.001)
STALL_S = 5.0


@pytest.fixture(scope="module", params=[OURS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def contender(request: pytest.FixtureRequest) -> Contender:
    return Contender(request.param, find_program(request.param))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.heading.name)
def test_a_row_takes_a_sample(row: Row, contender: Contender, tmp_path: Path) -> None:
    sample = row.sample(contender, Setting(seconds=0.002, store_folder=tmp_path))
    assert sample.value >= 0
    assert not list(tmp_path.iterdir())


def test_rows_have_names_of_their_own_and_a_table() -> None:
    names = [row.heading.name for row in select_rows(None, False)]
    assert len(names) == len(set(names))
    assert {row.heading.section for row in consumer_rows()} == {SECTION}
    outcome = Outcome(
        Heading("x", "a consumer", "msg/s", section=SECTION), samples={OURS: [Sample(8.0)]}
    )
    page = markdown([outcome], "make it", [])
    assert "| a consumer |" in page.partition("## Consumers")[2]
    assert "## JetStream" not in page


# --- what the loops send and refuse, with the test as the server ---


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """(the loop's socket, the server's)"""
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    theirs.settimeout(STALL_S)
    with listener, ours, theirs:
        yield ours, theirs


def ack(sequence: int, prefix: str = "$JS.ACK.S.C") -> str:
    return f"{prefix}.1.{sequence}.{sequence}.1700000000000000000.0"


def delivery(sequence: int, payload: bytes = b"hello", headers: bytes = b"") -> bytes:
    line = f"orders.{sequence} 1 {ack(sequence)}"
    if headers:
        total = len(headers) + len(payload)
        return f"HMSG {line} {len(headers)} {total}\r\n".encode() + headers + payload + b"\r\n"
    return f"MSG {line} {len(payload)}\r\n".encode() + payload + b"\r\n"


def status(text: str, reply: str = "") -> bytes:
    block = f"NATS/1.0 {text}\r\n\r\n".encode()
    return f"HMSG in 1 {reply}{' ' * bool(reply)}{len(block)} {len(block)}\r\n".encode() + (
        block + b"\r\n"
    )


def pull_of(messages: int) -> bytes:
    """The request that a loop with `PULL` makes."""
    body = b'{"batch":%d}' % messages
    return b"PUB NEXT in %d\r\n%s\r\n" % (len(body), body)


class Pull(TypedDict):
    pulls: list[bytes]
    before: bytes
    after: bytes


PULL: Pull = {"pulls": [b"PUB NEXT in "], "before": b'{"batch":', "after": b"}"}


class Served:
    """Runs a loop against what a test says; `sent` is what the loop has sent until its PING."""

    def __init__(self, loop: ConsumeLoop, theirs: socket.socket, pieces: list[bytes]) -> None:
        self.loop = loop
        self.sent = b""
        self.error = ""
        thread = threading.Thread(target=self._run)
        thread.start()
        for piece in pieces:
            theirs.sendall(piece)
        while not self.sent.endswith(b"PING\r\n"):
            piece = theirs.recv(65536)
            if not piece:
                break
            self.sent += piece
            if self.error:
                break
        theirs.sendall(b"PONG\r\n")
        thread.join()

    def _run(self) -> None:
        try:
            self.loop.run(STALL_S)
        except LoadError as error:
            self.error = str(error)


def test_a_puller_asks_acknowledges_and_asks_again(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 4, **PULL, batch=4, step=2, ack_every=1)
    data = b"".join(delivery(n) for n in range(7, 10)) + delivery(10, headers=b"NATS/1.0\r\n\r\n")
    served = Served(loop, pair[1], [data[:30], data[30:100], data[100:]])
    acks = [f"PUB {ack(n)} 4\r\n+ACK\r\n".encode() for n in range(7, 11)]
    wanted = pull_of(4) + acks[0] + acks[1] + pull_of(2) + acks[2] + acks[3] + b"PING\r\n"
    assert (served.error, served.sent) == ("", wanted)
    assert loop.digest == digest_of(7, 10)
    assert (loop.progress(), loop.payload_bytes, loop.disorder) == ([4], 20, 0)


def test_acknowledging_all_takes_every_so_many_and_the_last(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 5, ack_every=2)
    served = Served(loop, pair[1], [b"".join(delivery(n) for n in range(1, 6))])
    wanted = b"".join(f"PUB {ack(n)} 4\r\n+ACK\r\n".encode() for n in (2, 4, 5))
    assert (served.error, served.sent) == ("", wanted + b"PING\r\n")


def test_flow_control_is_answered_and_heartbeats_are_not(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 1)
    stalled = "100 Idle Heartbeat\r\nNats-Consumer-Stalled: $JS.FC.S.C.b"
    served = Served(
        loop,
        pair[1],
        [
            status("100 Idle Heartbeat")
            + status("100 FlowControl Request", "$JS.FC.S.C.a")
            + status(stalled)
            + delivery(1)
        ],
    )
    wanted = b"PUB $JS.FC.S.C.a 0\r\n\r\nPUB $JS.FC.S.C.b 0\r\n\r\nPING\r\n"
    assert (served.error, served.sent, loop.controls) == ("", wanted, 2)


def test_an_expired_request_is_made_again_and_another_status_ends_the_run(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 1, **PULL, batch=9, step=5)
    served = Served(loop, pair[1], [status("408 Request Timeout") + delivery(1)])
    assert (served.error, served.sent) == ("", pull_of(9) * 2 + b"PING\r\n")
    assert loop.statuses == 1


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (status("409 Consumer Deleted"), "the server ended the consumption: 409 Consumer Deleted"),
        (b"MSG foo 1 5\r\nhello\r\n", "no consumer delivered: hello"),
        (b"MSG foo 1 _INBOX.x 5\r\nhello\r\n", "no consumer delivered"),
        (b"MSG foo\r\n", "malformed"),
        (b"-ERR 'no'\r\n", "-ERR"),
    ],
)
def test_what_is_no_delivery_ends_the_run(
    pair: tuple[socket.socket, socket.socket], data: bytes, complaint: str
) -> None:
    loop = ConsumeLoop([pair[0]], 1)
    pair[1].sendall(data)
    with pytest.raises(LoadError, match=complaint):
        loop.run(STALL_S)


def test_a_message_twice_or_out_of_order_is_noticed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 3)
    Served(loop, pair[1], [delivery(1) + delivery(3) + delivery(3)])
    assert loop.disorder == 1
    assert loop.digest != digest_of(1, 3)


def test_a_consumer_that_falls_silent_is_an_error(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = ConsumeLoop([pair[0]], 3)
    pair[1].sendall(delivery(1))
    with pytest.raises(LoadError, match="received 1 of 3"):
        loop.run(0.1)


def answer(sequence: int, size: int = 3) -> bytes:
    block = f"NATS/1.0\r\nNats-Stream: S\r\nNats-Sequence: {sequence}\r\n\r\n".encode()
    total = len(block) + size
    return f"HMSG in 1 {len(block)} {total}\r\n".encode() + block + b"x" * size + b"\r\n"


def get_loop(link: socket.socket, requests: int, window: int, batch: int = 1) -> GetLoop:
    body = (b'{"seq":', b',"batch":', b"}") if batch > 1 else (b'{"seq":', b"", b"}")
    loop = GetLoop(
        [link], b"GET", [b"in"], body, window, 1, stride=2, span=5, size=3,
        batch=batch if batch > 1 else 0,
    )  # fmt: skip
    loop.want([requests * batch])
    return loop


def test_gets_go_through_the_numbers_and_check_what_comes(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loop = get_loop(pair[0], 4, 4)
    pair[1].sendall(b"".join(answer(n) for n in (1, 3, 5, 2)))
    loop.run(STALL_S)
    assert pair[1].recv(4096) == b"".join(
        b'PUB GET in 9\r\n{"seq":%d}\r\n' % n for n in (1, 3, 5, 2)
    )
    assert loop.digest == sequence_digest(4, 0, 2, 5)
    assert loop.messages == 4


def test_a_batch_ends_with_its_last_message(pair: tuple[socket.socket, socket.socket]) -> None:
    loop = get_loop(pair[0], 1, 1, 2)
    pair[1].sendall(answer(1) + answer(2) + status("204 EOB"))
    loop.run(STALL_S)
    assert (loop.answered, loop.messages) == (1, 2)
    assert loop.digest == sequence_digest(1, 0, 2, 5, 2)


@pytest.mark.parametrize(
    ("data", "batch", "complaint"),
    [
        (status("404 Message Not Found"), 1, r"message not found \(10037\)"),
        (answer(1, 4), 1, "another size"),
        (answer(1) + status("204 EOB"), 2, "ended early"),
        (b"MSG in 1 2\r\nno\r\n", 1, "without headers"),
    ],
)
def test_a_wrong_answer_to_a_get_ends_the_run(
    pair: tuple[socket.socket, socket.socket], data: bytes, batch: int, complaint: str
) -> None:
    loop = get_loop(pair[0], 1, 1, batch)
    pair[1].sendall(data)
    with pytest.raises(LoadError, match=complaint):
        loop.run(STALL_S)


def test_a_paced_publisher_stamps_every_message(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    frame = b"PUB a 8\r\n........\r\n"
    loop = PacedLoop(pair[0], frame, 9, 300, 20_000.0)
    loop.run(STALL_S)
    got = b""
    while len(got) < 300 * len(frame):
        got += pair[1].recv(65536)
    stamps = [
        int.from_bytes(got[at + 9 : at + 17], "little") for at in range(0, len(got), len(frame))
    ]
    assert len(stamps) == loop.published == 300
    assert stamps == sorted(stamps)
    assert loop.first_ns <= stamps[0] and stamps[-1] <= loop.last_ns
    assert loop.last_ns - loop.first_ns >= 299 / 20_000 * 1e9


def test_loads_that_make_no_sense_are_refused(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(ValueError, match="push"):
        ConsumeLoad(group="G")
    with pytest.raises(ValueError, match="pull request"):
        ConsumeLoop([pair[0]], 1, pulls=[b"a", b"b"], batch=1, step=1)
    with pytest.raises(ValueError, match="asks again"):
        ConsumeLoop([pair[0]], 1, pulls=[b"a"], batch=1)


@pytest.mark.reference
def test_a_consumer_that_loses_messages_is_found_out(tmp_path: Path) -> None:
    """The stream misses one of the messages that are to come."""
    reference = Contender(REFERENCE, find_program(REFERENCE))
    config = tmp_path / "server.conf"
    config.write_text(configuration(tmp_path / "store", ""))
    with (
        Running(reference, config=config) as server,
        ConsumeSession(server.endpoint, ConsumeLoad(), stall_s=0.5) as session,
    ):
        session.run(100)
        with connect(server.endpoint) as link:
            api(link, "STREAM.MSG.DELETE", {"seq": 50})
            with pytest.raises(LoadError, match="99 of 100"):
                session.run(100)
