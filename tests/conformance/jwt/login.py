"""One log-in on the wire, and what shows who has come in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynats_common.nkeys import KeyPair

from tests.conformance.jwt.tokens import Claims, chunk, named, token, user, user_key
from tests.conformance.jwt.world import A
from tests.support.process import ServerProcess
from tests.support.raw import RawClient
from tests.support.transcript import CLOSED, TIMED_OUT, parse_transcript

TALK = ("SUB a.> 1", "PUB a.b | hi")
Sign = Callable[[str], Any]  # from the server's nonce


def signing(key: KeyPair) -> Sign:
    """The signature that a client with this key gives."""
    return lambda nonce: chunk(key.sign(nonce.encode()))


@dataclass(frozen=True, slots=True)
class Login:
    """`jwt` is sent with a signature of the nonce by the key of user `name`, unless told otherwise.

    `talk` follows where the server lets it: `SUB a 1`, `PUB a reply | payload`, `CONNECT` for
    another log-in with the fields of `again`.
    `later` makes the token when the test runs, if what it says depends on the time of day.
    """

    name: str
    jwt: Any = None
    sign: Sign | None = None
    talk: tuple[str, ...] = TALK
    fields: Mapping[str, Any] = field(default_factory=dict)
    server: str = "full"
    later: Callable[[], str] | None = None
    first: str = ""  # sent instead of CONNECT
    again: Mapping[str, Any] = field(default_factory=dict)
    ends: bool = False  # the server lets it in and sends it away at once

    def __str__(self) -> str:
        return self.name


def of_claims(name: str, claims: Claims, by: KeyPair = A, **options: Any) -> Login:
    """A login with the token of these claims. The user's key is that of `claims["name"]`."""
    sign = options.pop("sign", None) or signing(user_key(str(claims.get("name"))))
    return Login(name, token(claims, by), sign=sign, **options)


def of_user(
    name: str, by: KeyPair = A, talk: tuple[str, ...] = TALK, ends: bool = False, **body: Any
) -> Login:
    """A login of a user with that body."""
    return of_claims(name, user("u", by, **body), by, talk=talk, ends=ends)


def play(server: ServerProcess, case: Login) -> list[str]:
    """What came of it: what was said to the client, and who the server says it is."""
    with RawClient(server.port) as client:
        info = json.loads(client.read_info().removeprefix(b"INFO "))
        told = _Told(client, server.port)
        if case.first:
            told.send(case.first)
        else:
            told.connect(_fields(case, info["nonce"]) | dict(case.fields))
        if case.ends:
            told.to_end()
        if client.closed:
            return told.lines
        told.lines += _who(server, info["client_id"])
        for line in case.talk:
            if line == "CONNECT":
                told.lines.append("> CONNECT")
                again = {
                    key: value(info["nonce"]) if callable(value) else value
                    for key, value in case.again.items()
                }
                told.connect(again)
                if not client.closed:
                    told.lines += _who(server, info["client_id"])
            else:
                told.lines.append(f"> {line}")
                told.send(line)
            if client.closed:
                break
        return told.lines


def _fields(case: Login, nonce: str) -> dict[str, Any]:
    jwt = case.later() if case.later else case.jwt
    sign = case.sign or signing(user_key("u"))
    fields = {"verbose": False, "pedantic": False, "jwt": jwt, "sig": sign(nonce)}
    return {name: value for name, value in fields.items() if value is not None}


class _Told:
    """What a client hears, as lines."""

    def __init__(self, client: RawClient, port: int) -> None:
        self.lines: list[str] = []
        self._client = client
        self._port = port
        self._seen = len(client.received)

    def connect(self, fields: Mapping[str, Any]) -> None:
        self.send("CONNECT " + json.dumps(fields))

    def send(self, line: str) -> None:
        words, bar, payload = line.partition(" | ")
        if bar:
            line = f"{words} {len(payload)}\r\n{payload}"
        self._client.send(line.encode() + b"\r\n")
        self._client.fence()
        self._note()

    def to_end(self) -> None:
        """Waits for the server to close."""
        self._client.timed_out = not self._client.read_to_end()
        self._note()

    def _note(self) -> None:
        fresh = bytes(self._client.received[self._seen :])
        self._seen = len(self._client.received)
        items = [
            item
            for item in parse_transcript(fresh, self._port)
            if isinstance(item, str) and item != "PONG"
        ]
        # Among subscriptions that match there is no order.
        deliveries = sorted(item for item in items if item.startswith("MSG "))
        others = [item for item in items if not item.startswith("MSG ")]
        self.lines += [*others, *deliveries]
        if self._client.closed:
            if self.lines[-1:] != [CLOSED]:
                self.lines.append(CLOSED)
        elif self._client.timed_out:
            self.lines.append(TIMED_OUT)


_SHOWN = ("account", "authorized_user", "issuer_key", "name_tag", "tags")


def _who(server: ServerProcess, cid: int) -> list[str]:
    """What monitoring says of a client."""
    (shown,) = server.monitoring(f"/connz?auth=1&cid={cid}")["connections"]
    who = " ".join(f"{key}={shown[key]}" for key in _SHOWN if key in shown)
    return [f"is {named(who)}{' with its token' if 'jwt' in shown else ''}"]
