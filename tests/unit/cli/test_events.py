"""Events in every form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.servers.events.choice import chosen_sources, event_filter
from pynats_cli.servers.events.event import Event, UnknownEvent, parse_event
from pynats_cli.servers.events.kinds import KINDS, KNOWN
from pynats_cli.servers.events.view import EventView

ADVISORY = "io.nats.jetstream.advisory.v1."
SERVER = "io.nats.server.advisory.v1."
CLIENT = {
    "host": "127.0.0.1", "id": 110, "acc": "A", "user": "a", "name": "cli", "lang": "go",
    "ver": "1.53.1", "rtt": 1_000_075, "kind": "Client", "client_type": "nats", "tags": ["x", "y"],
}  # fmt: skip
PEERS = [
    {"name": "n1", "current": True, "active": 0},
    {"name": "n2", "current": False, "active": 1_500_000, "offline": True, "lag": 12},
]
HOST = {"name": "n1", "id": "NAAA", "cluster": "C"}
TRAFFIC = {"sent": {"msgs": 1000, "bytes": 2048}, "received": {"msgs": 3, "bytes": 4}}
ASSET = {"stream": "S", "consumer": "C"}
DELIVERY = {**ASSET, "stream_seq": 1234567, "consumer_seq": 4, "deliveries": 5}
SPAN = {"start": "2026-11-30T07:23:24Z", "end": "2026-11-30T07:23:29.5Z"}
LATENCY = {
    "status": 200, "requestor": {"acc": "A", "rtt": 1000}, "start": "2026-11-30T07:23:24Z",
    "service": 100_000, "system": 20_000, "total": 300_000,
}  # fmt: skip

# Type and fields, and what the real `nats` 0.5.0 shows with --short, but for the time; where we
# differ, the comment says how.
EVENTS: list[tuple[str, dict[str, Any], str]] = [
    (ADVISORY + "api_audit", {"server": "n1", "client": CLIENT, "subject": "$JS.API.X"},
     "[JS API] $JS.API.X a @ A"),
    (ADVISORY + "consumer_action", {**ASSET, "action": "create"}, "[Consumer Create] S > C"),
    (ADVISORY + "consumer_group_pinned", {**ASSET, "group": "g", "pinned_id": "PID"},
     "[PINNED] Consumer S > C pinned client PID for group g"),
    (ADVISORY + "consumer_group_unpinned", {**ASSET, "group": "g", "reason": "admin"},
     "[UNPINNED] Consumer S > C unpinned client for group g: admin"),
    (ADVISORY + "consumer_leader_elected", {**ASSET, "leader": "n1", "replicas": PEERS},
     "[RAFT] Consumer S > C elected n1 of 2 peers"),
    # Theirs shows the time as Go prints it.
    (ADVISORY + "consumer_pause",
     {**ASSET, "paused": True, "pause_until": "2026-12-30T07:23:24Z"},
     "[Consumer Pause] Consumer: S > C Paused: true until 2026-12-30 07:23:24"),
    (ADVISORY + "consumer_pause",
     {**ASSET, "paused": False, "pause_until": "0001-01-01T00:00:00Z"},
     "[Consumer Pause] Consumer: S > C Paused: false"),
    (ADVISORY + "consumer_quorum_lost", {**ASSET, "replicas": PEERS},
     "[RAFT] Consumer S > C lost quorum of 2 peers"),
    (ADVISORY + "domain_leader_elected", {"leader": "n1", "replicas": PEERS, "cluster": "CL"},
     "[RAFT] Domain leader elected n1 in cluster CL leader of 2 peers"),
    (ADVISORY + "max_deliver", DELIVERY, "[JS Max Deliveries] S (1234567) > C: 5 deliveries"),
    (ADVISORY + "nak", DELIVERY, "[JS Delivery NAKed] S (1234567) > C: 5 deliveries"),
    (ADVISORY + "terminated", {**DELIVERY, "reason": "bad"},
     "[JS Delivery Terminated] S (1234567) > C: 5 deliveries: bad"),
    (ADVISORY + "restore_create", {"stream": "S", "client": CLIENT}, "[Restore Create] S"),
    # Theirs says "121 KiB bytes".
    (ADVISORY + "restore_complete", {"stream": "S", "client": CLIENT, "bytes": 123456, **SPAN},
     "[Restore Complete] S restored 121 KiB started 07:23:24 ended 07:23:29"),
    (ADVISORY + "server_out_of_space", {"server": "n1", "server_id": "NID", "cluster": "CL"},
     "[Out of Space] n1 (NID) in cluster CL ran out of disk space"),
    (ADVISORY + "server_removed", {"server": "n1", "server_id": "NID", "cluster": "CL"},
     "[Server Removed] n1 (NID) in cluster CL was removed"),
    (ADVISORY + "snapshot_create",
     {"stream": "S", "client": CLIENT, "state": {"messages": 10, "bytes": 2000}},
     "[Snapshot Create] S 10 messages 2.0 KiB"),
    (ADVISORY + "snapshot_complete", {"stream": "S", **SPAN},
     "[Snapshot Complete] S started 07:23:24 ended 07:23:29"),
    (ADVISORY + "snapshot_complete", {"stream": "S", **SPAN, "error": "boom"},
     "[Snapshot Failed] S started 07:23:24 ended 07:23:29: boom"),
    (ADVISORY + "stream_action", {"stream": "S", "action": "update"}, "[Stream Update] S"),
    # Theirs has no blank after the bracket, and two before "abandoned".
    (ADVISORY + "stream_batch_abandoned",
     {"stream": "S", "batch": "B1", "reason": "timeout", "domain": "D"},
     "[Batch Abandoned] S in domain D abandoned batch B1: timeout"),
    (ADVISORY + "stream_leader_elected", {"stream": "S", "leader": "n1", "replicas": PEERS},
     "[RAFT] Stream S elected n1 of 2 peers"),
    (ADVISORY + "stream_quorum_lost", {"stream": "S", "replicas": PEERS},
     "[RAFT] Stream S lost quorum of 2 peers"),
    (SERVER + "account_connections",
     {"server": HOST, "acc": "A", "conns": 3, "leafnodes": 2, "slow_consumers": 6, **TRAFFIC},
     "[Account] A Server: n1 Connections: 3 Leaf Nodes: 2 Slow: 6 Sent: 1000 / 2.0 KiB "
     "Received: 3 / 4 B"),
    (SERVER + "client_connect", {"server": HOST, "client": CLIENT},
     "[Connection] user: a cid: 110 in account A"),
    (SERVER + "client_disconnect",
     {"server": HOST, "client": CLIENT, "reason": "Client Closed", **TRAFFIC},
     "[Disconnection] user: a cid: 110 in account A: Client Closed"),
    # Theirs shows the delay in bare nanoseconds.
    ("io.nats.jetstream.metric.v1.consumer_ack", {**DELIVERY, "ack_time": 212485},
     "[JS Ack] S (1234567) > C (4): 5 deliveries in 212.485µs"),
    ("io.nats.server.metric.v1.service_latency",
     {**LATENCY, "description": "OK", "responder": {"rtt": 1500}},
     "[Svc Latency] OK requestor 1µs <-> system 20µs <- service rtt 1.5µs -> service 100µs"),
    ("io.nats.server.metric.v1.service_latency", LATENCY,
     "[Svc Latency] requestor 1µs <-> system 20µs <- service rtt 0s -> service 100µs"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def message(kind: str, fields: dict[str, Any]) -> bytes:
    event = {"type": kind, "id": "ID1", "timestamp": "2026-11-30T07:23:24.5Z", **fields}
    return json.dumps(event).encode()


def shown(form: str, data: bytes) -> tuple[list[str], list[str]]:
    """What is written, and what is complained about."""
    out: list[str] = []
    err: list[str] = []
    EventView(form, event_filter("."), out.append, err.append).take(data, "subject")
    return out, err


def test_every_kind_is_here() -> None:
    assert {kind for kind, _, _ in EVENTS} == KNOWN


@pytest.mark.parametrize(("kind", "fields", "line"), EVENTS)
def test_one_line(kind: str, fields: dict[str, Any], line: str) -> None:
    assert shown("short", message(kind, fields)) == ([f"07:23:24 {line}"], [])


@pytest.mark.parametrize(("kind", "fields", "_line"), EVENTS)
def test_in_full_nothing_is_lost(kind: str, fields: dict[str, Any], _line: str) -> None:
    (text,), complaints = shown("long", message(kind, fields))
    assert complaints == [] and text.startswith("[07:23:24] [ID1] ")
    for name in ("stream", "consumer", "leader", "group", "pinned_id", "reason", "batch"):
        if name in fields:
            assert str(fields[name]) in text, (name, text)


def test_a_screen() -> None:
    (text,), _ = shown("long", message(SERVER + "client_disconnect", {
        "server": HOST, "client": CLIENT, "reason": "Client Closed", **TRAFFIC,
    }))  # fmt: skip
    assert (
        text
        == """\
