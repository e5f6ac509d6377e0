"""Keys and tokens that are the same in every run, and tokens with anything in them.

A token is made of a plain dictionary, because most of those here could not be made of typed claims.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pynats_common.nkeys import KeyPair, Prefix, create_pair

ISSUED = 1_700_000_000  # every token's, unless it says otherwise
FAR = 4_000_000_000  # in 2096
HEADER: Mapping[str, Any] = {"typ": "JWT", "alg": "ed25519-nkey"}

Claims = dict[str, Any]


_NAMES: dict[str, str] = {}  # of public keys
_PAIRS: dict[str, KeyPair] = {}  # the same
_KEY = re.compile(r"\b[AOU][A-Z2-7]{55}\b")


@cache
def pair(kind: Prefix, name: str) -> KeyPair:
    """The key pair of that name."""
    seed = hashlib.sha256(f"{kind.name} {name}".encode()).digest()
    made = create_pair(kind, lambda _: seed)
    _NAMES[made.public_key] = f"<{kind.name.lower()} {name}>"
    _PAIRS[made.public_key] = made
    return made


def signed(claims: Claims) -> str:
    """The token that its issuer makes of them."""
    return token(claims, _PAIRS[claims["iss"]])


def named(text: str) -> str:
    """With names for public keys."""
    return _KEY.sub(lambda key: _NAMES.get(key[0], key[0]), text)


def operator_key(name: str = "operator") -> KeyPair:
    return pair(Prefix.OPERATOR, name)


def account_key(name: str) -> KeyPair:
    return pair(Prefix.ACCOUNT, name)


def user_key(name: str) -> KeyPair:
    return pair(Prefix.USER, name)


def chunk(data: bytes) -> str:
    """A part of a token, or the signature of a nonce."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def text_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def token(claims: object, signer: KeyPair, header: object = HEADER, version: int = 2) -> str:
    """`claims` and `header` are values or their bytes; version 1 signed the claims only."""
    head, body = chunk(text_of(header)), chunk(text_of(claims))
    what = f"{head}.{body}" if version == 2 else body
    return f"{head}.{body}.{chunk(signer.sign(what.encode()))}"


def _claims(kind: str, name: str, subject: str, issuer: str, body: Mapping[str, Any]) -> Claims:
    return {
        "jti": "JTI",
        "iat": ISSUED,
        "iss": issuer,
        "name": name,
        "sub": subject,
        "nats": {**body, "type": kind, "version": 2},
    }


def operator(name: str = "operator", **body: Any) -> Claims:
    """The claims of an operator, signed by itself."""
    key = operator_key(name).public_key
    return _claims("operator", name, key, key, body)


UNLIMITED: Mapping[str, Any] = {
    "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True,
    "conn": -1, "leaf": -1,
}  # fmt: skip


def account(name: str, issuer: KeyPair | None = None, **body: Any) -> Claims:
    """The claims of an account without limits."""
    by = (issuer or operator_key()).public_key
    return _claims("account", name, account_key(name).public_key, by, {"limits": UNLIMITED} | body)


def user(name: str, issuer: KeyPair, **body: Any) -> Claims:
    """The claims of a user without limits."""
    limits = {"subs": -1, "data": -1, "payload": -1}
    return _claims("user", name, user_key(name).public_key, issuer.public_key, limits | body)


def activation(
    importer: str, issuer: KeyPair, subject: str, kind: str = "stream", **body: Any
) -> Claims:
    """The right of an account to import."""
    sub = account_key(importer).public_key
    body = {"subject": subject, "kind": kind} | body
    return _claims("activation", subject, sub, issuer.public_key, body)


MISSING = object()


def changed(claims: Claims, path: str, value: object) -> Claims:
    """A copy with another value at `path`, such as `nats.pub.allow`, or without what was there."""
    copy = dict(claims)
    name, _, rest = path.partition(".")
    if rest:
        copy[name] = changed(copy.get(name) or {}, rest, value)
    elif value is MISSING:
        copy.pop(name, None)
    else:
        copy[name] = value
    return copy
