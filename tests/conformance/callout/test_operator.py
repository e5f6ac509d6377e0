"""Auth callouts of accounts in operator mode: with the real server's answers."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.nkeys import Prefix

from tests.conformance.callout.scene import connected, log_of, masked_claims, told_to
from tests.conformance.callout.test_answers import change
from tests.support.account_jwts import (
    SYSTEM,
    SYSTEM_USER,
    account_token,
    operator_token,
    pair,
    user_token,
)
from tests.support.callout import (
    SERVICE_CURVE,
    STRANGER,
    Request,
    Service,
    response,
    sealed,
    user_jwt,
)
from tests.support.deadline import wait_until
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, ServerProcess
from tests.support.records import Recorded

ASKING, APP, OTHER = pair("asking"), pair("app"), pair("other")
SIGNER, APP_SIGNER = pair("asking's signer"), pair("app's signer")
SERVICE = pair("service", Prefix.USER)
BEARER, KEYED = pair("sentinel", Prefix.USER), pair("keyed", Prefix.USER)


def external(xkey: str = "", *allowed: str) -> Callable[[jwt.AccountClaims], None]:
    def apply(claims: jwt.AccountClaims) -> None:
        claims.nats.signing_keys = [SIGNER.public_key]
        claims.nats.authorization.auth_users = [SERVICE.public_key]
        claims.nats.authorization.allowed_accounts = list(allowed)
        claims.nats.authorization.xkey = xkey

    return apply


def signing(claims: jwt.AccountClaims) -> None:
    claims.nats.signing_keys = [APP_SIGNER.public_key]


def config(change_asking: Callable[[jwt.AccountClaims], None], timeout: float = 20) -> str:
    accounts = {
        SYSTEM: account_token(SYSTEM, name="SYS"),
        ASKING: account_token(ASKING, name="ASKING", change=change_asking),
        APP: account_token(APP, name="APP", change=signing),
        OTHER: account_token(OTHER, name="OTHER"),
    }
    preload = "\n".join(f"{key.public_key}: {token}" for key, token in accounts.items())
    return f"""
