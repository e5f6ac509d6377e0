"""What three accounts of a server in operator mode may do, found out by clients: to compare a
server whose claims were changed again and again with one that has only the last ones.

C imports of A and B, B of A, and nobody in a circle: which import of a circle is left out depends
on which came first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pynats_common.nkeys import KeyPair
from pynats_server import Server
from pynats_server.options import OperatorOptions, ResolverOptions
from pynats_server.threaded import ThreadedServer

from tests.conformance.jwt.tokens import (
    ISSUED,
    UNLIMITED,
    Claims,
    account,
    account_key,
    activation,
    chunk,
    named,
    operator,
    operator_key,
    signed,
    token,
    user,
    user_key,
)
from tests.support.raw import RawClient
from tests.support.transcript import parse_transcript

SYSTEM = account_key("chain SYS")
NAMES = ("A", "B", "C")
SUBJECTS = ("e.1", "e.2", "p.1", "m.1", "svc.1", "svc.2", "q", "loc.1", "other")
BIG = b"PUB big 20\r\n" + bytes(20) + b"\r\n"
_SIGNER, _SCOPED, _BEARER, _OWN = "signer", "scoped", "bearer", "own"
LOGINS = ("plain", _SIGNER, _SCOPED, _BEARER, _OWN)
_VARIES = (
    (re.compile(r"(?: \d+){1,2} \|"), " |"),
    (re.compile(r'\{"server":.*?,"data":'), '{"data":'),
    (
        re.compile(r'"(rtt|start|id|host|server|expires|cid|port)":("[^"]*"|\d+)'),
        r'"\1":',
    ),
    (re.compile(r"_R_\.\w{6}\.\w{6}"), "_R_"),
    (re.compile(r'"(\w+)": ?"\d\d\d\d-[^"]*"'), r'"\1":0'),
)
_LEFT_OUT = ("update_time", "sublist_stats", "responses", "jetstream_enabled")


def key(name: str) -> KeyPair:
    return account_key(f"chain {name}")


def signer(name: str) -> KeyPair:
    return account_key(f"chain {_SIGNER} of {name}")


def scope(name: str, **template: Any) -> dict[str, Any]:
    """A signing key with a role."""
    return {
        "kind": "user_scope", "key": account_key(f"chain {_SCOPED} of {name}").public_key,
        "role": "r", "template": {"subs": -1, "data": -1, "payload": -1} | template,
        "description": "",
    }  # fmt: skip


def revoked(name: str, login: str) -> str:
    """The key of a user."""
    return user_key(f"chain {name} {login}").public_key


def permit(importer: str, exporter: str, subject: str, kind: str, by_signer: bool) -> str:
    """An activation JWT."""
    by = signer(exporter) if by_signer else key(exporter)
    more = {"issuer_account": key(exporter).public_key} if by_signer else {}
    return signed(activation(f"chain {importer}", by, subject, kind, **more))


def claims_of(
    name: str, body: Mapping[str, Any] | None = None, age: int = 0,
    top: Mapping[str, Any] | None = None,
) -> Claims:  # fmt: skip
    """Of an account; larger ages are newer."""
    made = account(f"chain {name}", **(body or {}))
    return {**made, "name": name, "iat": ISSUED + 100 + age, **(top or {})}


def limits(**some: Any) -> dict[str, Any]:
    return {**UNLIMITED, **some}


def _login(client: RawClient, name: str, login: str) -> None:
    by = key(name)
    body: dict[str, Any] = {}
    if login == _SCOPED:
        by = account_key(f"chain {_SCOPED} of {name}")
        body = {"subs": 0, "data": 0, "payload": 0}
    elif login == _SIGNER:
        by = signer(name)
    elif login == _BEARER:
        body = {"bearer_token": True}
    elif login == _OWN:
        body = {"pub": {"allow": ["e.>", "$SYS.REQ.USER.INFO"]}, "sub": {"deny": ["p.>"]}}
    if by is not key(name):
        body["issuer_account"] = key(name).public_key
    _present(client, token(user(f"chain {name} {login}", by, **body), by),
             user_key(f"chain {name} {login}"))  # fmt: skip


def _present(client: RawClient, jwt: str, pair: KeyPair) -> None:
    nonce = json.loads(client.read_info().removeprefix(b"INFO "))["nonce"]
    fields = {
        "jwt": jwt, "sig": chunk(pair.sign(nonce.encode())), "verbose": False, "headers": True,
        "no_responders": True,
    }  # fmt: skip
    client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\n")
    client.fence()


@dataclass(slots=True)
class _Standing:
    """A client that stays while claims change."""

    client: RawClient
    seen: int = 0


class Observed:
    """A running server, and a client of each account that hears everything there."""

    def __init__(self, server: ThreadedServer) -> None:
        self._server = server
        self.port = server.server.client_port
        self._standing: dict[str, _Standing] = {}
        self._system = RawClient(self.port)
        _present(self._system, token(user("chain sys", SYSTEM), SYSTEM), user_key("chain sys"))
        self._system.send(b"SUB ask.> 1\r\n")
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for each in self._standing.values():
            each.client.close()
        self._system.close()

    def ask(self, subject: str, payload: str = "") -> Any:
        """What the server answers in the system account."""
        self._asked += 1
        inbox = f" ask.{self._asked} "
        data = payload.encode()
        self._system.received.clear()
        self._system._pongs_due = 0
        self._system.send(f"PUB {subject}{inbox}{len(data)}\r\n{payload}\r\n".encode(), pongs=0)
        assert self._system.read_until(inbox.encode())
        while True:
            head, end, rest = self._system.received.partition(inbox.encode())[2].partition(b"\r\n")
            if end and len(rest) >= int(head.split()[-1]):
                return json.loads(rest[: int(head.split()[-1])] or b"{}")
            self._system.read_some(1)

    def push(self, claims: Claims) -> bool:
        """Whether the server has taken them."""
        answer = self.ask("$SYS.REQ.CLAIMS.UPDATE", signed(claims))
        return "data" in answer

    # -- looking ------------------------------------------------------------------------------

    def behaviour(self) -> dict[str, Any]:
        """Who may come in, what they may do, and what reaches whom."""
        refused = self._stand()
        told: dict[str, Any] = {"standing": refused}
        for name in NAMES:
            for login in LOGINS:
                told[f"{name} {login}"] = self._try(name, login)
        for name, standing in self._standing.items():
            for number, subject in enumerate(SUBJECTS):
                standing.client.send(
                    f"PUB {subject} in.{name}.{number} 2\r\nhi\r\n".encode(), pongs=0
                )
            standing.client.fence()
            for other, each in self._standing.items():
                told[f"{subject_of(name)} heard by {other}"] = self._heard(each)
        for name in NAMES:
            told[f"{name} is"] = self._account(name)
        return told

    def _account(self, name: str) -> Any:
        found = self.ask(f"$SYS.REQ.ACCOUNT.{key(name).public_key}.INFO")
        data = dict(found.get("data") or found)
        if name not in self._standing:  # what all import comes with the first client, and stays
            data.pop("subscriptions", None)
        elif self._has_answered(name):  # the way back of answers stays, too
            data["subscriptions"] -= 1
        return {
            field: json.loads(self._shown(json.dumps(value)))
            for field, value in data.items()
            if field not in _LEFT_OUT
        }

    def _has_answered(self, name: str) -> bool:
        place = key(name).public_key
        return self._server.call(lambda server: server.state.accounts[place].awaited is not None)

    def services_of(self, name: str) -> list[str]:
        """The services of an account that somebody imports, as the server knows them."""
        place = key(name).public_key

        def look(server: Server) -> list[str]:
            wiring = server.state._wiring
            assert wiring is not None
            return sorted(subject for account, subject in wiring._exports if account == place)

        return self._server.call(look)

    def survivors(self) -> list[str]:
        """Who of those that stay is still there and may still hear everything."""
        left = []
        for name, each in list(self._standing.items()):
            before = len(each.client.received)
            each.client.fence()
            said = bytes(each.client.received[before:]) + each.client.received[each.seen : before]
            if each.client.closed or b"-ERR" in said:
                each.client.close()
                del self._standing[name]
            else:
                left.append(name)
                each.seen = len(each.client.received)
        return left

    def _stand(self) -> list[str]:
        """Those who are not there come back, if they may. Returns who may not."""
        self.survivors()
        for name in NAMES:
            if name in self._standing:
                continue
            client = RawClient(self.port)
            _login(client, name, "plain")
            client.send(b"SUB > 1\r\n")
            client.fence()
            if client.closed or b"-ERR" in client.received:
                client.close()
            else:
                self._standing[name] = _Standing(client, len(client.received))
        self._standing = {name: self._standing[name] for name in NAMES if name in self._standing}
        return [name for name in NAMES if name not in self._standing]

    def _try(self, name: str, login: str) -> list[str]:
        client = RawClient(self.port)
        try:
            _login(client, name, login)
            client.send(b"SUB in.x 1\r\nPUB $SYS.REQ.USER.INFO in.x 0\r\n\r\n")
            client.fence()
            if b"-ERR" not in client.received:
                client.read_until(b'"data":')  # the server answers when there is time
            client.send(b"SUB p.1 2\r\nSUB e.1 q 3\r\nPUB e.1 0\r\n\r\nPUB other 0\r\n\r\n" + BIG)
            client.fence()
            found = self._lines(bytes(client.received))
        finally:
            client.finish()  # it has left when the next one comes
        for standing in self._standing.values():
            standing.client.fence()
            standing.seen = len(standing.client.received)
        return found

    def _heard(self, standing: _Standing) -> list[str]:
        standing.client.fence()
        fresh = bytes(standing.client.received[standing.seen :])
        standing.seen = len(standing.client.received)
        return sorted(self._lines(fresh))

    def _lines(self, received: bytes) -> list[str]:
        items = parse_transcript(received, self.port)
        lines = (item for item in items if isinstance(item, str) and item not in ("PING", "PONG"))
        return [self._shown(item) for item in lines]

    @staticmethod
    def _shown(text: str) -> str:
        for pattern, instead in _VARIES:
            text = pattern.sub(instead, text)
        return named(text)


def subject_of(name: str) -> str:
    return f"what {name} publishes"


@contextmanager
def serving(folder: Path | None, claims: Mapping[str, Claims]) -> Iterator[Observed]:
    """A server with these accounts: with files, if there is a folder for them."""
    tokens = {each["sub"]: signed(each) for each in (account("chain SYS"), *claims.values())}
    resolver = ResolverOptions("memory", preload=tokens)
    if folder is not None:
        resolver = ResolverOptions("full", dir=folder, preload=tokens)
    trusted = token(operator(), operator_key())
    server = ThreadedServer(
        log=None, operator=OperatorOptions(tokens=[trusted]), resolver=resolver,
        system_account=SYSTEM.public_key,
    )  # fmt: skip
    with server, Observed(server) as observed:
        yield observed
