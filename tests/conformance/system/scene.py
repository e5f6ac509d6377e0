"""A server with a system account and tenants, and what it answers to requests there."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from tests.conformance.monitor.jetstream_scene import create
from tests.support.client import Client, header_block
from tests.support.deadline import wait_until
from tests.support.encodings import unpacked
from tests.support.masks import Shape
from tests.support.process import ServerProcess

CONFIG = """
server_name: "nA"
server_tags: ["az:1", "rack:2"]
jetstream { store_dir: "@FOLDER@/store", max_mem: 100M, max_file: 100M, sync: always, domain: hub }
accounts {
  A {
    jetstream: enabled
    users: [
      {user: a, password: p}
      {user: narrow, password: p, permissions: {
        publish: {allow: ["$SYS.REQ.USER.INFO", "z"]}, subscribe: {allow: [">"], deny: ["no"]},
        allow_responses: {max: 3, ttl: "2m"}}}
      {user: mute, password: p, permissions: {publish: "nothing"}}
    ]
    imports: [
      {service: {account: SYS, subject: "$SYS.DEBUG.SUBSCRIBERS"}}
      {service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.VARZ"}}
    ]
    mappings: {m: [{destination: m1, weight: 30%}, {destination: m2, weight: 70%}]}
  }
  B { users: [{user: b, password: p}], exports: [{service: "svc.*"}, {stream: "ev.>"}] }
  C {
    users: [{user: c, password: p}]
    imports: [{service: {account: B, subject: "svc.*"}}, {stream: {account: B, subject: "ev.>"}}]
  }
  D { users: [{user: d, password: p}] }
  "do.t" { users: [{user: dot, password: p}] }
  EMPTY { }
  SYS {
    users: [{user: sys, password: p}]
    exports: [{service: "$SYS.REQ.SERVER.PING.VARZ"}, {service: "$SYS.DEBUG.SUBSCRIBERS"}]
  }
}
system_account: SYS
"""
# What differs between two servers, two runs or two moments.
VOLATILE = {
    "server_id", "id", "time", "seq", "start", "now", "uptime", "mem", "cpu", "cores", "go",
    "gomaxprocs", "gomemlimit", "config_load_time", "config_digest", "cid", "last_activity", "stop",
    "idle", "rtt", "port", "update_time", "created", "store_dir", "first_ts", "last_ts", "host",
    "subscriptions", "num_subscriptions", "num_cache", "num_inserts", "num_removes", "num_matches",
    "cache_hit_rate", "max_fanout", "avg_fanout", "sublist_stats", "timestamp", "pending_bytes",
    "http_req_stats", "ver", "version", "http_port", "ts", "msgs",
}  # fmt: skip
# How much was sent depends on the sizes and the number of answers.
VOLATILE |= {
    "in_msgs", "in_bytes", "out_msgs", "out_bytes", "in_client_msgs", "in_client_bytes",
    "out_client_msgs", "out_client_bytes", "sent", "received", "sent_to_clients",
    "received_from_clients", "total_connections", "stalls", "uid",
}  # fmt: skip
ABSENT = {"git_commit", "xkey", "feature_flags"}
UNORDERED = {
    "accounts", "account_statz", "subscriptions_list", "subscriptions_list_detail", "imports",
    "exports", "allow", "deny", "services", "streams",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of `user`. In `subject`, ID is the server's id; in `body`, CID is that of a
    client. `headers` are in the form `A: 1; B: 2`."""

    name: str
    subject: str
    body: str = ""
    user: str = "sys"
    headers: str = ""

    def __str__(self) -> str:
        return self.name


def login(server: ServerProcess, user: str) -> Client:
    return Client(server.port, user, "p", name=user)


SERVER = "$SYS.REQ.SERVER.PING"
USERS = ("sys", "a", "b", "c", "narrow", "dot")  # that ask
_askers: WeakKeyDictionary[ServerProcess, dict[str, Client]] = WeakKeyDictionary()


def build(server: ServerProcess, stack: ExitStack) -> None:
    """Clients that stay: of all that ask, two more of A, and one of B, C and D each; one of D has
    gone. A has a stream."""
    _askers[server] = {user: stack.enter_context(login(server, user)) for user in USERS}
    for user in ("a", "a", "b", "c", "d"):
        client = stack.enter_context(login(server, user))
        client.subscribe("foo")
        client.subscribe("foo", "q")
        if user == "a":
            client.subscribe("f.*")
        client.flush()
    with login(server, "d") as client:
        client.subscribe("gone.>")
        client.flush()
    wait_until(lambda: "gone." in closed(server), "the client that has gone")
    with login(server, "a") as client:
        create(client, "S", subjects=["s.*"])
        client.request("s.1", b"x")


def asker(server: ServerProcess, user: str = "sys") -> Client:
    return _askers[server][user]


def closed(server: ServerProcess) -> str:
    asked = b'{"acc":"D","state":1,"subscriptions":true}'
    reply = asker(server).request("$SYS.REQ.SERVER.PING.CONNZ", asked)
    assert reply is not None
    return reply.payload.decode()


def ask(server: ServerProcess, row: Ask, patience_s: float, *, fenced: bool = False) -> list[Any]:
    """All answers to a request, without what varies. With `fenced` it has been dealt with before
    the time begins: requests of a client are answered in their order."""
    identity = id_of(server)
    client = asker(server, row.user)
    inbox = f"{client.inbox()}.{row.user}"  # the others of its account have inboxes, too
    headers = dict(part.split(": ") for part in row.headers.split("; ") if part)
    client.publish(
        row.subject.replace(".ID.", f".{identity}."),
        row.body.encode(),
        header_block(headers) if headers else b"",
        inbox,
    )
    if fenced:
        own = f"{SERVER}.IDZ" if row.user == "sys" else "$SYS.REQ.USER.INFO"
        assert client.request(own) is not None
    found = []
    while (message := next(client.replies(inbox, patience_s), None)) is not None:
        found.append(told(message.headers, message.payload, identity))
        client.flush()
        patience_s = 0.0
    return found


def id_of(server: ServerProcess) -> str:
    reply = asker(server).request("$SYS.REQ.SERVER.PING.IDZ")
    assert reply is not None
    return str(json.loads(reply.payload)["id"])


def told(headers: bytes, payload: bytes, identity: str) -> Any:
    """An answer, unpacked."""
    text = unpacked(headers, payload).decode().replace(identity, "<id>")
    try:
        body = shape(json.loads(text))
    except ValueError:
        body = text
    block = headers.decode().replace(identity, "<id>")
    return {"headers": block, "body": body} if headers else body


def _is_own(sub: Any) -> bool:
    """Whether it is one of the subscriptions that servers have for themselves."""
    return str(sub["subject"]).startswith(("$SYS.", "$JS.", "_R_.", "s.*", "svc.*"))


def _prepared(value: dict[str, Any]) -> dict[str, Any]:
    if "num_subscriptions" in value and "limit" in value:  # the real one lists its own, too
        value["total"] = "number"
        listed = [each for each in value.get("subscriptions_list", ()) if not _is_own(each)]
        if listed:
            value["subscriptions_list"] = listed
        else:
            value.pop("subscriptions_list", None)
    return {
        re.sub(r"^_R_\..*", "<reply>", key): item
        for key, item in value.items()
        if not key.startswith("$JS.hub.")
    }


shape = Shape(VOLATILE, UNORDERED, ABSENT, _prepared, shows_empty=True).of
