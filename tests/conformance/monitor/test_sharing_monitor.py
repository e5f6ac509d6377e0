"""Monitoring of accounts that share: exports, imports, mappings and what they make of
subscriptions, compared with the real server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor.scene import Scene, ask
from tests.conformance.monitor.shape import shape
from tests.conformance.monitor.twins import Twins, text_of
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess
from tests.support.records import Recorded

CONFIG = """
server_name: "scene"
jetstream { domain: DD, store_dir: "@FOLDER@/store", max_mem: 100M, max_file: 100M, sync: always }
system_account: SYS
mappings {
  g.old: g.new
  "a.*.*": "b.{{partition(3,1)}}.$2"
  heavy: [{dest: w2, weight: 70}, {dest: w1, weight: 30}]
  part: [{dest: c, weight: 20}, {dest: a, weight: 20}, {dest: b, weight: 10}]
  lost: [{dest: lost, weight: 50}]
  all: [{dest: all, weight: 0}]
  none: []
  zero: [{dest: x, weight: 0}, {dest: y, weight: 60}]
  there: [{dest: x, weight: 100, cluster: C1}]
  both: [{dest: x, weight: 40, cluster: C1}, {dest: z, weight: 10}]
  source: [{dest: x, weight: 40, cluster: C1}, {dest: source, weight: 30}]
  here: [{dest: here, weight: 40, cluster: C1}, {dest: y, weight: 30}]
}
accounts {
  A {
    users: [{user: a, password: p}]
    jetstream: enabled
    exports: [
      {stream: "ev.>"}
      {stream: "priv.*", accounts: [B]}
      {service: "svc.*.*"}
      {service: "str", response: stream, accounts: [B, C], threshold: "5s"}
      {service: "chk", response: chunked}
      {service: "lat", latency: {sampling: 100%, subject: lat.m}}
      {service: "lath", latency: {sampling: headers, subject: lat.h}}
      {service: "tok.*", account_token_position: 2, allow_trace: true}
      {stream: "stok.*", account_token_position: 2}
      {stream: "two.*.*"}
      {service: both}
      {stream: both}
    ]
    mappings { "foo.*": "bar.$1", m2: [{dest: m2.a, weight: 50}] }
  }
  B {
    users: [{user: b, password: p}]
    exports: [{service: "bsvc"}, {stream: "bev"}]
    imports: [
      {stream: {account: A, subject: "ev.>"}, prefix: "pre."}
      {stream: {account: A, subject: "priv.x"}, to: "mine"}
      {stream: {account: A, subject: "priv.y"}}
      {stream: {account: A, subject: "two.*.*"}, to: "x.$2.$1"}
      {stream: {account: A, subject: "two.b.*"}, to: "y.{{wildcard(1)}}.z"}
      {service: {account: A, subject: "svc.*.*"}, to: "loc.$2.$1"}
      {service: {account: A, subject: "str"}, share: true}
      {service: {account: A, subject: "chk"}}
      {service: {account: A, subject: "lat"}}
      {service: {account: A, subject: "lath"}, to: "lath2"}
      {service: {account: A, subject: "tok.B"}}
      {stream: {account: A, subject: "stok.B"}, allow_trace: true}
    ]
  }
  C {
    users: [{user: c, password: p}]
    imports: [
      {service: {account: B, subject: bsvc}, to: "c.svc"}
      {stream: {account: B, subject: bev}}
    ]
  }
  D { users: [{user: d, password: p}] }
  E {}
  SYS { users: [{user: s, password: p}] }
}
authorization { users: [{user: plain, password: p}] }
"""


def build(server: ServerProcess, stack: ExitStack) -> None:
    """A client of each account; messages through imports of streams and services, unanswered."""
    scene = Scene(server)
    stack.callback(scene.close)
    speaks = {"headers": True, "no_responders": True}

    def join(user: str, subscribe: bytes) -> None:
        client = scene.connect({"user": user, "pass": "p", "name": user, **speaks})
        client.send(subscribe)
        client.fence()
        scene.clients.append(client)

    join(
        "a",
        b"SUB svc.*.* 1\r\nSUB str 2\r\nSUB chk 3\r\nSUB lat 4\r\nSUB lath 5\r\nSUB ev.x q 6\r\n",
    )
    join("b", b"SUB pre.ev.> 1\r\nSUB mine 2\r\nSUB > 3\r\nSUB pre.ev.a.* qq 4\r\nSUB r.* 9\r\n")
    join("c", b"SUB bev 1\r\nSUB in 2\r\n")
    join("plain", b"SUB g.new 1\r\n")
    join("s", b"SUB s 1\r\n")
    join("d", b"SUB d 1\r\nPUB d 2\r\nhi\r\n")
    scene.clients.pop().close()
    wait_until(lambda: ask(server, "/connz?acc=D").json()["total"] == 0, "the client of D to leave")
    a, b = scene.clients[:2]
    a.send(b"PUB ev.a.b 2\r\nhi\r\n")
    a.fence()
    b.fence()
    b.send(b"PUB loc.1.2 r.1 2\r\nhi\r\nPUB str r.2 2\r\nhi\r\nPUB chk r.3 2\r\nhi\r\n")
    b.send(b"PUB lat r.4 2\r\nhi\r\nPUB lath2 r.5 2\r\nhi\r\n")
    b.send(b"HPUB lath2 r.6 29 31\r\nNATS/1.0\r\nX-B3-Sampled: 1\r\n\r\nhi\r\n")
    b.fence()
    a.fence()


@pytest.fixture(scope="module")
def servers(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("monitor-sharing")
    with Twins(kind_under_test, folder, CONFIG, build) as twins:
        yield twins


def is_internal(entry: dict[str, Any]) -> bool:
    """Whether it is a subscription of a server, which has its own ones."""
    return entry["subject"].startswith(("$JS.", "_R_."))


def document(body: Any, clients: set[int]) -> Any:
    """The whole of it, without what the two have of their own."""
    if "subscriptions_list" in body and "limit" in body:
        shown = [entry for entry in body["subscriptions_list"] if not is_internal(entry)]
        for entry in shown:
            if entry["cid"] not in clients:
                entry["sid"] = "of the server"
        body |= {"total": len(shown), "subscriptions_list": shown}
    for entry in body.get("connections", []):
        entry.pop("out_bytes")  # what is told of who asks has times
    detail = body.get("account_detail", {})
    for name in ("exports", "imports"):
        for entry in detail.get(name, []):
            entry.get("approved_accounts", []).sort()  # a map, in the real server
        if name in detail:
            detail[name].sort(key=lambda entry: (entry["type"], entry["subject"], entry.get("to")))
    if "responses" in detail:
        for name, entry in detail["responses"].items():
            assert (entry["to"], entry["local_subject"]) == (name, name)
            form = r"_R_\.\w{6}\.\w{6}" + (r"\.\w{8}\.T" if entry["tracking"] else "")
            assert re.fullmatch(form, name)
            entry["to"] = entry["local_subject"] = "itself"
        detail["responses"] = sorted(detail["responses"].values(), key=lambda e: e["subject"])
    return shape(body, absent=frozenset())


ACCOUNTS = ("A", "B", "C", "E", "$G", "SYS")
PATHS = [
    "/accountz",
    *(f"/accountz?acc={name}" for name in ACCOUNTS),
    *(f"/connz?acc={name}&auth=1&subs=detail" for name in ACCOUNTS),
    # Not of E: an account that nobody has come into has no subscriptions of the server yet.
    *(f"/subsz?acc={name}&subs=1" for name in ("A", "B", "C", "$G")),
    "/subsz?acc=A&subs=1&test=ev.a.b",
    "/subsz?acc=A&subs=1&test=priv.x",
    "/subsz?acc=A&subs=1&test=svc.1.2",
    "/subsz?acc=A&subs=1&test=two.b.c",
    "/subsz?acc=B&subs=1&test=ev.a.b",
    "/subsz?acc=B&subs=1&test=pre.ev.a.b",
    "/subsz?acc=C&subs=1&test=bev",
    "/subsz?subs=1&test=bev",
    "/subsz?subs=1&test=g.new",
]


@pytest.mark.parametrize("path", PATHS)
def test_same_document(servers: Twins, recorded: Recorded, path: str) -> None:
    def look(server: ServerProcess) -> Any:
        reply = ask(server, path)
        assert reply.status == 200, reply.body
        open_ones = ask(server, "/connz").json()["connections"]
        return document(reply.json(), {entry["cid"] for entry in open_ones})

    servers.compare(recorded, look)


@pytest.mark.parametrize("path", ["/accstatz", "/accstatz?unused=1", "/accstatz?unused=F&acc=A"])
def test_same_accounts_have_figures(servers: Twins, recorded: Recorded, path: str) -> None:
    """Not those whose clients have left, unless unused ones are wanted."""

    def look(server: ServerProcess) -> Any:
        listed = ask(server, path).json()["account_statz"]
        figures = {
            entry["acc"]: {
                "fields": list(entry),
                "conns": [entry["conns"], entry["total_conns"], entry["leafnodes"]],
                "received": shape(entry["received"]),
                "sent": [list(entry["sent"]), entry["sent"]["routes"]],
            }
            for entry in listed
        }
        return dict(sorted(figures.items()))

    servers.compare(recorded, look)


def test_a_delivery_counts_for_the_account_of_its_message(
    servers: Twins, recorded: Recorded
) -> None:
    def look(server: ServerProcess) -> dict[str, int]:
        listed = ask(server, "/accstatz").json()["account_statz"]
        return {entry["acc"]: entry["sent"]["msgs"] for entry in listed if entry["acc"] in "AB"}

    servers.compare(recorded, look)


@pytest.mark.parametrize("path", ["/accountz?acc=$SYS", "/accountz?acc=ZZ", "/accountz?acc=a"])
def test_same_refusal(servers: Twins, recorded: Recorded, path: str) -> None:
    servers.compare(recorded, text_of(path))
