"""Tokens of providers: whose a token says it is, and whether that is true."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from pynats_server.auth.oidc.keys import KINDS
from pynats_server.options import OidcIssuer

TOKEN_MAX: Final = 64 * 1024  # characters
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z", re.ASCII)


class TokenError(Exception):
    """A token does not count; the text, for the log, says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says before anybody has looked at its signature."""

    text: str
    algorithm: str
    kid: str
    issuer: str


def looks_like_token(text: str) -> bool:
    """Whether it has the form of a signed JWT."""
    return text.startswith("eyJ") and len(text) <= TOKEN_MAX and bool(_SHAPE.match(text))


def peek(text: str) -> Token | None:
    """None for what is no token of any provider."""
    head, body, _ = text.split(".")
    header, claims = _object(head), _object(body)
    if header is None or claims is None:
        return None
    issuer, algorithm, kid = claims.get("iss"), header.get("alg"), header.get("kid", "")
    if not (isinstance(issuer, str) and isinstance(algorithm, str) and isinstance(kid, str)):
        return None
    if "crit" in header:  # what it must be understood for is not understood
        return Token(text, "", kid, issuer)
    return Token(text, algorithm, kid, issuer)


def check_algorithm(token: Token, settings: OidcIssuer) -> None:
    """Raises TokenError."""
    if token.algorithm not in settings.algorithms or token.algorithm not in KINDS:
        raise TokenError("its algorithm is not accepted")


def verify(token: Token, key: PyJWK, settings: OidcIssuer) -> dict[str, Any]:
    """Its claims. Takes some 0.1 ms. Raises TokenError."""
    if key.key_type != KINDS[token.algorithm]:
        raise TokenError("its algorithm does not fit the key")
    try:
        claims: dict[str, Any] = jwt.decode(
            token.text,
            key.key,
            algorithms=[token.algorithm],
            audience=settings.audience,
            issuer=settings.issuer,
            leeway=settings.leeway,
            options={"require": ["exp", "iss", "aud"], "verify_iat": False},
        )
    except PyJWTError as error:
        raise TokenError(_why(error)) from None
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        raise TokenError("it cannot be read") from None
    return claims


def _why(error: PyJWTError) -> str:
    for kind, why in _REASONS.items():
        if isinstance(error, kind):
            return why
    return "it cannot be read"


_REASONS: dict[type[PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it is expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidAudienceError: "it is for another audience",
    jwt.InvalidIssuerError: "it is of another issuer",
    jwt.MissingRequiredClaimError: "it lacks exp, iss or aud",
    jwt.InvalidSignatureError: "its signature is wrong",
    jwt.InvalidKeyError: "its algorithm does not fit the key",
}


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
