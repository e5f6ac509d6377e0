"""Screens and tables of streams, from information as the real server gives it."""

from __future__ import annotations

from typing import Any

import pytest
from pynats_cli.jetstream.streams.screen import info_screen, origin_text
from pynats_cli.jetstream.streams.tables import (
    dot_graph,
    leaders_table,
    list_table,
    replicas_text,
    replication_table,
    report_table,
    subjects_table,
    unavailable_tables,
)
from pynats_cli.screen.columns import Columns

R3: dict[str, Any] = {
    "config": {
        "name": "R3", "subjects": ["r3.>"], "retention": "limits", "storage": "file",
        "num_replicas": 3, "placement": {"cluster": "C1", "tags": ["ssd", "az:1"]},
        "max_age": 0, "max_msgs": -1, "discard": "old", "duplicate_window": 120 * 10**9,
        "metadata": {"_nats.ver": "2.15.1", "_nats.level": "5", "_nats.req.level": "0", "b": "2",
                     "a": "1"},
    },
    "created": "2026-11-30T07:24:44.1Z",
    "state": {
        "messages": 1234, "bytes": 36, "first_seq": 1, "first_ts": "2026-11-30T07:24:44.9Z",
        "last_seq": 1240, "last_ts": "2026-11-30T07:24:45Z", "num_deleted": 6, "num_subjects": 2,
        "consumer_count": 1, "lost": {"msgs": [3, 4], "bytes": 2048},
    },
    "cluster": {
        "name": "C1", "raft_group": "S-R3F-x", "leader": "n1", "system_account": True,
        "leader_since": "2026-11-30T07:24:44Z",
        "replicas": [
            {"name": "n2", "current": True, "active": 258_000_000},
            {"name": "n3", "current": False, "active": 0, "lag": 12, "offline": True},
        ],
    },
    "alternates": [{"name": "M1", "cluster": "C1"}, {"name": "R3", "cluster": "C2", "domain": "d"}],
}  # fmt: skip
COPY: dict[str, Any] = {
    "config": {
        "name": "M1", "storage": "file",
        "mirror": {"name": "R3", "external": {"api": "a.p", "deliver": "d.p"}},
    },
    "state": {"messages": 0, "bytes": 0},
    "cluster": {"name": "C1", "leader": "n3"},
    "mirror": {
        "name": "R3", "lag": 5, "active": -1, "external": {"api": "a.p", "deliver": "d.p"},
        "subject_transforms": [{"src": "s.a", "dest": "d.a"}],
        "error": {"description": "not found", "err_code": 10059},
    },
}  # fmt: skip
MERGED: dict[str, Any] = {
    "config": {"name": "SO", "storage": "memory",
               "sources": [{"name": "R3", "opt_start_seq": 4}, {"name": "R1"}]},
    "state": {"messages": 2, "bytes": 193},
    "sources": [
        {"name": "R3", "lag": 0, "active": 22_000_000, "filter_subject": "s.a"},
        {"name": "R1", "lag": 0, "active": 0,
         "subject_transforms": [{"src": "s.a", "dest": ""}, {"src": "s.b", "dest": "b"}]},
    ],
}  # fmt: skip


def rows(info: dict[str, Any]) -> dict[str, str]:
    return {row.label: row.value for row in info_screen(info).rows if row.label}


def test_the_rows_of_a_stream_in_a_cluster() -> None:
    shown = rows(R3)
    wanted = {
        "Placement Cluster": "C1", "Placement Tags": "ssd, az:1", "a": "1", "b": "2",
        "Cluster Traffic Account": "System Account", "Cluster Group": "S-R3F-x",
        "Messages": "1,234", "Bytes": "36 B", "Lost Messages": "2 (2.0 KiB)",
        "First Sequence": "1 @ 2026-11-30 07:24:44", "Deleted Messages": "6",
        "Required API Level": "0 hosted at level 5",
        "Alternates": "M1: Cluster: C1\nR3: Cluster: C2 Domain: d",
    }  # fmt: skip
    assert {label: shown.get(label) for label in wanted} == wanted
    assert shown["Leader"].startswith("n1 (")
    replicas = [row.value for row in info_screen(R3).rows if row.label == "Replica"]
    assert replicas == [
        "n2, current, seen 258ms ago", "n3, outdated, OFFLINE, not seen, 12 operations behind"
    ]  # fmt: skip
    assert "_nats.ver" not in shown


