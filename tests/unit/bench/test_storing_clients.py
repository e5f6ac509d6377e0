"""Clients that publish into streams: each way, what is stored, the figures, errors and the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pynats_bench.clients.getting import GetMessages
from pynats_bench.clients.model import Target
from pynats_bench.clients.storing import Mode, PublishStored, PutKeys
from pynats_bench.engine.scan import STAMP_MAGIC
from pynats_bench.tls.certificate import tls_config

from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.unit.bench.stored import CONFIG, Stored, failed, ran

MODES: tuple[Mode, ...] = ("sync", "async", "atomic", "fast")
# Operations of 334, 333 and 333 messages in batches of 100, by the way they are published.
OPERATIONS = {"sync": [334, 333, 333], "async": [4] * 3, "atomic": [4] * 3, "fast": [4] * 3}

every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
def test_all_messages_are_stored_and_counted(stored: Stored, mode: Mode) -> None:
    stream = stored.stream()
    bench = ran(
        PublishStored(
            stored.target, clients=3, messages=1000, subject=stream, payload=bytes(128), mode=mode,
            batch=100, headers=[("A", "b c"), ("D", "e")],
        )
    )  # fmt: skip
    shares = bench.shares()
    assert [(share.number, share.wanted) for share in shares] == [(1, 334), (2, 333), (3, 333)]
    assert [share.messages for share in shares] == [334, 333, 333]
    assert [share.payload_bytes for share in shares] == [share.messages * 128 for share in shares]
    assert all(0 < share.first_ns < share.last_ns for share in shares)
    taken = [share.operations for share in shares if share.operations]
    assert [operations.count for operations in taken] == OPERATIONS[mode]
    for share, operations in zip(shares, taken, strict=True):
        assert 0 < operations.minimum <= operations.maximum <= share.last_ns - share.first_ns
    assert (bench.progress(), bench.warnings) == ([334, 333, 333], [])
    assert stored.count(stream) == 1000
    headers, payload = stored.message(stream, 1000)
    assert b"A: b c\r\nD: e\r\n" in headers
    assert payload == bytes(128)


@every_mode
def test_the_subjects_are_the_numbers_of_the_messages(stored: Stored, mode: Mode) -> None:
    stream = stored.stream()
    ran(
        PublishStored(
            stored.target, clients=2, messages=25, subject=stream, payload=b"x", mode=mode,
            batch=4, subjects=10,
        )
    )  # fmt: skip
    # The second client goes on where the first one ends, at 13.
    assert stored.subjects(stream) == {
        f"{stream}.{number:02}": 3 if number < 5 else 2 for number in range(10)
    }
    ran(
        PublishStored(
            stored.target, messages=101, subject=stream, payload=b"", mode=mode, subjects=0
        )
    )
    assert stored.subjects(stream)[f"{stream}.100"] == 1


def test_a_generated_payload_begins_with_the_time(stored: Stored) -> None:
    stream = stored.stream()
    before = time.time_ns()
    ran(PublishStored(stored.target, messages=2, subject=stream, size=40))
    for number in (1, 2):
        payload = stored.message(stream, number)[1]
        assert payload.startswith(STAMP_MAGIC)
        assert payload[16:] == bytes(24)
        assert before <= int.from_bytes(payload[8:16], "little") <= time.time_ns()


def test_random_subjects_are_below_the_limit_and_differ(stored: Stored) -> None:
    stream = stored.stream()
    ran(
        PublishStored(
            stored.target, clients=2, messages=400, subject=stream, payload=b"", mode="async",
            subjects=8, randomize=True,
        )
    )  # fmt: skip
    counts = stored.subjects(stream)
    assert set(counts) == {f"{stream}.{number}" for number in range(8)}
    assert sum(counts.values()) == 400
    assert len(set(counts.values())) > 1


@every_mode
def test_payloads_larger_than_the_buffers(stored: Stored, mode: Mode) -> None:
    stream = stored.stream()
    payload = bytes(range(256)) * 1200
    ran(
        PublishStored(
            stored.target,
            clients=2,
            messages=9,
            subject=stream,
            payload=payload,
            mode=mode,
            batch=3,
        )
    )
    assert all(stored.message(stream, number)[1] == payload for number in (1, 5, 9))
    assert stored.count(stream) == 9


@every_mode
def test_what_is_published_again_is_told(stored: Stored, mode: Mode) -> None:
    stream = stored.stream()

    def publish() -> PublishStored:
        return PublishStored(
            stored.target, clients=2, messages=20, subject=stream, payload=b"x", mode=mode,
            batch=5, dedup=True, run_id="run",
        )  # fmt: skip

    assert ran(publish()).warnings == []
    headers = b"".join(stored.message(stream, number)[0] for number in range(1, 21))
    ids = {line for line in headers.split(b"\r\n") if line.startswith(b"Nats-Msg-Id")}
    assert ids == {b"Nats-Msg-Id: run-%d-%d" % (number // 10, number) for number in range(20)}
    if mode == "atomic":  # the server refuses such a batch
        assert "(10201)" in failed(publish())
    else:
        assert ran(publish()).warnings == ["20 messages were not stored: taken for duplicates"]
    assert stored.count(stream) == 20


@every_mode
def test_nobody_listens(stored: Stored, mode: Mode) -> None:
    bench = PublishStored(stored.target, messages=9, subject="nobody.there", payload=b"", mode=mode)
    assert failed(bench) == "client 1: no response from stream"
    assert bench.shares()[0].messages == 0


@pytest.mark.parametrize(
    ("mode", "config", "complaint"),
    [
        ("sync", {"max_msgs": 3, "discard": "new"}, "maximum messages exceeded (10077)"),
        ("async", {"max_msgs": 3, "discard": "new"}, "maximum messages exceeded (10077)"),
        ("fast", {"max_msgs": 3, "discard": "new"}, "maximum messages exceeded (10077)"),
        ("sync", {"max_msg_size": 3}, "message size exceeds maximum allowed (10054)"),
        ("atomic", {"allow_atomic": False}, "atomic publish is disabled (10174)"),
        ("fast", {"allow_batched": False}, "batch publish is disabled (10205)"),
    ],
)
def test_a_refusal_ends_the_run_with_the_servers_words(
    stored: Stored, mode: Mode, config: dict[str, Any], complaint: str
) -> None:
    stream = stored.stream(**config)
    bench = PublishStored(stored.target, messages=9, subject=stream, payload=b"four", mode=mode)
    assert failed(bench) == f"client 1: publishing: {complaint}"
    assert bench.shares()[0].messages <= stored.count(stream)


def test_an_atomic_batch_may_not_be_too_large(stored: Stored) -> None:
    bench = PublishStored(
        stored.target,
        messages=1001,
        subject=stored.stream(),
        payload=b"",
        mode="atomic",
        batch=1001,
    )
    assert "(10199)" in failed(bench)


@every_mode
def test_a_stop_keeps_what_was_done(stored: Stored, mode: Mode) -> None:
    stream = stored.stream()
    bench = PublishStored(
        stored.target, clients=2, subject=stream, payload=b"x", mode=mode, batch=3, rate=2000
    )
    with bench:
        thread = threading.Thread(target=bench.run)
        thread.start()
        wait_until(lambda: min(bench.progress()) >= 3, "messages of both clients")
        bench.stop()
        thread.join()
    done = [share.messages for share in bench.shares()]
    assert min(done) >= 3
    assert sum(done) <= stored.count(stream) <= sum(done) + 2 * 3
    assert all(share.wanted == 0 and share.operations for share in bench.shares())


@every_mode
def test_the_pace_is_kept_and_not_measured(stored: Stored, mode: Mode) -> None:
    bench = ran(
        PublishStored(
            stored.target, messages=60, subject=stored.stream(), payload=b"", mode=mode, batch=20,
            rate=400,
        )
    )  # fmt: skip
    share = bench.shares()[0]
    assert share.operations
    assert share.last_ns - share.first_ns >= 59 / 400 * 1e9
    # A batch of 20 takes 50 ms to send; on a quiet machine it is answered within one.
    assert share.operations.minimum < 40e6


def test_a_pause_between_messages(stored: Stored) -> None:
    bench = ran(
        PublishStored(
            stored.target, clients=2, messages=6, subject=stored.stream(), payload=b"",
            mode="async", batch=2, sleep_ns=20_000_000,
        )
    )  # fmt: skip
    for share in bench.shares():
        assert share.last_ns - share.first_ns >= 2 * 20_000_000


def test_more_outstanding_acknowledgements_make_larger_operations(stored: Stored) -> None:
    bench = PublishStored(
        stored.target, messages=61, subject=stored.stream(), payload=b"x", mode="fast", batch=10,
        max_outstanding_acks=3,
    )  # fmt: skip
    operations = ran(bench).shares()[0].operations
    assert operations
    assert operations.count == 3


@every_mode
def test_over_tls(
    servers_under_test: ServerPool, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> None:
    config = CONFIG + tls_config(tmp_path_factory.getbasetemp())
    stored = Stored(servers_under_test.get("bench-stored-tls", config).port, tls=True)
    stream = stored.stream()
    for payload, messages in ((bytes(100), 300), (bytes(100_000), 12)):
        settings: dict[str, Any] = {"clients": 2, "messages": messages}
        ran(
            PublishStored(
                stored.target, subject=stream, payload=payload, mode=mode, batch=50, **settings
            )
        )
        assert stored.message(stream, stored.count(stream))[1] == payload
    assert stored.count(stream) == 312
    bench = ran(GetMessages(stored.target, messages=312, stream=stream, mode="batch", batch=100))
    assert bench.shares()[0].payload_bytes == 300 * 100 + 12 * 100_000


def test_keys_are_put_in_turn_or_at_random(stored: Stored) -> None:
    bucket = stored.bucket(max_msgs_per_subject=1, discard="new")
    bench = ran(PutKeys(stored.target, clients=2, messages=25, bucket=bucket, payload=b"value"))
    assert stored.subjects(f"KV_{bucket}") == {f"$KV.{bucket}.{key}": 1 for key in range(25)}
    counts = [share.operations.count for share in bench.shares() if share.operations]
    assert counts == [13, 12]
    other = stored.bucket(max_msgs_per_subject=64)
    ran(PutKeys(stored.target, clients=2, messages=200, bucket=other, payload=b"", randomize=7))
    assert set(stored.subjects(f"KV_{other}")) <= {f"$KV.{other}.{key}" for key in range(7)}
    assert stored.count(f"KV_{other}") == 200


def test_keys_of_another_domain_are_behind_its_prefix() -> None:
    with peer(b"") as (target, sent):
        there = Target(target.dial, api_prefix="$JS.hub.API")
        failed(PutKeys(there, messages=1, bucket="b", payload=b"", timeout_s=0.1))
    assert b"PUB $JS.hub.API.$KV.b.0 _INBOX." in sent()


@contextmanager
def peer(answer: bytes) -> Iterator[tuple[Target, Callable[[], bytes]]]:
    """A server that says PONG, and to anything that has a payload `answer`."""
    ours, theirs = socket.socketpair()
    received = bytearray()

    def serve() -> None:
        while chunk := theirs.recv(65536):
            received.extend(chunk)
            theirs.sendall(b"PONG\r\n" * chunk.count(b"PING\r\n"))
            if b"PUB " in chunk and answer:
                theirs.sendall(answer)
                theirs.close()
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with ours:
        yield Target(lambda: ours), lambda: bytes(received)
    thread.join()
    theirs.close()


def test_a_silent_server_is_named_and_a_lost_connection() -> None:
    with peer(b"") as (target, _):
        bench = PublishStored(target, messages=5, subject="a", payload=b"", timeout_s=0.1)
        assert failed(bench) == (
            "client 1: 0 of 5 publishes acknowledged, then nothing more for 0.1 seconds"
        )
    with peer(b"-ERR 'Maximum Payload Violation'\r\n") as (target, _):
        bench = PublishStored(target, messages=5, subject="a", payload=b"")
        assert failed(bench) == "client 1: Maximum Payload Violation"
    with peer(b"PING\r\n") as (target, _):
        bench = PublishStored(target, messages=5, subject="a", payload=b"")
        assert failed(bench) == "client 1: the server closed the connection"


def test_one_silent_client_is_found_among_busy_ones(stored: Stored) -> None:
    """The third connection leads to a server that does not answer."""
    links: list[int] = []
    with peer(b"") as (silent, _):

        def dial() -> socket.socket:
            links.append(0)
            return silent.dial() if len(links) == 3 else stored.target.dial()

        bench = PublishStored(
            Target(dial), clients=4, subject=stored.stream(), payload=b"", timeout_s=0.2
        )
        assert failed(bench).startswith("client 3: 0 publishes acknowledged, then nothing more")


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch": 0},
        {"max_outstanding_acks": 0},
        {"subjects": -1},
        {"mode": "fast", "batch": 65_536},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"batch|subjects|65,535"):
        PublishStored(Target(socket.socket), subject="a", payload=b"", **wrong)
