"""What publishing remembers outlasts a restart, and what it must survive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.jetstream.publish_rows import Pub, PublishRow
from tests.conformance.jetstream.reference import Reference, ask_live
from tests.conformance.jetstream.test_publish_reference import create, play, shown, stored
from tests.support.client import Client, header_block
from tests.support.deadline import wait_until
from tests.support.drawn import draw, new_examples, outcomes
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, ServerProcess

SECOND = 1_000_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    config = f'jetstream {{ store_dir: "{tmp_path}/store" }}\n'
    with ServerProcess(PYNATS, tmp_path, config) as server:
        yield server
        assert "[ERR]" not in server.log()


def restart(server: ServerProcess) -> None:
    server.stop()
    server.start()


def publish(client: Oracle, subject: str, payload: bytes = b"x", **headers: str) -> dict[str, Any]:
    block = header_block({name.replace("_", "-"): value for name, value in headers.items()})
    return client.publish(subject, payload, block if headers else b"")


def make(client: Oracle, name: str, **config: Any) -> None:
    create(client, {"name": name, "subjects": [f"{name}.>"], "storage": "file", **config})


def test_duplicates_and_last_id_are_known_after_a_restart(server: ServerProcess) -> None:
    with Oracle(server.port) as client:
        make(client, "D")
        for number in range(1, 40):
            publish(client, "D.a", Nats_Msg_Id=f"{number}")
        client.api("STREAM.MSG.DELETE.D", seq=3)
    restart(server)
    with Oracle(server.port) as client:
        assert publish(client, "D.a", Nats_Msg_Id="2") == {
            "stream": "D",
            "seq": 2,
            "duplicate": True,
        }
        assert publish(client, "D.a", Nats_Expected_Last_Msg_Id="1")["error"]["err_code"] == 10070
        assert publish(client, "D.a", Nats_Expected_Last_Msg_Id="39")["seq"] == 40
        assert publish(client, "D.a", Nats_Msg_Id="41")["seq"] == 41


def test_messages_beyond_the_window_are_no_duplicates(server: ServerProcess) -> None:
    with Oracle(server.port) as client:
        make(client, "W", duplicate_window=SECOND // 5)
        publish(client, "W.a", Nats_Msg_Id="1")
        assert publish(client, "W.a", Nats_Msg_Id="1").get("duplicate")
        wait_until(
            lambda: "duplicate" not in publish(client, "W.a", Nats_Msg_Id="1"), "end of the window"
        )
        config = {"name": "W", "subjects": ["W.>"], "storage": "file"}
        client.api("STREAM.UPDATE.W", **config, duplicate_window=3600 * SECOND)
        publish(client, "W.a", Nats_Msg_Id="2")
        assert publish(client, "W.a", Nats_Msg_Id="2").get("duplicate")


def test_every_acknowledged_block_is_there_after_a_restart(server: ServerProcess) -> None:
    blocks = [
        b"garbage\r\n", b"NATS/1.0\r\n", b"NATS/1.0\r\nA", b"NATS", b"NATS/1.0\r\n\r\n",
        b"\r\n\r\n",
        b"NATS/1.0\r\nA: " + b"x" * 65_517 + b"\r\n\r\n", b"NATS/1.0\r\n\r\nA: b\r\n\r\n",
        b"NATS/1.0\r\n\r\nA: b", b"NATS/1.0\nA: b\n\n",
    ]  # fmt: skip
    kept = []
    with Oracle(server.port) as client:
        make(client, "B")
        for block in blocks:
            for payload in (b"", b"x", b"HTTP/1.1 200\r\n\r\n"):
                ack = client.publish("B.a", payload, block)
                if "error" not in ack:
                    kept.append((ack["seq"], "B.a", block, payload))
        assert stored(client, "B")["messages"] == kept
    assert len(kept) >= 2 * len(blocks)
    restart(server)
    with Oracle(server.port) as client:
        assert stored(client, "B")["messages"] == kept


def test_ttls_and_markers_go_on_after_a_restart(server: ServerProcess) -> None:
    with Oracle(server.port) as client:
        make(
            client,
            "T",
            allow_msg_ttl=True,
            allow_rollup_hdrs=True,
            subject_delete_marker_ttl=SECOND,
        )
        publish(client, "T.a", Nats_TTL="1s")
        publish(client, "T.b", Nats_TTL="never")
    restart(server)
    with Oracle(server.port) as client:
        wait_until(lambda: stored(client, "T")["state"]["last_seq"] == 3, "the marker")
        wait_until(lambda: stored(client, "T")["state"]["messages"] == 1, "the end of the marker")


def test_schedules_go_on_after_a_restart(server: ServerProcess) -> None:
    soon = f"@at {datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
    with Oracle(server.port) as client:
        make(client, "S", allow_msg_schedules=True, allow_rollup_hdrs=True)
        publish(client, "S.once", b"1", Nats_Schedule=soon, Nats_Schedule_Target="S.t")
        publish(client, "S.often", b"2", Nats_Schedule="@every 1s", Nats_Schedule_Target="S.u")
        wait_until(lambda: stored(client, "S")["state"]["last_seq"] > 2, "a message")
    restart(server)
    with Oracle(server.port) as client:

        def published() -> bool:
            found = [entry[1] for entry in stored(client, "S")["messages"]]
            return found.count("S.u") >= 3 and found.count("S.t") == 1 and "S.once" not in found

        wait_until(published, "messages of both schedules")


def test_too_many_waiting_messages_are_refused(tmp_path: Path) -> None:
    config = f'jetstream {{ store_dir: "{tmp_path}/store", max_buffered_size: 1KB }}\n'
    with ServerProcess(PYNATS, tmp_path, config) as server, Oracle(server.port) as client:
        make(client, "F")
        with Client(server.port) as publisher:
            inbox = publisher.inbox()
            for _ in range(200):
                publisher.publish("F.a", b"x" * 600, b"", inbox)
            replies = [
                message for _, message in zip(range(200), publisher.replies(inbox), strict=False)
            ]
        refused = [reply for reply in replies if b"error" in reply.payload]
        assert len(replies) == 200
        assert refused
        assert refused[0].status == 429
        assert json.loads(refused[0].payload)["error"] == {
            "code": 429, "err_code": 10167, "description": "too many requests",
        }  # fmt: skip
        assert stored(client, "F")["state"]["messages"] == 200 - len(refused)
        assert publish(client, "F.a")["seq"] == 200 - len(refused) + 1


def test_streams_that_republish_into_each_other_leave_the_server_alive(
    server: ServerProcess,
) -> None:
    with Oracle(server.port) as client:
        make(client, "X", republish={"src": "X.>", "dest": "Y.>"}, max_msgs=10)
        make(client, "Y", republish={"src": "Y.>", "dest": "X.>"}, max_msgs=10)
        publish(client, "X.a")
        wait_until(lambda: client.api("STREAM.INFO.X")["state"]["last_seq"] > 20, "a few rounds")
        client.api("STREAM.DELETE.X")
        assert publish(client, "Y.a")["stream"] == "Y"


IDS = st.sampled_from(["1", "2", "3"])
NUMBERS = st.integers(0, 5).map(str)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Nats-Msg-Id": IDS,
        "Nats-Expected-Last-Msg-Id": IDS,
        "Nats-Expected-Last-Sequence": NUMBERS,
        "Nats-Expected-Last-Subject-Sequence": NUMBERS,
        "Nats-Rollup": st.sampled_from(["sub", "all", "x"]),
        "Nats-TTL": st.sampled_from(["1h", "never", "x"]),
    },
)
PUBS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), HEADERS, st.text(st.characters(max_codepoint=255), max_size=40)
    ),
    min_size=1,
    max_size=12,
)
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "max_msgs": st.integers(1, 4),
        "max_bytes": st.integers(100, 300),
        "max_msgs_per_subject": st.integers(1, 3),
        "max_msg_size": st.integers(30, 120),
        "discard": st.sampled_from(["old", "new"]),
        "allow_rollup_hdrs": st.booleans(),
        "allow_msg_ttl": st.booleans(),
    },
)


def random_row(config: dict[str, Any], pubs: list[tuple[str, dict[str, str], str]]) -> PublishRow:
    steps = [Pub(subject, headers, payload.encode("latin-1")) for subject, headers, payload in pubs]
    return PublishRow("random", config, tuple(steps))


def outcome(client: Oracle, row: PublishRow) -> Any:
    found = shown(play(client, row, "memory"))
    client.api("STREAM.DELETE.random")
    return found


def test_random_publishes_end_as_on_the_real_server(reference: Reference, ours: Oracle) -> None:
    examples = outcomes(
        reference.recorded,
        lambda: draw(st.tuples(CONFIGS, PUBS), 60),
        lambda example: reference.asked(lambda oracle: outcome(oracle, random_row(*example))),
    )
    assert len(examples) > 40
    for example, theirs in examples:
        assert outcome(ours, random_row(*example)) == theirs, example


@pytest.mark.reference
@new_examples(60)
@given(config=CONFIGS, pubs=PUBS)
def test_new_random_publishes_end_as_on_the_real_server(
    config: dict[str, Any],
    pubs: list[tuple[str, dict[str, str], str]],
    reference_servers: ServerPool,
    ours: Oracle,
) -> None:
    row = random_row(config, pubs)
    theirs = ask_live(reference_servers, lambda oracle: outcome(oracle, row))
    assert outcome(ours, row) == theirs
