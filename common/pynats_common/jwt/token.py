"""Tokens: text to claims and back.

`opening` takes a token apart and checks its signature; here its payload becomes claims of its
kind, and claims become a token.
"""

from __future__ import annotations

import base64
import time
from typing import Any, TypeVar

from pynats_common.jwt import claims as c
from pynats_common.jwt.errors import (
    ClaimsError,
    IssuerError,
    MalformedTokenError,
    UnsupportedTokenError,
)
from pynats_common.jwt.opening import (
    ALGORITHM,
    ALGORITHM_V1,
    TOKEN_CHARS_MAX,
    Opened,
    check_signature,
    open_token,
)
from pynats_common.jwt.record import dump_compact, load_object
from pynats_common.jwt.v1 import migrate_v1
from pynats_common.nkeys import KeyPair, NkeyError, decode_public

_HEADER = {"typ": "JWT", "alg": ALGORITHM}
C = TypeVar("C", bound=c.Claims)


def decode(token: str) -> c.Claims:
    """Claims of a token with a valid signature and issuer kind; does not check times.

    Version 1 tokens become version 2 claims. Raises only JwtError and its subclasses, for any
    input. For times see `Claims.is_expired` and `validate`.
    """
    return decode_opened(open_token(token))


def decode_opened(opened: Opened) -> c.Claims:
    """The same for a token that was taken apart already."""
    raw = load_object(opened.payload, "claims")
    # The kind beside `nats` instead of in it is what version 1 had.
    version = 1 if isinstance(raw.get("type"), str) and raw["type"] else 2
    check_signature(opened, raw.get("iss"), version)
    if version == 1:
        raw = migrate_v1(raw)
    claims = _build(raw)
    if claims.iss != raw.get("iss"):
        raise IssuerError("issuer is ambiguous")
    _check_parties(claims)
    return claims


def decode_as(cls: type[C], token: str) -> C:
    """Like `decode`, but the token must be of this kind. Raises JwtError."""
    claims = decode(token)
    if not isinstance(claims, cls):
        raise ClaimsError(f"not a {cls.claim_type} JWT: it is a {claims.claim_type} JWT")
    return claims


def _build(raw: dict[str, Any]) -> c.Claims:
    body = raw.get("nats", {})
    if not isinstance(body, dict):
        raise ClaimsError("nats: expected an object")
    kind = body.get("type", "")
    if not isinstance(kind, str):
        raise ClaimsError("nats.type: expected a string")
    cls = c.CLAIM_TYPES.get(kind, c.GenericClaims)
    if kind in ("server", "cluster"):
        raise UnsupportedTokenError(f"{kind} claims are no longer supported")
    if cls is not c.GenericClaims:
        version = body.get("version", 0)
        if isinstance(version, bool) or not isinstance(version, int) or version != c.VERSION:
            raise UnsupportedTokenError("unsupported version of claims")
    return cls.from_json(raw)


def _check_parties(claims: c.Claims) -> None:
    """Issuer and subject must be of the kinds that the claim's type allows."""
    if claims.issuers:
        try:
            decode_public(claims.iss, *claims.issuers)
        except NkeyError:
            wanted = " ".join(prefix.label for prefix in claims.issuers)
            raise IssuerError(f"unable to validate expected prefixes - [{wanted}]") from None
    if claims.subjects:
        try:
            decode_public(claims.sub, *claims.subjects)
        except NkeyError as error:
            raise IssuerError(f"unable to validate subject: {error}") from None


def encode(claims: c.Claims, signer: KeyPair, *, issued_at: int | None = None) -> str:
    """Token text; fills in `iss`, `iat` (now, unless given) and `jti`.

    Raises IssuerError when this kind of key may not issue these claims, NkeyError when the
    signer has no seed.
    """
    claims.iss = signer.public_key
    claims.iat = int(time.time()) if issued_at is None else issued_at
    if isinstance(claims, c.AccountClaims):
        claims.nats.sort()
    _check_parties(claims)
    if isinstance(claims, c.GenericClaims) and not claims.sub:
        raise IssuerError("subject is not set")
    claims.jti = claims.compute_id()
    payload = dump_compact(claims.to_json())
    signed = _part(dump_compact(_HEADER)) + b"." + _part(payload)
    token = (signed + b"." + _part(signer.sign(signed))).decode()
    if len(token) > TOKEN_CHARS_MAX:
        raise MalformedTokenError("token is larger than 1 MiB")
    return token


def peek(token: str) -> dict[str, Any]:
    """Payload of a token WITHOUT any verification, for display. Raises JwtError."""
    return load_object(open_token(token).payload, "claims")


def is_version_1(token: str) -> bool:
    """True for a token of the older format. Raises JwtError if it is not a token."""
    return open_token(token).algorithm == ALGORITHM_V1


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
