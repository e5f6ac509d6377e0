"""What an operator does through the system account, and what clients see of it: as with the real
server. Each has servers of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.system.scene import (
    CONFIG,
    Ask,
    ask,
    build,
    id_of,
    login,
    shape,
    told,
)
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded, as_text, difference
from tests.support.transcript import parse_transcript

DIRECT = "$SYS.REQ.SERVER.ID"
CONNZ = "$SYS.REQ.SERVER.PING.CONNZ"


def request(server: ServerProcess, subject: str, body: str = "", user: str = "sys") -> Any:
    """The only answer."""
    return ask(server, Ask("", subject, body, user), PATIENCE_S)


def victim(server: ServerProcess, stack: ExitStack, protocol: int = 1) -> tuple[RawClient, int]:
    """A client of B, and its number."""
    client = RawClient(server.port)
    stack.callback(client.close)
    info = json.loads(client.read_info().split(b" ", 1)[1])
    asked = {"user": "b", "pass": "p", "name": "victim", "verbose": False, "protocol": protocol}
    client.send(b"CONNECT " + json.dumps(asked).encode() + b"\r\n")
    client.fence()
    return client, int(info["client_id"])


def heard(client: RawClient, port: int, begun: int) -> list[Any]:
    return [
        dict(sorted(item["INFO"].items())) if isinstance(item, dict) else item
        for item in parse_transcript(bytes(client.received[begun:]), port)
        if item != "PONG"
    ]


def kick(server: ServerProcess, stack: ExitStack) -> list[Any]:
    client, number = victim(server, stack)
    begun = len(client.received)
    answer = request(server, f"{DIRECT}.KICK", json.dumps({"cid": number}))
    wait_until(lambda: client.read_some(0.1) or client.closed, "the end of the connection")
    asked = json.dumps({"state": 1, "acc": "B", "sort": "stop", "cid": number})
    closed = request(server, CONNZ, asked)[0]["data"]["connections"]
    again = request(server, f"{DIRECT}.KICK", json.dumps({"cid": number}))
    return [answer, client.closed, heard(client, server.port, begun), closed, again]


def kick_itself(server: ServerProcess, stack: ExitStack) -> list[Any]:
    listed = request(server, CONNZ, '{"acc":"SYS"}')[0]["data"]["connections"]
    client = stack.enter_context(login(server, "sys"))
    inbox = client.inbox()
    with login(server, "sys") as other:
        reply = other.request(CONNZ, b'{"acc":"SYS","sort":"start"}')
        assert reply is not None
        numbers = [each["cid"] for each in json.loads(reply.payload)["data"]["connections"]]
    mine = sorted(numbers)[-2]
    subject = f"{DIRECT}.KICK".replace("ID", id_of(server))
    client.publish(subject, json.dumps({"cid": mine}).encode(), reply=inbox)
    with pytest.raises(AssertionError):  # it is closed
        while True:
            client.flush()
    return [len(listed), request(server, CONNZ, '{"acc":"SYS"}')[0]["data"]["total"]]


def lame_duck(server: ServerProcess, stack: ExitStack) -> list[Any]:
    client, number = victim(server, stack)
    begun = len(client.received)
    answer = request(server, f"{DIRECT}.LDM", json.dumps({"cid": number}))
    client.fence()
    after = heard(client, server.port, begun)
    old, number = victim(server, stack, protocol=0)
    begun = len(old.received)
    refused = request(server, f"{DIRECT}.LDM", json.dumps({"cid": number}))
    old.fence()
    return [answer, after, client.closed, refused, heard(old, server.port, begun)]


def reload(server: ServerProcess, stack: ExitStack) -> list[Any]:
    """Accounts keep what they may ask for, new ones get it; a wrong file changes nothing."""
    added = CONFIG.replace(
        "  EMPTY { }", "  EMPTY { }\n  NEW { users: [{user: new, password: p}] }"
    )
    server.write_config(added)
    answers = [request(server, f"{DIRECT}.RELOAD")]
    with login(server, "new") as client:
        for subject in ("$SYS.REQ.USER.INFO", CONNZ, "$SYS.REQ.ACCOUNT.PING.STATZ"):
            reply = client.request(subject)
            assert reply is not None
            answers.append(told(reply.headers, reply.payload, id_of(server)))
    for user in ("a", "b", "sys"):
        answers.append(request(server, "$SYS.REQ.USER.INFO", user=user))
    answers.append(request(server, "$SYS.REQ.ACCOUNT.PING.STATZ", user="b"))
    server.write_config(CONFIG.replace("server_name", "max_payload: -5x\nserver_name"))
    refused = request(server, f"{DIRECT}.RELOAD")
    refused[0]["error"].pop("description")  # names the file
    server.write_config(CONFIG)
    return [*answers, refused, request(server, f"{DIRECT}.RELOAD")]


def purge(server: ServerProcess, stack: ExitStack) -> list[Any]:
    names = "$JS.API.STREAM.NAMES"
    before = request(server, names, user="a")
    answer = request(server, "$JS.API.ACCOUNT.PURGE.A")
    after = request(server, names, user="a")
    strange = request(server, "$JS.API.ACCOUNT.PURGE.a/b")
    return [before, answer, after, strange]


@pytest.mark.parametrize("play", [kick, kick_itself, lame_duck, reload, purge])
def test_change(
    play: Callable[[ServerProcess, ExitStack], list[Any]],
    kind_under_test: str,
    recorded: Recorded,
    tmp_path: Path,
) -> None:
    def run(kind: str) -> Any:
        with ExitStack() as stack:
            server = ServerProcess(kind, tmp_path / kind, CONFIG)
            stack.callback(server.stop)
            server.start()
            build(server, stack)
            return shape(play(server, stack))

    expected = as_text(recorded.of(lambda: run(REFERENCE)))
    found = as_text(run(kind_under_test))
    assert found == expected, difference(expected, found)


def test_leftovers_of_an_account_that_is_gone_are_purged(
    kind_under_test: str, tmp_path: Path
) -> None:
    without = CONFIG.replace("jetstream: enabled", "")
    with ExitStack() as stack:
        server = ServerProcess(kind_under_test, tmp_path / "server", CONFIG)
        stack.callback(server.stop)
        server.start()
        build(server, stack)
        stored = server.folder / "store" / "jetstream" / "A"
        assert stored.is_dir()
        server.stop()
        server.write_config(without)
        server.start()
        with login(server, "sys") as client:
            reply = client.request("$JS.API.ACCOUNT.PURGE.A")
            assert reply is not None and json.loads(reply.payload)["initiated"]
        assert not stored.exists()