server_name: srv
debug: true
operator: {operator_token()}
system_account: {SYSTEM.public_key}
resolver: MEMORY
resolver_preload {{ {preload} }}
authorization {{ timeout: {timeout} }}
"""


CONFIGS = {
    "open": config(external("", APP.public_key)),
    "any": config(external("", "*")),
    "own": config(external()),
    "sealed": config(external(SERVICE_CURVE.public_key, APP.public_key)),
    "impatient": config(external("", APP.public_key), 0.5),
}


def bearer(user: Any = BEARER, account: Any = ASKING) -> str:
    claims = jwt.new_user(user.public_key, "sentinel")
    claims.nats.bearer_token = True
    return jwt.encode(claims, account, issued_at=1_700_000_000)


def by_jwt(token: str, **more: Any) -> str:
    return json.dumps({"jwt": token} | more)


def signed(process: ServerProcess, user: Any, account: Any) -> Service:
    """A connection of the service, which signs the nonce."""
    return Signing(process.port, user, user_token(user, account))


class Signing(Service):
    def __init__(self, port: int, user: Any, token: str) -> None:
        self._signer, self._token = user, token
        super().__init__(port, "{}")

    def introduce(self, options: dict[str, Any]) -> dict[str, Any]:
        info = json.loads(self.read_info().decode().partition(" ")[2])
        signature = self._signer.sign(info["nonce"].encode())
        sig = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        return options | {"jwt": self._token, "sig": sig}


Answer = Callable[[Request], "str | bytes | None"]


def placed(account: Any = APP, signer: Any = None, answerer: Any = ASKING, **fields: Any) -> Answer:
    """The answer that lets the client into an account."""

    def answer(asked: Request) -> str:
        key = signer or account
        more = {} if key is account else {"nats__issuer_account": account.public_key}
        token = user_jwt(asked, "", signer=key, change=change(**(more | fields)))
        issuer = {"nats__issuer_account": ASKING.public_key} if answerer is SIGNER else {}
        return response(asked, token, signer=answerer, change=change(**issuer))

    return answer


def log_in(
    process: ServerProcess, answer: Answer | None, connect: str
) -> tuple[list[str], list[str]]:
    begins = len(process.log())
    with signed(process, SERVICE, ASKING) as service, connected(process, connect) as client:
        if answer is not None:
            request = service.next_request()
            said = answer(request)
            if said is not None:
                service.answer(request, said)
        client.fence()
        assert not service.is_asked()
        return told_to(client), log_of(process, begins) if client.closed else []


CASES: dict[str, tuple[str, Answer | None]] = {
    "allowed account": ("open", placed()),
    "own account": ("open", placed(ASKING)),
    "by its signing key": ("open", placed(APP, APP_SIGNER)),
    "answer by a signing key": ("open", placed(answerer=SIGNER)),
    "another account": ("open", placed(OTHER)),
    "another account, any allowed": ("any", placed(OTHER)),
    "another account, none allowed": ("own", placed(APP)),
    "own account, none allowed": ("own", placed(ASKING)),
    "an account that is unknown": ("any", placed(STRANGER)),
    "signed by a stranger": ("open", placed(APP, STRANGER)),
    "answer by a stranger": ("open", placed(answerer=STRANGER)),
    "answer by the other account": ("open", placed(answerer=APP)),
    "expired": ("open", lambda asked: placed(exp=int(time.time()) - 10)(asked)),
    "an error": ("open", lambda asked: response(asked, error="no", signer=ASKING)),
    "nothing": ("open", lambda asked: b""),
    "sealed": ("sealed", lambda asked: sealed(str(placed()(asked)), asked)),
    "in the clear": ("sealed", placed()),
    "nobody answers": ("impatient", lambda asked: None),
}


@pytest.mark.parametrize("case", CASES)
def test_answer(
    case: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    name, answer = CASES[case]

    def play(servers: ServerPool) -> dict[str, Any]:
        process = servers.get(f"operator-{name}", CONFIGS[name])
        told, log = log_in(process, answer, by_jwt(bearer()))
        return {"told": told, "log": log}

    ours, theirs = play(servers_under_test), recorded.of(lambda: play(reference_servers))
    assert ours["told"] == theirs["told"], (ours["log"], theirs["log"])


CONNECTS = {
    "sentinel": by_jwt(bearer()),
    "sentinel and more": by_jwt(bearer(), user="bob", **{"pass": "pw"}, auth_token="tok"),
    "nothing": "{}",
    "no JWT": '{"user":"bob","pass":"pw"}',
    "junk": by_jwt("a.b.c"),
    "of another account": by_jwt(bearer(KEYED, APP)),
    "not a bearer, no signature": by_jwt(user_token(KEYED, ASKING)),
    "system user without a signature": by_jwt(user_token(SYSTEM_USER, SYSTEM)),
    "system bearer": by_jwt(bearer(SYSTEM_USER, SYSTEM)),
    "the service's JWT without a signature": by_jwt(user_token(SERVICE, ASKING)),
}


@pytest.mark.parametrize("case", CONNECTS)
def test_who_is_asked_about(
    case: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    def play(servers: ServerPool) -> Any:
        process = servers.get("operator-open", CONFIGS["open"])
        service, client = signed(process, SERVICE, ASKING), connected(process, CONNECTS[case])
        with service, client:
            while not (service.is_asked() or told_to(client)):
                client.read_some(0.01)
            if not service.is_asked():
                return told_to(client)
            request = service.next_request()
            service.answer(request, b"")
            return json.dumps(masked_claims(request.claims))

    assert play(servers_under_test) == recorded.of(lambda: play(reference_servers))


def test_who_is_revoked_while_the_service_thinks_stays_out(
    servers_under_test: ServerPool,
) -> None:
    """The real server lets it in, and it stays."""
    if servers_under_test.kind != PYNATS:
        pytest.skip("ours")

    def revoked(claims: jwt.AccountClaims) -> None:
        external("", APP.public_key)(claims)
        claims.nats.revocations = {BEARER.public_key: 1_800_000_000}

    process = servers_under_test.get("operator-revoking", CONFIGS["open"])
    system = Signing(process.port, SYSTEM_USER, user_token(SYSTEM_USER, SYSTEM))
    token = account_token(ASKING, name="ASKING", age=10, change=revoked).encode()
    with system, signed(process, SERVICE, ASKING) as service:
        with connected(process, by_jwt(bearer())) as client:
            request = service.next_request()
            place = f"$SYS.REQ.ACCOUNT.{ASKING.public_key}.CLAIMS.UPDATE".encode()
            system.send(b"PUB %b %d\r\n%b\r\n" % (place, len(token), token), pongs=0)
            wait_until(lambda: "jwt updated" in process.log(), "the update")
            service.answer(request, placed()(request) or b"")
            client.fence()
            assert client.closed
            assert b"Authorization Violation" in client.received
        assert not service.is_asked()
