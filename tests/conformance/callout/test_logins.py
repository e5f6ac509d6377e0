"""Who is decided about by the service, who by the server; when, and what holds afterwards."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.request import urlopen

import pytest

from tests.conformance.callout.scene import (
    BOB,
    CONFIGS,
    SHORT_S,
    config,
    connected,
    log_in,
    log_of,
    masked,
    server,
    told_to,
)
from tests.conformance.callout.test_answers import IN, OUT, ago, change, user
from tests.support.callout import ISSUER, SERVICE_CURVE, STRANGER, Service, granted, response
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

DENY = b"PUB $SYS.REQ.USER.AUTH 1\r\nx\r\nPUB foo 1\r\nx\r\nPUB bar 1\r\nx\r\n"
CONNECTS = {
    "bob": BOB,
    "bob, wrong": '{"user":"bob","pass":"x"}',
    "bea": '{"user":"bea","pass":"pw"}',
    "bea, wrong": '{"user":"bea","pass":"x"}',
    "stranger": '{"user":"zz","pass":"x"}',
    "nothing": "{}",
    "token": '{"auth_token":"x"}',
    "auth": '{"user":"auth","pass":"auth"}',
    "auth, wrong": '{"user":"auth","pass":"x"}',
    "auth as key": '{"nkey":"auth","user":"bob","pass":"pw"}',
    "bob as auth's key": '{"nkey":"bob","user":"auth","pass":"x"}',
    "PING first": None,
}
SERVERS = ("callout", "guest", "guest-checked", "some")


@pytest.mark.parametrize("name", SERVERS)
def test_who_decides(
    name: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    """Line by line: whether the service is asked, and what the client is told before."""

    def play(servers: ServerPool) -> dict[str, Any]:
        process = server(servers, name)
        found: dict[str, Any] = {}
        for case, connect in CONNECTS.items():
            with Service(process.port) as service, connected(process, connect) as client:
                client.read_until(b"\r\nPONG") if not _waits(service, client) else None
                asked = service.is_asked()
                found[case] = "asked" if asked else told_to(client)
        return found

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def _waits(service: Service, client: RawClient) -> bool:
    """Waits until either the service is asked or the client is told something."""
    before = len(client.received)
    wait_until(
        lambda: service.is_asked() or client.read_some(0.01) or len(client.received) > before,
        "an answer or a question",
    )
    return service.is_asked()


@pytest.mark.parametrize(
    ("name", "connect"),
    [
        *((name, connect) for name in ("guest", "single", "global") for connect in (BOB, "{}")),
        ("guest", None),
    ],
)
def test_in_by_the_service(
    name: str,
    connect: str | None,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    account = "APP" if name == "guest" else "$G"

    def play(servers: ServerPool) -> list[str]:
        return log_in(server(servers, name), user(account), connect).told

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


RIGHTS: dict[str, tuple[Any, ...]] = {
    "in the service's account": (user("AUTH"), BOB),
    "with permissions there": (user("AUTH", nats__pub__allow=["foo", "$SYS.>"]), BOB),
    "the service itself": (None, '{"user":"auth","pass":"auth"}'),
    "elsewhere": (user("APP"), BOB),
    "permissions": (user("APP", nats__pub__allow=["foo"], nats__sub__deny=["bar"]), BOB),
    "denied": (user("APP", nats__pub__deny=["foo"]), BOB),
    "answers only": (user("APP", nats__resp=None), BOB),
}


@pytest.mark.parametrize("case", RIGHTS)
def test_what_they_may_publish(
    case: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    answer, connect = RIGHTS[case]

    def play(servers: ServerPool) -> list[str]:
        process = server(servers, "callout")
        return _published(process, answer, connect)

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def _published(process: ServerProcess, answer: Any, connect: str) -> list[str]:
    quiet = json.dumps(json.loads(connect) | {"verbose": False})
    with Service(process.port) as service, connected(process, quiet, DENY) as client:
        if answer is not None:
            request = service.next_request()
            service.answer(request, answer(request))
        client.fence()
        told = told_to(client)
        client.send(b"SUB bar 1\r\nSUB $SYS.REQ.USER.AUTH 2\r\n")
        client.fence()
        return told + told_to(client)[len(told) :]


@pytest.mark.parametrize(
    "case",
    {
        "plain": (user(), BOB),
        "named": (user(name="Zoe"), BOB),
        "a token": (user(), '{"auth_token":"x"}'),
        "a token, named": (user(name="Zoe"), '{"auth_token":"x"}'),
        "nothing": (user(), "{}"),
        "tags": (user(nats__tags=["A:b"]), BOB),
    }.items(),
    ids=lambda case: case[0],
)
def test_who_they_are(
    case: tuple[str, Any],
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    answer, connect = case[1]

    def play(servers: ServerPool) -> dict[str, Any]:
        process = _monitored(servers)
        with Service(process.port) as service, connected(process, connect) as client:
            request = service.next_request()
            service.answer(request, answer(request))
            client.send(b"SUB _INBOX.1 9\r\nPUB $SYS.REQ.USER.INFO _INBOX.1 0\r\n\r\n")
            assert client.read_until(b'"data":')
            client.fence()
            text = bytes(client.received).partition(b'"data":')[2].split(b"}\r\n")[0]
            url = f"{process.monitor_url}/connz?auth=1&sort=cid"
            shown = json.load(urlopen(url))["connections"][-1]
            names = ("authorized_user", "account", "jwt", "issuer_key", "name_tag", "tags")
            return {
                "info": json.loads(text),
                "connz": {name: shown[name] for name in names if name in shown},
            }

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def _monitored(servers: ServerPool) -> ServerProcess:
    return servers.get("monitored", CONFIGS["callout"] + 'http: "127.0.0.1:-1"\n')


def test_a_denial_is_a_failed_log_in(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    """In monitoring and in the account of the service; it is no limit of an account."""

    def play(servers: ServerPool) -> dict[str, Any]:
        process = _monitored(servers)
        with Service(process.port) as service, connected(process) as client:
            service.send(b"SUB $SYS.ACCOUNT.CLIENT.AUTH.ERR 2\r\n")
            request = service.next_request()
            service.answer(request, response(request, error="no"))
            assert client.read_to_end()
            url = f"{process.monitor_url}/connz?state=closed&limit=100000"
            port = client.socket.getsockname()[1]

            def reasons() -> list[str]:
                shown = json.load(urlopen(url))["connections"]
                return [each["reason"] for each in shown if each["port"] == port]

            reason = wait_until(reasons, "the closed one")
            service.fence()
            return {
                "told": told_to(client),
                "reason": reason,
                "event": b"MSG $SYS.ACCOUNT.CLIENT.AUTH.ERR 2 " in service.received,
            }

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


# -- time ----------------------------------------------------------------------------------------


def test_nobody_answers(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    def play(servers: ServerPool) -> dict[str, Any]:
        outcome = log_in(server(servers, "impatient"), lambda asked: None)
        return {"told": outcome.told, "log": outcome.log}

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


@pytest.mark.parametrize("name", ["token", "unknown-account"])
def test_nobody_is_there_to_answer(
    name: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    """The right token does not help; without an account to ask in, nobody waits."""

    def play(servers: ServerPool) -> dict[str, Any]:
        process = server(servers, name)
        begins, began = len(process.log()), time.monotonic()
        with connected(process, '{"auth_token":"secret"}') as client:
            assert client.read_to_end()
            took = time.monotonic() - began
            return {
                "told": told_to(client),
                "log": log_of(process, begins),
                "waited": took >= SHORT_S,
            }

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_a_late_answer_is_dropped(servers_under_test: ServerPool) -> None:
    process = server(servers_under_test, "impatient")
    with Service(process.port) as service, connected(process) as client:
        request = service.next_request()
        assert client.read_to_end()
        assert told_to(client) == OUT
        service.answer(request, granted(request))
        assert not service.closed
    assert log_in(process, user()).told == IN


def test_who_has_gone_is_not_missed(servers_under_test: ServerPool) -> None:
    process = server(servers_under_test, "callout")
    with Service(process.port) as service:
        with connected(process):
            request = service.next_request()
        service.answer(request, granted(request))
    assert log_in(process, user()).told == IN


@pytest.mark.parametrize("first_lets_in", [True, False])
def test_the_first_of_several_answers_decides(
    first_lets_in: bool, recorded: Recorded, reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:  # fmt: skip
    def play(servers: ServerPool) -> list[str]:
        process = server(servers, "callout")
        one, other = Service(process.port), Service(process.port)
        with one, other, connected(process) as client:
            asked, asked_too = one.next_request(), other.next_request()
            assert asked == asked_too
            answers = [granted(asked), ""]
            one.answer(asked, answers[not first_lets_in])
            other.answer(asked, answers[first_lets_in])
            client.fence()
            assert not one.closed
            assert not other.closed
            return told_to(client)

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_a_user_leaves_when_its_time_is_over(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    def play(servers: ServerPool) -> list[str]:
        process = server(servers, "callout")
        with Service(process.port) as service, connected(process) as client:
            request = service.next_request()
            service.answer(request, granted(request, change=change(exp=ago(-2))))
            assert client.read_to_end()
            assert not service.is_asked()
            return told_to(client)

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


# -- reloads -------------------------------------------------------------------------------------


def test_the_callout_cannot_change_by_a_reload(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    changes = {
        "xkey": config(f"account: AUTH, xkey: {SERVICE_CURVE.public_key}"),
        "account": config("account: APP"),
        "auth_users": config().replace("[auth, sys]", "[auth, sys, bob]"),
        "allowed_accounts": config("account: AUTH, allowed_accounts: [APP]"),
        "issuer": config().replace(ISSUER.public_key, STRANGER.public_key),
        "dropped": config().replace("auth_callout", "users: [] #"),
        "more than that": config("account: APP").replace("pw", "pw2"),
    }

    def play(servers: ServerPool) -> dict[str, str]:
        process = servers.get("reloaded", config())
        found = {}
        for name, text in changes.items():
            begins = len(process.log())
            assert not process.reload(text)
            lines = [line for line in process.log()[begins:].split("\n") if "Failed" in line]
            found[name] = masked(lines[-1].partition("] ")[2].partition("[ERR] ")[2])
        assert process.reload(config())
        return found

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_what_was_decided_holds_after_a_reload(servers_under_test: ServerPool) -> None:
    """As long as there is the account: the real server asks again for those whose names are
    configured, and closes all others."""
    if servers_under_test.kind != PYNATS:
        pytest.skip("ours")
    process = servers_under_test.get("reloaded", config())
    with Service(process.port) as service:
        clients = []
        for connect, account in ((BOB, "APP"), ('{"user":"stranger"}', "APP"), (BOB, "OTHER")):
            client = connected(process, connect)
            request = service.next_request()
            service.answer(request, granted(request, account))
            client.fence()
            clients.append(client)
        assert process.reload(config().replace("password: pw}, {user: guest}", "password: other}"))
        for client in clients:
            client.fence()
            assert not client.closed
        assert process.reload(config().replace("OTHER { users: [{user: bea, password: pw}] }", ""))
        assert clients[2].read_to_end()
        for client in clients[:2]:
            client.fence()
            assert not client.closed
        assert not service.is_asked()
        for client in clients:
            client.close()
    assert process.reload(config())
