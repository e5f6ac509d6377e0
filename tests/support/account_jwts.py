"""JWTs of accounts from fixed seeds, and what a resolver needs around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pynats_common import jwt
from pynats_common.nkeys import KeyPair, Prefix
from pynats_server.resolver.base import NotGood

ISSUED = 1_700_000_000


def pair(name: str, prefix: Prefix = Prefix.ACCOUNT) -> KeyPair:
    """Always the same for the same name."""
    return KeyPair.from_raw_seed(prefix, hashlib.sha256(name.encode()).digest())


OPERATOR = pair("operator", Prefix.OPERATOR)
SIGNER = pair("operator signer", Prefix.OPERATOR)
STRANGER = pair("stranger", Prefix.OPERATOR)
SYSTEM = pair("system")
SYSTEM_USER = pair("system user", Prefix.USER)


def operator_token(account_server_url: str = "") -> str:
    """Of an operator with a system account and a signing key."""
    claims = jwt.OperatorClaims(sub=OPERATOR.public_key, name="O")
    claims.nats.system_account = SYSTEM.public_key
    claims.nats.signing_keys = [SIGNER.public_key]
    claims.nats.account_server_url = account_server_url
    return jwt.encode(claims, OPERATOR, issued_at=ISSUED)


def account_token(
    account: KeyPair | str, *, age: int = 0, signer: KeyPair = OPERATOR, name: str = "",
    change: Callable[[jwt.AccountClaims], object] | None = None,
) -> str:  # fmt: skip
    """Of an account; a larger `age` is newer."""
    key = pair(account) if isinstance(account, str) else account
    claims = jwt.new_account(key.public_key, name or (account if isinstance(account, str) else "S"))
    if change is not None:
        change(claims)
    return jwt.encode(claims, signer, issued_at=ISSUED + age)


def user_token(user: KeyPair, account: KeyPair) -> str:
    """Of a user who may do everything."""
    return jwt.encode(jwt.new_user(user.public_key, "u"), account, issued_at=ISSUED)


def deletion(
    accounts: object, signer: KeyPair = OPERATOR, subject: KeyPair | None = None, expires: int = 0
) -> str:
    """A request to delete accounts."""
    body: dict[str, Any] = {} if accounts is None else {"accounts": accounts}
    claims = jwt.GenericClaims(sub=(subject or signer).public_key, nats=body, exp=expires)
    return jwt.encode(claims, signer, issued_at=ISSUED)


def key(name: str) -> str:
    """The public key of an account."""
    return pair(name).public_key


def check(token: str) -> jwt.AccountClaims:
    """As a server that trusts the operator looks at it."""
    claims = jwt.decode_as(jwt.AccountClaims, token)
    if claims.iss not in (OPERATOR.public_key, SIGNER.public_key):
        raise NotGood("account validation failed")
    issues = [each.description for each in jwt.validate(claims) if each.blocking]
    if issues:
        raise NotGood(f"jwt validation failed - validation errors: [{' '.join(issues)}]")
    return claims


class NoPeers:
    """There is no other server."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def first(self, subject: str, timeout_s: float) -> bytes | None:
        self.asked.append(subject)
        return None

    def collect(self, take: Callable[[bytes], None]) -> NoPeers:
        return self

    def ask(self, subject: str, body: bytes) -> None:
        self.asked.append(subject)

    def close(self) -> None: ...


@dataclass
class Lines:
    """A log that is kept."""

    said: list[str] = field(default_factory=list)
    debug_enabled: bool = True

    def debug(self, text: str, /) -> None:
        self.said.append(f"DBG {text}")

    def warn(self, text: str, /) -> None:
        self.said.append(f"WRN {text}")

    def error(self, text: str, /) -> None:
        self.said.append(f"ERR {text}")


def names_for(accounts: Iterable[str]) -> dict[str, str]:
    """What keys are shown as in records."""
    named = {key(name): f"<{name}>" for name in accounts}
    named |= {OPERATOR.public_key: "<operator>", STRANGER.public_key: "<stranger>"}
    return named | {SYSTEM.public_key: "<system>", SIGNER.public_key: "<signer>"}
