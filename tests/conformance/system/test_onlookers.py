"""What a subscriber of the system account sees of what others ask the JetStream API for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from tests.conformance.monitor.twins import Twins
from tests.support.client import Client, header_block
from tests.support.process import ServerProcess
from tests.support.records import Recorded, as_text, difference

CONFIG = """
server_name: "nA"
jetstream { store_dir: "@FOLDER@/store", domain: hub }
accounts {
  A {
    jetstream: enabled, users: [{user: a, password: p}]
    mappings: {"my.info": "$JS.API.INFO"}
  }
  B { users: [{user: b, password: p}] }
  C {
    jetstream: enabled, users: [{user: c, password: p}]
    exports: [{service: "$JS.API.>"}]
  }
  D {
    users: [{user: d, password: p}]
    imports: [{service: {account: C, subject: "$JS.API.>"}, to: "far.>"}]
  }
  E {
    users: [{user: e, password: p}]
    imports: [{service: {account: C, subject: "$JS.API.>"}}]
  }
  SYS { users: [{user: sys, password: p}] }
}
system_account: SYS
"""
CREATE = '{"name":"S","subjects":["s.>"],"storage":"memory","allow_direct":true}'
TRACE = {"Nats-Trace-Dest": "t", "A": "b"}
ROWS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "info": ("a", "$JS.API.INFO", "", {}),
    "a body": ("a", "$JS.API.STREAM.CREATE.S", CREATE, {}),
    "headers": ("a", "$JS.API.INFO", "", {"X": "y"}),
    "a header of its own": ("a", "$JS.API.INFO", "", {"Nats-Request-Info": '{"acc":"B"}'}),
    "nonsense": ("a", "$JS.API.NONSENSE.x", "", {}),
    "with a gap": ("a", "$JS.API.STREAM..x", "", {}),
    "not below": ("a", "$JS.API", "", {}),
    "long": ("a", "$JS.API.INFO", "x" * 2000, {}),
    "mapped": ("a", "my.info", "", {}),
    "of the domain": ("a", "$JS.hub.API.INFO", "", {}),
    "nonsense of the domain": ("a", "$JS.hub.API.NONSENSE", "", {}),
    "without JetStream": ("b", "$JS.API.INFO", "", {}),
    "nonsense without JetStream": ("b", "$JS.API.NONSENSE", "", {}),
    "imported": ("d", "far.STREAM.NAMES", "", {}),
    "beside what is imported": ("d", "$JS.API.INFO", "", {}),
    "imported in its place": ("e", "$JS.API.INFO", "", {}),
    "of the system account": ("sys", "$JS.API.INFO", "", {}),
    "next": ("a", "$JS.API.CONSUMER.MSG.NEXT.S.c", "1", {}),
    "next with headers": ("a", "$JS.API.CONSUMER.MSG.NEXT.S.c", "1", {"A": "b"}),
    "next of what": ("a", "$JS.API.CONSUMER.MSG.NEXT", "1", {}),
    "nearly next": ("a", "$JS.API.CONSUMER.MSG.NEXTX.a", "1", {}),
    "direct": ("a", "$JS.API.DIRECT.GET.S", '{"seq":1}', {}),
    "direct with headers": ("a", "$JS.API.DIRECT.GET.S", '{"seq":1}', {"A": "b"}),
    "direct of what": ("a", "$JS.API.DIRECT.GET", "", {}),
    "nearly direct": ("a", "$JS.API.DIRECT.GETX", "", {}),
    "hardly direct": ("a", "$JS.API.DIRECT", "", {}),
    "purge": ("a", "$JS.API.ACCOUNT.PURGE.A", "", {}),
    "traced": ("a", "$JS.API.INFO", "", TRACE),
    "only traced": ("a", "$JS.API.INFO", "", TRACE | {"Nats-Trace-Only": "true"}),
}
# Who looks on, by which subscription, and who asks.
_scenes: WeakKeyDictionary[ServerProcess, tuple[Client, int, dict[str, Client]]] = (
    WeakKeyDictionary()
)


def build(server: ServerProcess, stack: ExitStack) -> None:
    users = {
        user: stack.enter_context(Client(server.port, user, "p", name=user))
        for user in ("a", "b", "c", "d", "e", "sys")
    }
    looking = stack.enter_context(Client(server.port, "sys", "p", name="looking"))
    seen = looking.subscribe("$JS.API.>")
    looking.flush()
    users["a"].request("$JS.API.STREAM.CREATE.S", CREATE.encode())
    _scenes[server] = looking, seen, users
    told(server)


def told(server: ServerProcess) -> list[Any]:
    looking, seen, _ = _scenes[server]
    looking.flush()
    found = []
    while (message := looking.next(seen, 0.0)) is not None:
        block = message.headers.decode()
        who = re.search(r"Nats-Request-Info: (.*)\r\n", block)
        if who is not None:
            info = json.loads(who[1])
            info.pop("rtt", None)  # which may not be known yet
            masked = {name: f"<{name}>" for name in ("start", "id") if name in info}
            block = block.replace(who[1], json.dumps(info | masked))
        reply = re.sub(r"^_R_\.\w{6}\.\w{6}$", "<reply>", message.reply)
        found.append([message.subject, re.sub(r"\.\d+$", "", reply), block,
                      message.payload.decode()])  # fmt: skip
    return found


def asked(server: ServerProcess, name: str) -> list[Any]:
    """What was seen of a request, with and without a reply subject, and whether there were
    responders."""
    user, subject, body, headers = ROWS[name]
    client = _scenes[server][2][user]
    block = header_block(headers) if headers else b""
    inbox = client.inbox()
    client.publish(subject, body.encode(), block, inbox)
    client.publish(subject, body.encode(), block)
    client.flush()
    first = next(client.replies(inbox, 0.0), None)
    return [*told(server), first is not None and first.status == 503]


@pytest.fixture(scope="module")
def servers(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("onlookers")
    with Twins(kind_under_test, folder, CONFIG, build) as twins:
        yield twins


@pytest.mark.parametrize("name", ROWS)
def test_what_is_seen(servers: Twins, recorded: Recorded, name: str) -> None:
    expected = recorded.of(lambda: asked(servers.reference, name))
    found = asked(servers.ours, name)
    assert as_text(found) == as_text(expected), difference(as_text(expected), as_text(found))


def test_an_onlooker_cannot_answer(servers: Twins) -> None:
    """The API alone does, and nobody waits for more: the real server takes the first answer."""
    looking, seen, users = _scenes[servers.ours]
    users["a"].publish("$JS.API.NONSENSE", b"", b"", inbox := users["a"].inbox())
    users["a"].flush()
    looking.flush()
    message = looking.next(seen)
    assert message is not None
    looking.publish(message.reply, b"mine")
    looking.flush()
    users["a"].flush()
    assert next(users["a"].replies(inbox, 0.0), None) is None


def test_nobody_looks_on_any_more(servers: Twins) -> None:
    looking, seen, users = _scenes[servers.ours]
    looking.unsubscribe(seen)
    looking.flush()
    assert users["a"].request("$JS.API.INFO") is not None
    assert told(servers.ours) == []
    _scenes[servers.ours] = looking, looking.subscribe("$JS.API.STREAM.*"), users
    looking.flush()
    assert users["a"].request("$JS.API.INFO") is not None
    assert users["a"].request("$JS.API.STREAM.NAMES") is not None
    assert [subject for subject, *_ in told(servers.ours)] == ["$JS.API.STREAM.NAMES"]
