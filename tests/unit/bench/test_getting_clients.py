"""Clients that get what is stored: each way, the figures, errors and the end."""

from __future__ import annotations

import threading

import pytest
from pynats_bench.clients.getting import GetKeys, GetMessages
from pynats_bench.clients.storing import PublishStored, PutKeys

from tests.support.deadline import wait_until
from tests.unit.bench.stored import Stored, failed, ran


def filled(stored: Stored, messages: int, payload: bytes = bytes(100), **config: object) -> str:
    stream = stored.stream(**config)
    ran(
        PublishStored(
            stored.target, messages=messages, subject=stream, payload=payload, mode="async",
            subjects=5, headers=[("A", "b")],
        )
    )  # fmt: skip
    return stream


@pytest.mark.parametrize("direct", [True, False])
def test_each_client_gets_every_message_one_by_one(stored: Stored, direct: bool) -> None:
    stream = filled(stored, 40, allow_direct=direct)
    bench = ran(
        GetMessages(stored.target, clients=3, messages=30, stream=stream, first=11, direct=direct)
    )
    for share in bench.shares():
        assert (share.messages, share.payload_bytes) == (30, 3000)
        assert share.operations and share.operations.count == 30
        assert 0 < share.first_ns < share.last_ns


@pytest.mark.parametrize(
    ("filter_", "messages", "operations"), [(">", 95, 10), ("*.3", 20, 2), ("*.3", 13, 2)]
)
def test_batches_go_on_where_the_last_ended(
    stored: Stored, filter_: str, messages: int, operations: int
) -> None:
    stream = filled(stored, 100)
    bench = ran(
        GetMessages(
            stored.target, clients=2, messages=messages, stream=stream, mode="batch", batch=10,
            filter=filter_,
        )
    )  # fmt: skip
    for share in bench.shares():
        assert (share.messages, share.payload_bytes) == (messages, messages * 100)
        assert share.operations and share.operations.count == operations
    assert bench.warnings == []


def test_too_few_messages_for_the_batches(stored: Stored) -> None:
    bench = GetMessages(
        stored.target, messages=30, stream=filled(stored, 25), mode="batch", batch=10
    )
    assert failed(bench) == "client 1: getting message from the stream: no messages"
    assert bench.shares()[0].messages == 25
    assert bench.warnings == ["1 batch was shorter than the 10 messages that were asked for"]


@pytest.mark.parametrize("direct", [True, False])
def test_a_sequence_that_is_not_there(stored: Stored, direct: bool) -> None:
    stream = filled(stored, 5, allow_direct=direct)
    stored.delete(stream, 4)
    bench = GetMessages(stored.target, messages=5, stream=stream, direct=direct)
    assert failed(bench) == (
        "client 1: getting message sequence number 4 from the stream: message not found (10037)"
    )
    assert bench.shares()[0].messages == 3


def test_a_stream_that_allows_no_direct_gets_or_is_not_there(stored: Stored) -> None:
    reason = "client 1: getting message from the stream: no responders available for request"
    for stream in (filled(stored, 5, allow_direct=False), "nowhere"):
        bench = GetMessages(stored.target, messages=5, stream=stream, mode="batch", direct=False)
        assert failed(bench) == reason


@pytest.mark.parametrize("mode", ["sync", "batch"])
@pytest.mark.parametrize("direct", [True, False])
def test_messages_larger_than_the_buffers(stored: Stored, mode: str, direct: bool) -> None:
    stream = filled(stored, 6, bytes(700_001))
    bench = ran(
        GetMessages(
            stored.target, messages=6, stream=stream, mode="batch" if mode == "batch" else "sync",
            batch=4, direct=direct,
        )
    )  # fmt: skip
    assert bench.shares()[0].payload_bytes == 6 * 700_001


def test_a_stop_keeps_what_was_done(stored: Stored) -> None:
    bench = GetKeys(stored.target, clients=2, bucket=put(stored, 3), randomize=3)
    with bench:
        thread = threading.Thread(target=bench.run)
        thread.start()
        wait_until(lambda: min(bench.progress()) >= 10, "gets of both clients")
        bench.stop()
        thread.join()
    for share in bench.shares():
        assert share.operations and share.operations.count == share.messages >= 10


def put(stored: Stored, keys: int) -> str:
    bucket = stored.bucket()
    ran(PutKeys(stored.target, clients=2, messages=keys, bucket=bucket, payload=b"value"))
    return bucket


@pytest.mark.parametrize("direct", [True, False])
def test_the_clients_share_the_keys(stored: Stored, direct: bool) -> None:
    bucket = put(stored, 25)
    bench = ran(GetKeys(stored.target, clients=2, messages=25, bucket=bucket, direct=direct))
    assert [share.messages for share in bench.shares()] == [13, 12]
    assert [share.payload_bytes for share in bench.shares()] == [65, 60]
    # The second client begins behind the first: key 13 is in its share, and 25 beyond it.
    bench = GetKeys(stored.target, clients=2, messages=26, bucket=bucket, direct=direct)
    assert failed(bench) == "client 2: getting key '25': key not found"


def test_a_deleted_key_is_not_there(stored: Stored) -> None:
    bucket = put(stored, 2)
    ran(
        PublishStored(
            stored.target, messages=1, subject=f"$KV.{bucket}.1", payload=b"",
            headers=[("KV-Operation", "DEL")],
        )
    )  # fmt: skip
    bench = GetKeys(stored.target, messages=2, bucket=bucket)
    assert failed(bench) == "client 1: getting key '1': key not found"


def test_a_pause_between_batches(stored: Stored) -> None:
    bench = ran(
        GetMessages(
            stored.target, messages=9, stream=filled(stored, 9), mode="batch", batch=3,
            sleep_ns=20_000_000,
        )
    )  # fmt: skip
    share = bench.shares()[0]
    assert share.last_ns - share.first_ns >= 2 * 20_000_000
