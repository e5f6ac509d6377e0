"""What the service is asked, field by field: the real server's request and ours."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from pynats_common.jwt import AuthorizationRequestClaims, decode, validate

from tests.conformance.callout.scene import BOB, config, connected, masked_claims, server
from tests.support.callout import SERVICE_CURVE, Request, Service
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.records import Recorded

CONNECTS = {
    "password": ("callout", BOB),
    "program": ("callout", '{"user":"bob","pass":"pw","name":"n","lang":"l","version":"9.9"}'),
    "token": ("callout", '{"auth_token":"tok"}'),
    "token and name": ("callout", '{"auth_token":"tok","user":"bob"}'),
    "nothing": ("callout", "{}"),
    "password alone": ("callout", '{"pass":"pw"}'),
    "unknown user": ("callout", '{"user":"zz","pass":"x"}'),
    "everything": (
        "callout",
        '{"user":"zz","jwt":"aa.bb.cc","nkey":"UAB","sig":"sss","verbose":false,"echo":false,'
        '"headers":true,"protocol":1,"tls_required":false,"no_responders":true,"pedantic":true}',
    ),
    "odd text": ("callout", '{"user":"\\u00e9\\u2028<&>\\"","pass":"\\ud800","name":"\\u0001"}'),
    "no_auth_user": ("guest", "{}"),
    "no_auth_user and PING first": ("guest", None),
    "no_auth_user and a name": ("guest", BOB),
    "sealed": ("sealed", BOB),
    "usual time": ("usual-time", BOB),
    "global account": ("global", '{"user":"x"}'),
    "single user": ("single", '{"user":"x"}'),
}


def _asked(servers: ServerPool, name: str, connect: str | None) -> Request:
    process = server(servers, name)
    with Service(process.port) as service, connected(process, connect):
        request = service.next_request()
        service.answer(request, b"")
        return request


@pytest.mark.parametrize("case", CONNECTS)
def test_request(
    case: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    def play(servers: ServerPool) -> dict[str, Any]:
        asked = _asked(servers, *CONNECTS[case])
        names = [line.partition(":")[0] for line in asked.headers.decode().splitlines()]
        # As text, because the order of the fields counts, too.
        claims = json.dumps(masked_claims(asked.claims))
        return {"headers": names, "claims": claims, "sealed": asked.text[:4] == b"xkv1"}

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_who_has_signed_it_is_the_server(servers_under_test: ServerPool) -> None:
    asked = _asked(servers_under_test, "callout", BOB)
    claims = decode(asked.token)
    assert isinstance(claims, AuthorizationRequestClaims)
    assert validate(claims) == []
    assert claims.iss == claims.nats.server_id.id
    assert claims.jti == claims.compute_id()
    assert abs(claims.iat - time.time()) < 30


def test_every_client_gets_a_key_of_its_own(servers_under_test: ServerPool) -> None:
    asked = [_asked(servers_under_test, "callout", BOB) for _ in range(3)]
    assert len({each.user for each in asked}) == 3
    assert len({each.reply for each in asked}) == 3


def test_what_is_sealed_is_for_the_service_alone(servers_under_test: ServerPool) -> None:
    asked = _asked(servers_under_test, "sealed", '{"user":"bob","pass":"a-password"}')
    assert b"a-password" not in asked.text
    assert asked.server_curve == asked.claims["nats"]["server_id"]["xkey"]
    opened = SERVICE_CURVE.open(asked.text, asked.server_curve).decode()
    assert opened == asked.token


def test_traces_do_not_show_what_clients_log_in_with(servers_under_test: ServerPool) -> None:
    """The real server's do, in requests that are not sealed."""
    if servers_under_test.kind != PYNATS:
        pytest.skip("ours")
    process = servers_under_test.get("traced", config(more="trace: true"))
    with Service(process.port) as service, connected(process, '{"user":"x","pass":"hidden"}'):
        request = service.next_request()
        assert request.claims["nats"]["connect_opts"]["pass"] == "hidden"
        service.answer(request, b"nothing")
        wait_until(lambda: '["nothing"]' in process.log(), "the trace of the answer")
        assert request.token not in process.log()
        assert "MSG_PAYLOAD: [REDACTED]" in process.log()