@pytest.mark.parametrize(("info", "title"), [(R3, "Cluster"), (COPY, "Mirror"), (MERGED, "Source")])
def test_a_state_is_shown_with_where_it_comes_from(info: dict[str, Any], title: str) -> None:
    sections = [row.value for row in info_screen(info, state_only=True).rows if not row.label]
    assert f"{title} Information" in sections
    assert sections[-1] == "State"
    assert "Limits" not in sections


def test_the_rows_of_a_mirror_and_of_sources() -> None:
    shown = rows(COPY)
    assert shown["Mirror"] == "R3, API Prefix: a.p, Delivery Prefix: d.p"
    assert shown["Subject Filter and Transform"] == "s.a to d.a"
    assert (shown["Lag"], shown["Last Seen"]) == ("5", "never")
    assert shown["Ext. API Prefix"] == "a.p" and shown["Error"] == "not found (10059)"
    text = info_screen(MERGED).render()
    assert (
        "                         Sources: R1\n                                  R3, Start Seq: 4\n"
        in text
    )
    assert "Last Seen: 22ms\n\n                     Stream Name: R1\n" in text
    assert "Subject Filter: s.a\n" in text
    assert "s.a untransformed\n                                  s.b to b\n" in text


def test_all_that_an_origin_may_have() -> None:
    assert origin_text({
        "name": "S", "opt_start_time": "2026-01-02T03:04:05Z",
        "consumer": {"name": "c", "deliver_subject": "d"},
    }) == "S, Start Time: 2026-01-02 03:04:05, Consumer Name: c (d)"  # fmt: skip


@pytest.mark.parametrize(
    ("config", "label", "text"),
    [
        ({"discard": "new", "discard_new_per_subject": True}, "Discard Policy", "New Per Subject"),
        ({"compression": "s2"}, "Compression", "S2 Compression"),
        ({"compression": "none"}, "Compression", None),
        ({"persist_mode": "async"}, "Persistence Mode", "Async"),
        ({"sealed": True}, "Sealed", "true"),
        ({"no_ack": True}, "Acknowledgments", "false"),
        ({"first_seq": 50}, "First Sequence", None),
        ({"republish": {"src": "a", "dest": "b"}}, "Republishing", "a to b"),
        ({"republish": {"dest": "b", "headers_only": True}}, "Republishing Headers", "> to b"),
        ({"subject_transform": {"src": "a", "dest": "b"}}, "Subject Transform", "a to b"),
        ({"max_bytes": 1 << 20}, "Maximum Bytes", "1.0 MiB"),
        ({"max_age": 36 * 3600 * 10**9}, "Maximum Age", "1d12h0m0s"),
        ({"max_msgs_per_subject": 0}, "Maximum Per Subject", "unlimited"),
        ({"retention": "workqueue"}, "Retention", "WorkQueue"),
        ({"consumer_limits": {"max_ack_pending": 7}}, "Consumer Max Ack Pending", "7"),
        ({"subject_delete_marker_ttl": 5 * 10**9}, "Subject Delete Markers TTL", "5.00s"),
    ],
)  # fmt: skip
def test_rows_of_the_configuration(config: dict[str, Any], label: str, text: str | None) -> None:
    info = {"config": {"name": "S", **config}, "state": {}}
    rows_of_it = [row.value for row in info_screen(info).rows if row.label == label]
    if text is None:
        assert label == "First Sequence" or not rows_of_it
    else:
        assert rows_of_it[0] == text


def test_screens_have_lines_of_values_and_no_two_empty_lines() -> None:
    screen = Columns("Head")
    screen.section("First")
    screen.add("Label", "one\ntwo")
    screen.space()
    screen.add("L", "x")
    screen.section("Last")
    assert screen.render() == (
        "Head\n\nFirst:\n\n  Label: one\n         two\n\n      L: x\n\nLast:\n"
    )


