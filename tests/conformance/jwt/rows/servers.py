"""Log-ins at servers that are set up in another way: with tokens of accounts in the configuration,
with an operator who is strict about keys, and with a token for those who have none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.jwt.login import Login, of_claims, signing
from tests.conformance.jwt.rows import may
from tests.conformance.jwt.tokens import ISSUED, account, account_key, token, user, user_key
from tests.conformance.jwt.world import (
    A_SIGNER,
    B_SIGNER,
    OPERATOR,
    A,
    B,
    scoped_key,
    sentinel,
)

_GOOD = token(user("u", A), A)
_BY_KEY = token(user("u", A_SIGNER, issuer_account=A.public_key), A_SIGNER)
_SIGN = signing(user_key("u"))
_SUB = ("SUB a.> 1", "PUB a.b | hi", "PUB a.no | hi")


def _named(server: str, *cases: Login) -> list[Login]:
    return [replace(case, name=f"{server}: {case.name}", server=server) for case in cases]


MEMORY = _named(
    "memory",
    Login("good", _GOOD, sign=_SIGN),
    Login("by a signing key", _BY_KEY, sign=_SIGN),
    of_claims("an account by a signing key", user("u", B), B),
    of_claims("an account nobody knows", user("u", account_key("nobody")), account_key("nobody")),
    of_claims("an account that has expired", user("u", account_key("expired")),
              account_key("expired")),
    may.role("name", talk=("PUB a.u | hi", "PUB a.v | hi")),
    Login("a bearer", sentinel(), sign=lambda nonce: None),
)  # fmt: skip
STRICT = _named(
    "strict",
    Login("by the account's own key", _GOOD, sign=_SIGN),
    of_claims("by its own key, for itself", user("u", A, issuer_account=A.public_key)),
    Login("by a signing key", _BY_KEY, sign=_SIGN),
    may.role("plain"),
    of_claims("an account by the operator's own key", user("u", B), B),
    of_claims("an account by the operator's own key, by a signing key",
              user("u", B_SIGNER, issuer_account=B.public_key), B_SIGNER),
    Login("the bearer's token", sentinel(), sign=lambda nonce: None),
)  # fmt: skip


def unsigned(name: str, jwt: str | None = None, **fields: Any) -> Login:
    return Login(name, jwt, sign=lambda nonce: None, talk=_SUB, fields=fields)


SENTINEL = _named(
    "sentinel",
    Login("good", _GOOD, sign=_SIGN, talk=_SUB),
    unsigned("nothing"),
    unsigned("junk", "junk"),
    unsigned("empty", ""),
    unsigned("an account's token", token(account("A"), OPERATOR)),
    unsigned("user and password", **{"user": "x", "pass": "y"}),
    unsigned("a token of another sort", **{"auth_token": "t"}),
    unsigned("a key", **{"nkey": user_key("u").public_key}),
    Login("a key and a signature", fields={"nkey": user_key("u").public_key}, sign=_SIGN,
          talk=_SUB),
    unsigned("a signature of zeros", **{"sig": "AA"}),
    Login("one that has expired", token(user("u", A) | {"exp": ISSUED + 1}, A), sign=_SIGN),
    unsigned("one without a signature", _GOOD),
    Login("one with a wrong signature", _GOOD, sign=signing(user_key("v"))),
    Login("one of an account nobody knows",
          token(user("u", account_key("nobody")), account_key("nobody")), sign=_SIGN),
    Login("one signed by another", token(user("u", A), B), sign=_SIGN, talk=_SUB),
    Login("cut", _GOOD[:-1], sign=_SIGN, talk=_SUB),
    unsigned("the bearer's own", sentinel()),
    Login("a ping first", first="PING"),
    Login("a subscription first", first="SUB a 1"),
    unsigned("an account named", **{"account": "A"}),
    unsigned("protocol 2", **{"protocol": 2}),
)  # fmt: skip
SCOPED_SENTINEL = _named(
    "scoped sentinel",
    unsigned("nothing"),
    Login("good", _GOOD, sign=_SIGN, talk=_SUB),
)
LOST_SENTINEL = _named("lost sentinel", unsigned("nothing"))


def scoped_sentinel() -> str:
    """One that is a bearer by its role."""
    none = {"subs": 0, "data": 0, "payload": 0}
    key = scoped_key("bearer")
    return token(user("scoped", key, issuer_account=A.public_key, **none), key)


def lost_sentinel() -> str:
    """One of an account that nobody knows."""
    return token(user("lost", account_key("nobody"), bearer_token=True), account_key("nobody"))


ROWS = [*MEMORY, *STRICT, *SENTINEL, *SCOPED_SENTINEL, *LOST_SENTINEL]
