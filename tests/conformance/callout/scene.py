"""Servers with an auth callout, and what becomes of one log-in there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynats_common.nkeys import Prefix

from tests.support.callout import ISSUER, SERVICE_CURVE, Request, Service, key
from tests.support.deadline import DeadlineExceeded, wait_until
from tests.support.pool import ServerPool
from tests.support.process import ServerProcess
from tests.support.raw import RawClient

BOB = '{"user":"bob","pass":"pw"}'
SHORT_S = 0.5  # the time for an answer, in servers where nobody gives one
Answer = Callable[[Request], "bytes | str | None"]  # None = no answer


def config(callout: str = "account: AUTH", timeout: float = 20, more: str = "") -> str:
    """Accounts and a callout. The service and `sys` are checked by the server."""
    return f"""
server_name: srv
server_tags: ["a:b"]
debug: true
accounts {{
  AUTH {{ users: [{{user: auth, password: auth}}] }}
  APP {{ users: [{{user: bob, password: pw}}, {{user: guest}}] }}
  OTHER {{ users: [{{user: bea, password: pw}}] }}
  SYS {{ users: [{{user: sys, password: sys}}] }}
}}
system_account: SYS
authorization {{
  timeout: {timeout}
  auth_callout {{ issuer: {ISSUER.public_key}, auth_users: [auth, sys], {callout} }}
}}
{more}"""


CONFIGS = {
    "callout": config(),
    "guest": config(more="no_auth_user: guest"),
    "guest-checked": config(more="no_auth_user: auth"),
    "some": config("account: AUTH, allowed_accounts: [APP]"),
    "sealed": config(f"account: AUTH, xkey: {SERVICE_CURVE.public_key}"),
    "usual-time": config().replace("timeout: 20", ""),
    "unknown-account": config("account: NOPE"),
    "impatient": config(timeout=SHORT_S),
    "global": (
        f"server_name: srv\ndebug: true\nauthorization {{ users: [{{user: auth, password: auth}}]\n"
        f"timeout: 20, auth_callout {{ issuer: {ISSUER.public_key}, auth_users: [auth] }} }}"
    ),
    "single": (
        "server_name: srv\ndebug: true\nauthorization { user: auth, password: auth, timeout: 20\n"
        f"auth_callout {{ issuer: {ISSUER.public_key}, auth_users: [auth] }} }}"
    ),
    "token": (
        f"debug: true\nauthorization {{ token: secret, timeout: {SHORT_S}\n"
        f"auth_callout {{ issuer: {ISSUER.public_key}, auth_users: [auth] }} }}"
    ),
}
_CLIENT = re.compile(r"\b127\.0\.0\.1:\d+ - cid:\d+ - ")
_KEYS = re.compile(r"\b[AUNX][A-Z2-7]{55}\b")
_NAMES = {
    ISSUER.public_key: "<issuer>",
    key(Prefix.ACCOUNT, 1).public_key: "<stranger>",
    key(Prefix.USER, 5).public_key: "<other user>",
}
_ABOUT = re.compile(r"authentication error|^\[WRN\]|response not received")


@dataclass(slots=True)
class Outcome:
    """What the client was told, and what the log says of it."""

    told: list[str]
    log: list[str]


def server(servers: ServerPool, name: str) -> ServerProcess:
    return servers.get(name, CONFIGS[name])


def log_in(
    process: ServerProcess,
    answer: Answer | None,
    connect: str | None = BOB,
    after: bytes = b"",
) -> Outcome:
    """One log-in. `answer` None = nobody must be asked; `connect` None = the first verb is PING.
    `after` is sent in the same breath."""
    begins = len(process.log())
    service = Service(process.port)
    client = connected(process, connect, after)
    with service, client:
        if answer is not None:
            request = service.next_request()
            said = answer(request)
            if said is not None:
                service.answer(request, said)
        client.fence()
        assert not client.timed_out
        assert not service.is_asked()
        lines = log_of(process, begins) if client.closed else []
        return Outcome(told_to(client), lines)


def connected(process: ServerProcess, connect: str | None = BOB, after: bytes = b"") -> RawClient:
    """A client that has sent its CONNECT, and whatever comes after."""
    client = RawClient(process.port)
    client.read_info()
    said = f"CONNECT {connect}\r\n".encode() if connect is not None else b""
    client.send(said + b"PING\r\n" + after)
    return client


def told_to(client: RawClient) -> list[str]:
    """Lines, without INFO."""
    lines = bytes(client.received).decode().split("\r\n")
    return [line for line in lines if line and line != "PING" and not line.startswith("INFO ")]


def log_of(process: ServerProcess, begins: int) -> list[str]:
    """What the log says of a refusal that came since then, in any order."""

    def lines() -> list[str]:
        texts = (
            re.sub(r"^\[\d+\] \S+ \S+ ", "", line) for line in process.log()[begins:].split("\n")
        )
        return [masked(_CLIENT.sub("", text)) for text in texts if _ABOUT.search(text)]

    def complete() -> bool:
        kinds = {"authentication error" in line for line in lines()}
        return len(kinds) == 2  # the reason, and that there was one

    try:
        wait_until(complete, "the reason in the log", 5)
    except DeadlineExceeded:
        pass  # the comparison shows what is missing
    return sorted(set(lines()))


def masked(text: str) -> str:
    """Keys by what they are."""
    return _KEYS.sub(lambda found: _NAMES.get(found[0], f"<{found[0][0]}>"), text)


def masked_claims(claims: Any) -> Any:
    """The claims of a request: what differs from time to time by what it is."""
    found = json.loads(masked(json.dumps(claims)))
    found["exp"] -= found["iat"]
    found["iat"], found["jti"] = "<now>", "<id>"
    found["nats"]["client_info"]["id"] = "<cid>"
    found["nats"]["server_id"]["version"] = "<version>"
    return found