[07:23:24] [ID1] Client Disconnection

                Reason: Client Closed
                Server: n1
               Cluster: C

    Client:

                    ID: 110
                  User: a
                  Name: cli
               Account: A
       Library Version: 1.53.1  Language: go
                  Host: 127.0.0.1
                  Tags: x,y
           Client Kind: Client
           Client Type: nats

    Stats:

                   RTT: 1.000075ms
       Client Received: 3 messages (4 B)
      Client Published: 1000 messages (2.0 KiB)
"""
    )


def test_requests_and_answers_stand_below_their_titles() -> None:
    fields = {"server": "n1", "subject": "x", "request": '{"a":1}', "response": "b"}
    (text,), _ = shown("long", message(ADVISORY + "api_audit", fields))
    assert '    Request:\n\n          {"a":1}\n\n    Response:\n\n          b\n' in text


def test_json_passes_every_event_through_in_a_line() -> None:
    assert shown("json", b'{"any": "thing"}\n') == (['{"any": "thing"}'], [])
    assert shown("json", b'{\n "any": 1\n}') == (['{"any": 1}'], [])


def test_json_is_never_something_else() -> None:
    out, err = shown("json", b"hello")
    assert out == [] and err[0].startswith("Event error: parsing failed: ")


def test_cloud_events() -> None:
    (text,), _ = shown("cloudevent", message(SERVER + "client_connect", {"server": HOST}))
    event = json.loads(text)
    data = event.pop("data")
    assert event == {
        "type": SERVER + "client_connect", "time": "2026-11-30T07:23:24.5Z", "id": "ID1",
        "source": "urn:nats:server", "specversion": "1.0", "subject": "advisory",
        "dataschema": "https://raw.githubusercontent.com/nats-io/jsm.go/master/schemas/"
                      "server/advisory/v1/client_connect.json",
    }  # fmt: skip
    assert data["server"] == HOST and text.count("\n") > 5
    (text,), _ = shown("cloudevent", message("io.nats.jetstream.metric.v1.consumer_ack", DELIVERY))
    event = json.loads(text)
    assert (event["source"], event["subject"]) == ("urn:nats:jetstream", "metric")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"hello", "parsing failed"),
        (b"[" * 100_000, "parsing failed"),
        (b'{"x":1}', "unknown event schema on subject s"),
        (b"[]", "unknown event schema"),
        (b'{"type":7}', "unknown event schema"),
        (b'{"type":"io.nats.what"}', 'unknown event type "io.nats.what"'),
    ],
)
def test_what_is_no_event(data: bytes, complaint: str) -> None:
    with pytest.raises(UnknownEvent, match=complaint):
        parse_event(data, "s", KNOWN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
FIELDS = sorted({name for _, fields, _ in EVENTS for name in fields} | {"timestamp", "id"})


@given(st.sampled_from(sorted(KNOWN)), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_fields_are_shown_somehow(kind: str, fields: dict[str, Any]) -> None:
    event = Event(kind, fields)
    assert isinstance(KINDS[kind].title(event), str)
    assert isinstance(KINDS[kind].rows(event).render(), str)
    assert isinstance(KINDS[kind].line(event), str)


def test_the_filter_ignores_case_and_is_checked() -> None:
    passes = event_filter("consumer.*LEADER")
    assert passes('"consumer_leader_elected"') and not passes('"stream_action"')
    with pytest.raises(CliError, match="invalid body regular expression"):
        event_filter("(")


def test_what_is_listened_to() -> None:
    def subjects(prefix: str = "", **chosen: Any) -> list[str]:
        wanted = {"advisories": False, "metrics": False, "servers": False, "subjects": [], **chosen}
        return [source.subject for source in chosen_sources(prefix=prefix, **wanted)]

    assert subjects(advisories=True, metrics=True) == ["$JS.EVENT.ADVISORY.>", "$JS.EVENT.METRIC.>"]
    assert subjects(metrics=True, prefix="foo.") == ["foo.METRIC.>"]
    assert subjects(subjects=["a", "b"]) == ["a", "b"]
    assert len(subjects(servers=True)) == 3
    with pytest.raises(CliError, match="no events were chosen"):
        subjects()
