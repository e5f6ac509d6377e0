"""Tokens: text to claims and back, over PyJWT with NATS's own algorithm.

Version 2 (`ed25519-nkey`) signs `header.payload`; version 1 (`ed25519`) signed the payload part
only. Both are registered as PyJWT algorithms. PyJWT takes 0.1 s to import, so it is loaded with
the first token.
"""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Any, TypeVar

from pynats_common.jwt import claims as c
from pynats_common.jwt.errors import (
    ClaimsError,
    IssuerError,
    JwtError,
    MalformedTokenError,
    SignatureError,
    UnsupportedTokenError,
)
from pynats_common.jwt.record import dump_compact, load_object
from pynats_common.jwt.v1 import migrate_v1
from pynats_common.nkeys import (
    KeyPair,
    NkeyError,
    Prefix,
    decode_public,
    from_public_key,
)

if TYPE_CHECKING:
    from jwt.api_jws import PyJWS

ALGORITHM = "ed25519-nkey"
ALGORITHM_V1 = "ed25519"
TOKEN_CHARS_MAX = 1024 * 1024
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
C = TypeVar("C", bound=c.Claims)


@functools.cache
def _jws() -> PyJWS:
    from jwt.algorithms import Algorithm
    from jwt.api_jws import PyJWS

    class NkeyAlgorithm(Algorithm):
        """Ed25519 with an NKey pair as the key."""

        def prepare_key(self, key: Any) -> KeyPair:
            if not isinstance(key, KeyPair):
                raise TypeError("expected an nkey pair")
            return key

        def sign(self, msg: bytes, key: KeyPair) -> bytes:
            return key.sign(msg)

        def verify(self, msg: bytes, key: KeyPair, sig: bytes) -> bool:
            try:
                key.verify(msg, sig)
            except NkeyError:
                return False
            return True

        @staticmethod
        def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
            raise NotImplementedError("nkeys have their own text form")

        @staticmethod
        def from_jwk(jwk: Any) -> Any:
            raise NotImplementedError("nkeys have their own text form")

    class NkeyAlgorithmV1(NkeyAlgorithm):
        """The signature of version 1: over the payload part only."""

        def sign(self, msg: bytes, key: KeyPair) -> bytes:
            raise JwtError("version 1 tokens are read, never written")

        def verify(self, msg: bytes, key: KeyPair, sig: bytes) -> bool:
            return super().verify(msg.split(b".", 1)[1], key, sig)

    jws = PyJWS(algorithms=[])
    jws.register_algorithm(ALGORITHM, NkeyAlgorithm())
    jws.register_algorithm(ALGORITHM_V1, NkeyAlgorithmV1())
    return jws


def decode(token: str) -> c.Claims:
    """Claims of a token with a valid signature and issuer kind; does not check times.

    Version 1 tokens become version 2 claims. Raises only JwtError and its subclasses, for any
    input. For times see `Claims.is_expired` and `validate`.
    """
    header, payload = _open(token)
    raw = load_object(payload, "claims")
    version = 1 if header["alg"] == ALGORITHM_V1 else 2
    _verify(token, raw, str(header["alg"]))
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


def _open(token: str) -> tuple[dict[str, Any], bytes]:
    if not isinstance(token, str) or len(token) > TOKEN_CHARS_MAX:
        raise MalformedTokenError("token is larger than 1 MiB")
    if not _SHAPE.match(token):
        raise MalformedTokenError("not a JWT: expected three base64url parts")
    from jwt.exceptions import PyJWTError

    try:
        parts = _jws().decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, TypeError, RecursionError):
        raise MalformedTokenError("not a JWT: a part cannot be decoded") from None
    header: dict[str, Any] = parts["header"]
    if not isinstance(header.get("typ"), str) or header["typ"].upper() != "JWT":
        raise UnsupportedTokenError("not supported type")
    if header.get("alg") not in (ALGORITHM, ALGORITHM_V1):
        raise UnsupportedTokenError("unexpected JWT algorithm")
    payload: bytes = parts["payload"]
    return header, payload


def _verify(token: str, raw: dict[str, Any], algorithm: str) -> None:
    from jwt.exceptions import PyJWTError

    issuer = raw.get("iss")
    if not isinstance(issuer, str):
        raise IssuerError("issuer is missing")
    try:
        key = from_public_key(issuer)
        if key.prefix is Prefix.CURVE:
            raise IssuerError("issuer is a curve key, which cannot sign")
        _jws().decode_complete(token, key, algorithms=[algorithm])  # type: ignore[arg-type]
    except NkeyError as error:
        raise IssuerError(f"issuer is no public key: {error}") from None
    except (PyJWTError, ValueError, TypeError) as error:
        if isinstance(error, JwtError):
            raise
        raise SignatureError("claim failed signature verification") from None


def _build(raw: dict[str, Any]) -> c.Claims:
    body = raw.get("nats")
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
        except NkeyError as error:
            raise IssuerError(f"unable to validate issuer: {error}") from None
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
    token: str = _jws().encode(
        payload,
        signer,  # type: ignore[arg-type]
        algorithm=ALGORITHM,
        sort_headers=False,
    )
    if len(token) > TOKEN_CHARS_MAX:
        raise MalformedTokenError("token is larger than 1 MiB")
    return token


def peek(token: str) -> dict[str, Any]:
    """Payload of a token WITHOUT any verification, for display. Raises JwtError."""
    return load_object(_open(token)[1], "claims")


def is_version_1(token: str) -> bool:
    """True for a token of the older format. Raises JwtError if it is not a token."""
    return bool(_open(token)[0]["alg"] == ALGORITHM_V1)
