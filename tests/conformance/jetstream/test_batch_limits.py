"""Batches that nobody ends: `jetstream.limits.batch`, inactivity, and the memory they may hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import INBOX, Client, header_block
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess

INBOX_SID = 1
LIMITS = """
jetstream {
    store_dir: "%s/store"
    limits { batch { max_inflight_per_stream: 2, max_inflight_total: 3, max_msgs: 4, timeout: 1s } }
}
"""
SMALL = """
jetstream {
    store_dir: "%s/store"
    max_buffered_size: 1MB
    limits { batch { max_inflight_per_stream: 1000, timeout: 2s } }
}
"""


def part(batch: str, sequence: int, commit: str = "") -> bytes:
    headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(sequence)}
    return header_block({**headers, "Nats-Batch-Commit": commit} if commit else headers)


def create(client: Client, name: str) -> None:
    config = {
        "name": name,
        "subjects": [f"{name.lower()}.>"],
        "allow_atomic": True,
        "allow_batched": True,
    }
    reply = client.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps(config).encode())
    assert reply is not None and b"did_create" in reply.payload


def outcome(payload: bytes) -> Any:
    said = json.loads(payload) if payload else {}
    return said["error"]["err_code"] if "error" in said else (said.get("count"), said.get("msgs"))


@pytest.fixture(params=[PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    with (
        ServerProcess(request.param, tmp_path, LIMITS % tmp_path) as server,
        Client(server.port) as made,
    ):
        create(made, "A")
        create(made, "B")
        yield made


def publish(client: Client, subject: str, block: bytes = b"", reply: str = "") -> Any:
    reply = f"{INBOX}.{reply}" if reply else client.inbox()
    client.publish(subject, b"x", block, reply)
    message = client.next(INBOX_SID)
    assert message is not None and message.subject == reply
    return outcome(message.payload)


def test_configured_limits_of_atomic_batches(client: Client) -> None:
    advisories = client.subscribe("$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.>")
    assert publish(client, "a.1", part("one", 1)) == (None, None)
    assert publish(client, "a.1", part("two", 1)) == (None, None)
    assert publish(client, "a.1", part("three", 1)) == 10210  # of the stream
    assert publish(client, "b.1", part("three", 1)) == (None, None)
    assert publish(client, "b.1", part("four", 1)) == 10210  # of the server
    for sequence in (2, 3, 4):
        assert publish(client, "a.1", part("one", sequence)) == (None, None)
    assert publish(client, "a.1", part("one", 5)) == 10199
    assert publish(client, "b.1", part("four", 1)) == (None, None)
    reasons = []
    for _ in range(4):  # one too large, three that nothing more came of
        message = client.next(advisories)
        assert message is not None
        reasons.append(json.loads(message.payload)["reason"])
    assert sorted(reasons) == ["large", "timeout", "timeout", "timeout"]
    assert publish(client, "a.1", part("two", 2, "1")) == 10176
    for name in ("five", "six"):
        assert publish(client, "a.1", part(name, 1)) == (None, None)


def test_configured_limits_of_fast_batches(client: Client) -> None:
    for name, expected in (("a", (None, 10)), ("b", (None, 1))):
        client.publish("a.1", b"x", b"", f"{INBOX}.{name}.10.ok.1.0.$FI")
        message = client.next(INBOX_SID)
        assert message is not None and outcome(message.payload) == expected
    message = client.next(INBOX_SID)  # the second batch hears of its first message
    assert message is not None and json.loads(message.payload)["seq"] == 1
    assert publish(client, "a.1", reply="c.10.ok.1.0.$FI") == 10211

    def is_unknown() -> bool:
        return bool(publish(client, "a.1", reply="d.10.ok.1.2.$FI") == (1, None))

    wait_until(is_unknown, "the open batches have timed out")
    assert publish(client, "a.1", reply="a.10.ok.2.1.$FI") == 10208


def test_batches_that_are_never_committed_hold_little_memory(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, SMALL % tmp_path) as server, Client(server.port) as client:
        create(client, "A")
        before = server.resident_bytes()
        refused = opened = 0
        for number in range(400):
            client.publish("a.1", b"x" * 200_000, part(f"b{number}", 1), client.inbox())
            message = client.next(INBOX_SID)
            assert message is not None
            if message.payload:
                assert outcome(message.payload) == 10023
                refused += 1
            else:
                opened += 1
        assert refused > 300
        assert opened >= 4
        assert server.resident_bytes() - before < 40 << 20

        def has_room() -> bool:
            return bool(publish(client, "a.1", part("late", 1)) == (None, None)) and bool(
                publish(client, "a.1", part("late", 2, "1")) == (2, None)
            )

        wait_until(has_room, "what was staged is forgotten")
        client.publish("a.1", b"x" * 900_000, part("big", 1, "1"), f"{INBOX}.big")

        def big_is_kept() -> bool:
            message = client.next(INBOX_SID)
            return message is not None and outcome(message.payload) == (1, None)

        assert big_is_kept()
