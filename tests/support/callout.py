"""An auth callout service that is asked and answers by hand, on a connection of raw bytes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pynats_common.jwt import AuthorizationResponseClaims, encode, new_user
from pynats_common.nkeys import KeyPair, Prefix, from_seed
from pynats_common.nkeys.codec import encode_seed

from tests.support.deadline import Deadline
from tests.support.raw import RawClient

SUBJECT = "$SYS.REQ.USER.AUTH"
_MSG = re.compile(
    rb"(?:HMSG (?P<hsubject>\S+) \S+ (?P<hreply>\S+) (?P<head>\d+) (?P<total>\d+)"
    rb"|MSG (?P<subject>\S+) \S+ (?P<reply>\S+) (?P<size>\d+))\r\n"
)


@cache
def key(kind: Prefix, number: int = 0) -> KeyPair:
    """The same in every run: keys of tests may be in records."""
    return from_seed(encode_seed(kind, bytes([number]) * 31 + bytes([kind & 0xFF])))


ISSUER = key(Prefix.ACCOUNT)  # of the answers
STRANGER = key(Prefix.ACCOUNT, 1)
SERVICE_CURVE = key(Prefix.CURVE)


@dataclass(frozen=True, slots=True)
class Request:
    """What the server asks."""

    text: bytes  # as it came
    reply: bytes
    headers: bytes
    token: str
    claims: dict[str, Any]

    @property
    def user(self) -> str:
        """The key that the answer must be for."""
        return str(self.claims["nats"]["user_nkey"])

    @property
    def server(self) -> str:
        return str(self.claims["nats"]["server_id"]["id"])

    @property
    def server_curve(self) -> str:
        """The key to seal for, from the header."""
        return dict(
            line.split(": ") for line in self.headers.decode().split("\r\n") if ": " in line
        ).get("Nats-Server-Xkey", "")


def payload_of(token: str) -> dict[str, Any]:
    """The claims in a token, whoever signed it."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


class Service(RawClient):
    """A connection of an `auth_users` user which is asked."""

    def __init__(self, port: int, connect: str = '{"user":"auth","pass":"auth"}') -> None:
        super().__init__(port)
        self._taken = 0  # bytes of what was received
        options = self.introduce({"verbose": False, "headers": True} | json.loads(connect))
        self.send(b"CONNECT %b\r\n" % json.dumps(options).encode())
        self.send(b"SUB %b 1\r\n" % SUBJECT.encode())
        self.fence()
        assert not self.closed, bytes(self.received)

    def introduce(self, options: dict[str, Any]) -> dict[str, Any]:
        """What CONNECT has."""
        return options

    def next_request(self) -> Request:
        """Waits for it."""
        deadline = Deadline(self.timeout_s)
        while (found := _MSG.search(bytes(self.received), self._taken)) is None:
            assert self.read_some(deadline.remaining()), bytes(self.received[self._taken :])
        head, total = int(found["head"] or 0), int(found["total"] or found["size"])
        self._taken = found.end() + total + 2
        while len(self.received) < self._taken:
            assert self.read_some(deadline.remaining()), bytes(self.received[found.start() :])
        body = bytes(self.received[found.end() : found.end() + total])
        headers, text = body[:head], body[head:]
        token = text
        if text.startswith(b"xkv1"):
            asked = Request(text, b"", headers, "", {})
            token = SERVICE_CURVE.open(text, asked.server_curve)
        reply = found["hreply"] or found["reply"]
        return Request(text, reply, headers, token.decode(), payload_of(token.decode()))

    def is_asked(self) -> bool:
        """Whether there is a request that was not taken; all that the server has sent is read."""
        self.fence()
        return b"MSG " in self.received[self._taken :]

    def answer(self, request: Request, text: bytes | str) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.send(b"PUB %b %d\r\n%b\r\n" % (request.reply, len(data), data), pongs=0)
        self.fence()


def user_jwt(
    request: Request,
    account: str = "APP",
    *,
    signer: KeyPair = ISSUER,
    change: Callable[[Any], object] | None = None,
) -> str:
    """Lets the user into an account."""
    claims = new_user(request.user)
    claims.aud = account
    if change is not None:
        change(claims)
    return encode(claims, signer)


def response(
    request: Request,
    jwt: str = "",
    error: str = "",
    *,
    signer: KeyPair = ISSUER,
    change: Callable[[Any], object] | None = None,
) -> str:
    """The answer of a service."""
    claims = AuthorizationResponseClaims(sub=request.user, aud=request.server)
    claims.nats.jwt, claims.nats.error = jwt, error
    if change is not None:
        change(claims)
    return encode(claims, signer)


def granted(request: Request, account: str = "APP", **options: Any) -> str:
    """The answer with a user."""
    return response(request, user_jwt(request, account, **options))


def sealed(text: str, request: Request, curve: KeyPair = SERVICE_CURVE) -> bytes:
    """What only the server can read."""
    return curve.seal(text.encode(), request.server_curve)
