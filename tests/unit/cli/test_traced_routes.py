"""The way of a traced message: a tree of what servers tell, whatever order it comes in."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.messages.tracing.hops import Route, read
from pynats_cli.messages.tracing.screen import LEGEND, route_screen

START = "2026-11-30T07:39:47.0000"


def told(
    server: str, events: list[dict[str, Any]], hop: str = "", cluster: str = ""
) -> dict[str, Any]:
    headers = {"Nats-Trace-Only": ["true"]} | ({"Nats-Trace-Hop": [hop]} if hop else {})
    about = {"name": server, "ver": "2.15.1"} | ({"cluster": cluster} if cluster else {})
    return {"server": about, "request": {"header": headers}, "events": events}


def came(kind: int, cid: int, name: str, micro: int = 0) -> dict[str, Any]:
    return {"type": "in", "ts": f"{START}{micro:02}Z", "kind": kind, "cid": cid, "name": name}


def went(kind: int, cid: int, name: str, **more: Any) -> dict[str, Any]:
    return {"type": "eg", "ts": f"{START}2Z", "kind": kind, "cid": cid, "name": name, **more}


# A client's message in a cluster of two servers with a leaf node and another cluster.
NETWORK = [
    told("n0", [
        came(0, 22, "cli"),
        {"type": "sm", "ts": f"{START}1Z", "to": "x.1"},
        went(0, 18, "sub", sub="x.>", queue="q1"),
        went(1, 12, "n1", hop="1"), went(4, 16, "leaf", hop="2"), went(2, 14, "g2", hop="3"),
    ], cluster="C1"),
    told("n1", [came(1, 11, "n0"), {"type": "js", "ts": START + "Z", "stream": "S",
                                    "subject": "x.1"}], "1", "C1"),
    told("leaf", [came(4, 5, "n0"), went(1, 6, "deep", hop="2.1")], "2", "L"),
    told("deep", [came(1, 7, "leaf"), went(0, 8, "last", sub="x.1")], "2.1", "L"),
    told("g2", [came(2, 8, "n0"), went(0, 11, "sub", sub="x.>", acc="B")], "3", "C2"),
]  # fmt: skip
TREE = """\
Client "cli" cid:22 cluster:"C1" server:"n0" version:"2.15.1"
    Mapping subject:"x.1"
--C Client "sub" cid:18 subject:"x.>" queue:"q1"
--> Router "n1" rid:12
    Router "n0" rid:11 server:"n1" version:"2.15.1"
    --J JetStream action:"stored" stream:"S" subject:"x.1"
~~> Leafnode "leaf" lid:16
    Leafnode "n0" lid:5 server:"leaf" version:"2.15.1"
    --> Router "deep" rid:6
        Router "leaf" rid:7 server:"deep" version:"2.15.1"
        --C Client "last" cid:8 subject:"x.1"
==> Gateway "g2" gid:14
    Gateway "n0" gid:8 cluster:"C2" server:"g2" version:"2.15.1"
    --C Client "sub" cid:11 subject:"x.>" account:"B"
"""
COUNTS = """\
Egress Count:

     Client: 3
     Router: 2
    Gateway: 1
   Leafnode: 1
  JetStream: 1"""


def collected(messages: list[dict[str, Any]]) -> Route:
    route = Route()
    for message in messages:
        found = read(json.dumps(message).encode())
        assert found is not None
        route.add(found)
    return route


def screen(messages: list[dict[str, Any]], timestamps: bool = False) -> str:
    first = collected(messages).tree()
    assert first is not None
    return route_screen(first, timestamps)


@given(st.permutations(NETWORK))
def test_the_tree_is_complete_when_everyone_has_told(messages: list[dict[str, Any]]) -> None:
    assert not collected(messages[:-1]).complete
    assert collected(messages).complete
    assert screen(messages) == f"{TREE}\n{LEGEND}\n\n{COUNTS}"


def test_times_count_from_the_first_server() -> None:
    lines = screen([told("n", [came(0, 1, "c"), went(0, 2, "d")])], timestamps=True).splitlines()
    assert lines[:2] == [
        '[0s] Client "c" cid:1 server:"n" version:"2.15.1"',
        '[20µs] --C Client "d" cid:2',
    ]


def test_nobody_listens() -> None:
    stored = {"type": "js", "ts": START + "Z", "stream": "S", "subject": "a"}
    quiet = {"type": "in", "ts": START + "Z", "kind": 0, "cid": 1, "name": "c"}
    assert "\n--X No active interest\n" in screen([told("n", [quiet])])
    # Also below what a stream has kept, as the original says it.
    assert "\n--X No active interest\n" in screen([told("n", [quiet, stored])])
    assert 'action:"no interest"' in screen([told("n", [quiet, {**stored, "nointerest": True}])])


def test_errors_and_several_streams_are_told() -> None:
    def kept(stream: str, **more: Any) -> dict[str, Any]:
        return {"type": "js", "ts": START + "Z", "stream": stream, "subject": "a", **more}

    refused = screen([told("n", [came(0, 1, "c"), kept("A", error="maximum messages exceeded")])])
    assert 'action:"refused" stream:"A"' in refused
    assert "\n--X Error: maximum messages exceeded\n" in refused
    twice = screen([told("n", [came(0, 1, "c"), kept("B"), kept("A")])])
    assert "WARNING: the message is stored in several streams: A, B" in twice


def test_a_server_that_tells_of_a_circle_ends_nothing() -> None:
    circle = [
        told("n0", [came(0, 1, "c"), went(1, 2, "n1", hop="1")]),
        told("n1", [came(1, 1, "n0"), went(1, 2, "n0", hop="1"), went(1, 3, "n0", hop="")], "1"),
    ]
    assert collected(circle).complete
    assert screen(circle).count('Router "n0" rid:1 server:"n1"') == 1


@given(st.binary(max_size=40) | st.sampled_from([b"[]", b'{"events": 1}', b'{"events": [1]}']))
def test_other_messages_are_no_trace(data: bytes) -> None:
    found = read(data)
    assert found is None or found.events == []
