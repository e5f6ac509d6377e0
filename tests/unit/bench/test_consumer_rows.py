"""The rows of consumers, buckets and objects: each of them, tiny, and what they refuse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_bench.compare import select_rows
from pynats_bench.consumers.consuming import ConsumeSession
from pynats_bench.consumers.model import ConsumeLoad
from pynats_bench.consumers.rows import SECTION, consumer_rows
from pynats_bench.contender import Contender, Running, find_program
from pynats_bench.engine.consume import ConsumeLoop
from pynats_bench.engine.gets import GetLoop, sequence_digest
from pynats_bench.engine.marks import MarkedPublishLoop
from pynats_bench.model import LoadError
from pynats_bench.report import OURS, REFERENCE, Outcome, markdown
from pynats_bench.rows import Heading, Row, Sample, Setting
from pynats_bench.session import connect
from pynats_bench.streams.publishing import api
from pynats_bench.streams.rows import configuration

from tests.support.deliveries import Pair, socket_pair, status

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
def pair() -> Iterator[Pair]:
    with socket_pair() as pair:
        yield pair


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
    pair: Pair,
) -> None:
    loop = get_loop(pair[0], 4, 4)
    pair[1].sendall(b"".join(answer(n) for n in (1, 3, 5, 2)))
    loop.run(STALL_S)
    assert pair[1].recv(4096) == b"".join(
        b'PUB GET in 9\r\n{"seq":%d}\r\n' % n for n in (1, 3, 5, 2)
    )
    assert loop.digest == sequence_digest(4, 0, 2, 5)
    assert loop.messages == 4


def test_a_batch_ends_with_its_last_message(pair: Pair) -> None:
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
    pair: Pair, data: bytes, batch: int, complaint: str
) -> None:
    loop = get_loop(pair[0], 1, 1, batch)
    pair[1].sendall(data)
    with pytest.raises(LoadError, match=complaint):
        loop.run(STALL_S)


def test_a_paced_publisher_stamps_every_message(
    pair: Pair,
) -> None:
    frame = b"PUB a 8\r\n........\r\n"
    loop = MarkedPublishLoop([pair[0]], frame, 8, [0], time_at=9, monotonic=True)
    loop.want([300])
    loop.pace(rate=20_000)
    thread = threading.Thread(target=loop.run, args=(STALL_S,), daemon=True)
    thread.start()
    got = b""
    while not got.endswith(b"PING\r\n"):
        got += pair[1].recv(65536)
    pair[1].sendall(b"PONG\r\n")
    thread.join(STALL_S)
    stamps = [
        int.from_bytes(got[at + 9 : at + 17], "little") for at in range(0, len(got) - 6, len(frame))
    ]
    assert [len(stamps)] == loop.progress() == [300]
    assert stamps == sorted(stamps)
    assert loop.first_ns <= stamps[0] and stamps[-1] <= loop.last_ns
    assert loop.last_ns - loop.first_ns >= 299 / 20_000 * 1e9


def test_loads_that_make_no_sense_are_refused(pair: Pair) -> None:
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
