"""What a stream does with messages later, or elsewhere: expiry, markers, schedules, republishing.
Both servers do what is written here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.jetstream.test_publish_reference import create, stored
from tests.support.client import Client, header_block
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.process import ServerProcess

SECOND = 1_000_000_000
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
STORAGES = pytest.mark.parametrize("storage", ["memory", "file"])


@pytest.fixture(
    params=[
        pytest.param("live_reference", id="reference", marks=pytest.mark.reference),
        pytest.param("own_jetstream", id="pynats"),
    ]
)
def server(request: pytest.FixtureRequest) -> ServerProcess:
    found: ServerProcess = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def client(server: ServerProcess) -> Any:
    with Oracle(server.port) as client:
        yield client
        for name in client.api("STREAM.NAMES")["streams"] or []:
            client.api(f"STREAM.DELETE.{name}")


def publish(client: Oracle, subject: str, payload: bytes = b"x", **headers: str) -> int:
    block = header_block({name.replace("_", "-"): value for name, value in headers.items()})
    ack = client.publish(subject, payload, block if headers else b"")
    return int(ack["seq"])


def make(client: Oracle, name: str, storage: str, **config: Any) -> None:
    create(client, {"name": name, "subjects": [f"{name}.>"], "storage": storage, **config})


def subjects(client: Oracle, name: str) -> list[tuple[int, str, bytes]]:
    """Sequence, subject and headers of what is stored."""
    return [(seq, subject, block) for seq, subject, block, _ in stored(client, name)["messages"]]


def wait_for(client: Oracle, name: str, expected: list[tuple[int, str, bytes]]) -> None:
    last: list[Any] = []

    def seen() -> bool:
        last[:] = subjects(client, name)
        return last == expected

    try:
        wait_until(seen, f"the messages of {name}", interval_s=0.05)
    except AssertionError:
        assert last == expected
        raise


@STORAGES
def test_ttl_ends_messages_and_never_outlives_max_age(client: Oracle, storage: str) -> None:
    make(client, "T", storage, allow_msg_ttl=True, max_age=2 * SECOND, duplicate_window=SECOND)
    publish(client, "T.a", Nats_TTL="never")
    publish(client, "T.a")
    publish(client, "T.a", Nats_TTL="1s")
    publish(client, "T.b", Nats_TTL="1h")
    never = b"NATS/1.0\r\nNats-TTL: never\r\n\r\n"
    hour = b"NATS/1.0\r\nNats-TTL: 1h\r\n\r\n"
    wait_for(client, "T", [(1, "T.a", never), (2, "T.a", b""), (4, "T.b", hour)])
    wait_for(client, "T", [(1, "T.a", never)])


@STORAGES
def test_markers_follow_the_last_message_of_a_subject(client: Oracle, storage: str) -> None:
    make(
        client, "M", storage, allow_msg_ttl=True, allow_rollup_hdrs=True, max_age=SECOND,
        duplicate_window=SECOND, subject_delete_marker_ttl=60 * SECOND, max_msgs_per_subject=5,
    )  # fmt: skip
    publish(client, "M.a")
    publish(client, "M.a")
    publish(client, "M.kept", Nats_TTL="never")
    publish(client, "M.del", b"", KV_Operation="DEL")
    publish(client, "M.purged", b"", KV_Operation="PURGE")
    publish(client, "M.marked", b"", Nats_Marker_Reason="Remove")
    marker = b"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 1m0s\r\nNats-Rollup: sub\r\n\r\n"
    kept = b"NATS/1.0\r\nNats-TTL: never\r\n\r\n"
    wait_for(
        client, "M", [(3, "M.kept", kept), (7, "M.a", marker), (8, "M.del", marker)],
    )  # fmt: skip


@STORAGES
def test_markers_follow_ttls(client: Oracle, storage: str) -> None:
    make(
        client, "N", storage, allow_msg_ttl=True, allow_rollup_hdrs=True,
        subject_delete_marker_ttl=SECOND,
    )  # fmt: skip
    publish(client, "N.a", Nats_TTL="1s")
    publish(client, "N.b", Nats_TTL="1s")
    publish(client, "N.b", Nats_TTL="1h")
    hour = b"NATS/1.0\r\nNats-TTL: 1h\r\n\r\n"
    marker = b"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 1s\r\nNats-Rollup: sub\r\n\r\n"
    wait_for(client, "N", [(3, "N.b", hour), (4, "N.a", marker)])
    wait_for(client, "N", [(3, "N.b", hour)])


def in_a_moment() -> str:
    return f"@at {datetime.now(UTC) + timedelta(seconds=0.5):%Y-%m-%dT%H:%M:%SZ}"


@STORAGES
def test_schedule_publishes_once_and_ends(client: Oracle, storage: str) -> None:
    make(client, "S", storage, allow_msg_schedules=True, allow_rollup_hdrs=True, allow_msg_ttl=True)
    publish(client, "S.src", b"from source", K="v", Nats_Msg_Id="1", Nats_TTL="5m")
    publish(
        client, "S.a", b"own body", Nats_Schedule=in_a_moment(), Nats_Schedule_Target="S.t",
        Nats_Schedule_TTL="5m", Nats_Schedule_Rollup="sub", A="b", Nats_Msg_Id="2",
        Nats_Expected_Stream="S",
    )  # fmt: skip
    publish(
        client, "S.b", b"own body", Nats_Schedule=in_a_moment(), Nats_Schedule_Target="S.u",
        Nats_Schedule_Source="S.src", A="b",
    )  # fmt: skip
    publish(
        client, "S.c", b"c body", Nats_Schedule=in_a_moment(), Nats_Schedule_Target="S.v",
        Nats_Schedule_Source="S.none",
    )  # fmt: skip
    wait_until(lambda: stored(client, "S")["state"]["last_seq"] == 7, "three messages")
    messages = stored(client, "S")["messages"]
    source = (1, "S.src", messages[0][2], b"from source")
    assert messages == [
        source,
        (
            5, "S.t",
            b"NATS/1.0\r\nA: b\r\nNats-Scheduler: S.a\r\nNats-Schedule-Next: purge\r\n"
            b"Nats-TTL: 5m\r\nNats-Rollup: sub\r\n\r\n",
            b"own body",
        ),
        (
            6, "S.u",
            b"NATS/1.0\r\nK: v\r\nNats-Scheduler: S.b\r\nNats-Schedule-Next: purge\r\n\r\n",
            b"from source",
        ),
        (
            7, "S.v", b"NATS/1.0\r\nNats-Scheduler: S.c\r\nNats-Schedule-Next: purge\r\n\r\n",
            b"c body",
        ),
    ]  # fmt: skip


@STORAGES
def test_schedule_repeats_until_it_is_removed(client: Oracle, storage: str) -> None:
    make(client, "R", storage, allow_msg_schedules=True, allow_rollup_hdrs=True)
    publish(client, "R.a", Nats_Schedule="@every 1s", Nats_Schedule_Target="R.t")
    wait_until(lambda: stored(client, "R")["state"]["last_seq"] >= 3, "two messages")
    messages = stored(client, "R")["messages"]
    blocks = [STAMP.sub(b"<time>", block) for _, _, block, _ in messages[1:]]
    assert set(blocks) == {b"NATS/1.0\r\nNats-Scheduler: R.a\r\nNats-Schedule-Next: <time>\r\n\r\n"}
    assert messages[0][:2] == (1, "R.a")
    client.api("STREAM.PURGE.R", filter="R.a")
    last = stored(client, "R")["state"]["last_seq"]
    # Another schedule that fires later shows that the removed one would have fired by then.
    publish(client, "R.b", Nats_Schedule="@every 2s", Nats_Schedule_Target="R.u")
    wait_until(lambda: stored(client, "R")["state"]["last_seq"] > last + 1, "the other schedule")
    assert [entry[1] for entry in stored(client, "R")["messages"]][-2:] == ["R.b", "R.u"]


def test_republish(server: ServerProcess, client: Oracle) -> None:
    make(
        client, "P", "file", republish={"src": "P.in.>", "dest": "out.>"},
        allow_rollup_hdrs=True, max_msgs_per_subject=2,
    )  # fmt: skip
    make(client, "Q", "memory", republish={"dest": "size.>", "headers_only": True})
    with Client(server.port) as watcher:
        sid = watcher.subscribe("out.>")
        other = watcher.subscribe("size.>")
        watcher.flush()
        publish(client, "P.in.a", b"1")
        publish(client, "P.in.a", b"2", A="b", Nats_Msg_Id="1")
        publish(client, "P.in.a", b"2", Nats_Msg_Id="1")
        publish(client, "P.else", b"3")
        publish(client, "P.in.b.c", b"", Nats_Rollup="all")
        publish(client, "P.in.a", b"4")
        publish(client, "Q.a", b"12345")
        publish(client, "Q.a", b"123456", A="b")
        seen = [watcher.next(sid) for _ in range(4)] + [watcher.next(other) for _ in range(2)]
    common = (
        "Nats-Stream: {}\r\nNats-Subject: {}\r\nNats-Sequence: {}\r\n"
        "Nats-Time-Stamp: <time>\r\nNats-Last-Sequence: {}\r\n"
    )
    expected = [
        ("out.a", "", common.format("P", "P.in.a", 1, 0), b"1"),
        ("out.a", "A: b\r\nNats-Msg-Id: 1\r\n", common.format("P", "P.in.a", 2, 1), b"2"),
        ("out.b.c", "Nats-Rollup: all\r\n", common.format("P", "P.in.b.c", 4, 0), b""),
        ("out.a", "", common.format("P", "P.in.a", 5, 0), b"4"),
        ("size.Q.a", "", common.format("Q", "Q.a", 1, 0) + "Nats-Msg-Size: 5\r\n", b""),
        ("size.Q.a", "A: b\r\n", common.format("Q", "Q.a", 2, 1) + "Nats-Msg-Size: 6\r\n", b""),
    ]
    shown = [
        (m.subject, STAMP.sub(b"<time>", m.headers).decode(), m.payload)
        for m in seen
        if m is not None
    ]
    assert shown == [
        (subject, f"NATS/1.0\r\n{own}{more}\r\n", payload)
        for subject, own, more, payload in expected
    ]


def test_no_ack_streams_answer_nothing(server: ServerProcess, client: Oracle) -> None:
    make(client, "A", "memory", no_ack=True)
    with Client(server.port) as publisher:
        inbox = publisher.inbox()
        for headers in (
            {"Nats-Msg-Id": "1"},
            {"Nats-Msg-Id": "1"},
            {"Nats-Expected-Stream": "x"},
            {},
        ):
            publisher.publish("A.a", b"x", header_block(headers) if headers else b"", inbox)
        publisher.flush()
        wait_until(lambda: stored(client, "A")["state"]["last_seq"] == 2, "two messages")
        assert list(publisher.replies(inbox, 0.1)) == []
