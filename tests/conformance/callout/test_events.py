"""What is told of refused log-ins: to the account of the service, and to the system account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.callout.scene import BOB, connected, server
from tests.conformance.callout.test_answers import Answer, user
from tests.support.callout import Service, response
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.raw import RawClient
from tests.support.records import Recorded

TOKEN = '{"auth_token":"x"}'
CASES: dict[str, tuple[Answer | None, str]] = {
    "nothing": (lambda asked: b"", TOKEN),
    "an error": (lambda asked: response(asked, error="no"), TOKEN),
    "unknown account": (user("NOPE"), TOKEN),
    "wrong password of the service": (None, '{"user":"auth","pass":"x"}'),
}


def _listening(port: int, connect: str, subject: str) -> RawClient:
    client = RawClient(port)
    client.send(f"CONNECT {connect}\r\nSUB {subject} 1\r\n".encode())
    client.fence()
    return client


def _events(client: RawClient, last: str) -> list[dict[str, Any]]:
    """Those of clients, up to the one whose subject ends so."""

    def found() -> list[tuple[str, Any]]:
        client.fence()
        lines = bytes(client.received).decode().split("\r\n")
        heads = [index for index, line in enumerate(lines) if line.startswith("MSG $SYS")]
        return [(lines[index].split()[1], json.loads(lines[index + 1])) for index in heads]

    wait_until(lambda: any(name.endswith(last) for name, _ in found()), last)
    return [
        {
            "subject": ".".join("<id>" if len(part) == 56 else part for part in name.split(".")),
            "reason": event["reason"],
            **{key: event["client"].get(key, "") for key in ("acc", "user", "name_tag")},
        }
        for name, event in found()
        if "reason" in event
    ]


@pytest.mark.parametrize("case", CASES)
def test_events_of_a_refusal(
    case: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    answer, connect = CASES[case]

    def play(servers: ServerPool) -> dict[str, Any]:
        process = server(servers, "callout")
        quiet = '{"user":"%s","pass":"%s","verbose":false}'
        system = _listening(process.port, quiet % ("sys", "sys"), "$SYS.SERVER.*.CLIENT.AUTH.ERR")
        account = _listening(process.port, quiet % ("auth", "auth"), "$SYS.ACCOUNT.CLIENT.AUTH.ERR")
        with system, account, Service(process.port) as service:
            with connected(process, connect) as client:
                if answer is not None:
                    request = service.next_request()
                    said = answer(request)
                    assert said is not None
                    service.answer(request, said)
                assert client.read_to_end()
            return {
                "system": _events(system, "CLIENT.AUTH.ERR"),
                "service": _events(account, "CLIENT.AUTH.ERR"),
            }

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_a_client_that_was_let_in_is_told_of_by_its_name(servers_under_test: ServerPool) -> None:
    process = server(servers_under_test, "callout")
    quiet = '{"user":"sys","pass":"sys","verbose":false}'
    system = _listening(process.port, quiet, "$SYS.ACCOUNT.APP.CONNECT")
    with system, Service(process.port) as service, connected(process, BOB):
        request = service.next_request()
        said = user(name="Zoe")(request)
        assert said is not None
        service.answer(request, said)
        wait_until(lambda: system.fence() or b'"user":"Zoe"' in system.received, "the event")