def test_tables_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", "csv")
    report = report_table([R3, MERGED], raw=False).splitlines()
    assert report[0].startswith("Stream,Storage,Placement,Consumers,Messages,Bytes,Lost,Deleted")
    assert report[1] == (
        'R3,File,"cluster: C1 tags: ssd, az:1",1,"1,234",36 B,2,6,0,"n1*, n2, n3!"'
    )
    assert report_table([R3], raw=True).splitlines()[1].split(",")[4:7] == ["1", "1234", "36"]
    copies = replication_table([R3, COPY, MERGED]).splitlines()
    assert copies[1:] == [
        "M1,Mirror,a.p,R3,s.a to d.a,never,5,not found",
        "SO,Source,,R3,s.a untransformed,22ms,0,",
        'SO,Source,,R1,"s.a untransformed, s.b to b",0s,0,',
    ]
    assert replication_table([R3]) == ""
    leaders = leaders_table([R3, COPY, MERGED], "Streams").splitlines()
    assert leaders == ["Server,Cluster,Streams,Distribution", "n1,C1,1,*****", "n3,C1,1,*****"]
    assert list_table([COPY], "Streams").splitlines()[1] == "M1,,,0,0 B,never"
    assert unavailable_tables(["B", "A"], {"C": "too new"}) == [
        "Name\nA\nB", "Name,Reason\nC,too new"
    ]  # fmt: skip


def test_servers_of_a_group() -> None:
    assert replicas_text({}) == replicas_text({"leader": "id"}) == ""
    assert replicas_text({"name": "C", "replicas": [{"name": "b", "current": True}]}) == "b"


def test_graphs_of_replication_name_every_stream_once() -> None:
    text = dot_graph([COPY, MERGED])
    assert text.count('label="R3 (a.p)"') == text.count('label="R1"') == 1
    assert 'n3->n1[color="blue",label="Mirror"]' in text or "->" in text
    assert text.count("->") == 3


def test_subjects_fill_columns_from_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", "csv")
    counts = {"a": 3, "b": 1, "c": 2, "d": 4}
    assert subjects_table(counts, "S", "messages", False).splitlines() == [
        "Subject,Count,Subject,Count,Subject,Count", "b,1,a,3,,", "c,2,d,4,,"
    ]  # fmt: skip
    assert subjects_table(counts, "S", "name", True).splitlines()[1] == "d,4,b,1,,"
    assert subjects_table({"x" * 25: 1, "y": 2, "z": 3}, "S", "name", False).count("Count") == 2
    assert subjects_table({"x" * 40: 1, "y": 2}, "S", "name", False).count("Count") == 1


def test_a_stream_that_moves_says_from_where_to_where() -> None:
    """As nats-server 2.15 tells of it: new tags, and three replicas instead of one."""
    info: dict[str, Any] = {
        "config": {"name": "R1", "num_replicas": 3, "placement": {"tags": ["t2", "ssd"]}},
        "created": "2026-11-30T11:00:00Z",
        "state": {},
        "cluster": {
            "name": "C1",
            "raft_group": "S-R1F-HByxM6NL",
            "leader": "n1",
            "replicas": [{"name": "n3", "current": False, "active": 0, "pending": True}],
            "desired": {
                "created": "2026-11-30T11:02:54.99536399Z",
                "name": "C1",
                "replicas": [{"name": "n2", "peer": "44jzkV9D"}, {"peer": "BXScrY9i"}],
                "origin": {"replicas": 1, "placement": {"tags": ["t1"]}},
                "status": {"description": "waiting for quorum to add peer", "type": "quorum"},
            },
        },
    }
    text = info_screen(info).render()
    assert "Replica: n3, outdated, not seen, (pending)\n" in text
    moving = text.partition("  Cluster Migration Status:\n\n")[2].partition("State:")[0]
    rows = [line.strip() for line in moving.splitlines() if line.strip()]
    assert rows[2].startswith("Created: 2026-11-30 ")
    assert rows[:2] + rows[3:] == [
        "Status: waiting for quorum to add peer", "Type: quorum", "Replicas: 1 -> 3",
        "Placement Tags: t1 -> t2, ssd", "Desired Peers: n2", "BXScrY9i",
    ]  # fmt: skip
    del info["cluster"]["desired"], info["config"]["placement"]
    assert "Migration" not in info_screen(info).render()
