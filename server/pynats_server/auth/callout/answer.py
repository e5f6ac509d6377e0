"""What the service answers, checked before it counts.

The texts of the errors are the real server's. Unlike there, an answer must be signed by the issuer
also if it is sealed: whoever knows the public curve key of the server can seal something for it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from pynats_common.go.text import clean, shortened
from pynats_common.jwt import AuthorizationResponseClaims, JwtError, decode
from pynats_common.nkeys import (
    CannotOpenError,
    CurveKeyPair,
    KeyPair,
    NkeyError,
    Prefix,
    is_valid_public,
)

from pynats_server.auth.jwt.tokens import User
from pynats_server.auth.jwt.tokens import read_user as read_user_jwt

PLAIN: Final = b"eyJ"  # how every token begins
_EXPIRED: Final = "claim is expired"
_EARLY: Final = "claim is not yet valid"


class CalloutError(Exception):
    """An answer does not let anybody in; the text, for the log, says why."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must fit."""

    account: str  # of the service, for the texts
    user: str  # key that the user is given
    server: str  # who has asked
    issuers: frozenset[str]  # who may sign the answer
    curve: KeyPair | None = None  # of the server; None = nothing is sealed
    service_curve: str = ""  # the service's public key


def read_answer(data: bytes, expected: Expected) -> str:
    """The token of the user in an answer. Raises CalloutError."""
    if not data:
        raise CalloutError(
            f'Auth callout violation: "no reason supplied" on account "{expected.account}"'
        )
    try:
        claims = decode(_opened(data, expected))
    except JwtError as error:
        raise _unreadable(error) from None
    if not isinstance(claims, AuthorizationResponseClaims):
        raise CalloutError("Not an authorization request claim")
    if claims.iss not in expected.issuers:
        raise CalloutError("Auth callout signing key is unknown")
    if fault := _fault_of(claims):
        raise CalloutError(f"Authorization response had validation errors: {fault}")
    if claims.sub != expected.user:
        raise _violation("auth callout response is not for expected user")
    if claims.aud != expected.server:
        raise _violation("auth callout response is not for server")
    if claims.nats.error:
        raise CalloutError(f"Auth callout service returned an error: {_short(claims.nats.error)}")
    return claims.nats.jwt


def read_user(token: str, expected: Expected) -> User:
    """The claims of the user. Who may have signed them, and what they allow, is for the caller to
    look at. Raises CalloutError."""
    try:
        user = read_user_jwt(token)
    except JwtError as error:
        raise _unreadable(error) from None
    if user.sub != expected.user:
        raise CalloutError(
            f'Expected authorized user of "{expected.user}" but got "{_short(user.sub)}" '
            f'on account "{expected.account}"'
        )
    return user


def fault_of_times(expires: int, begins: int) -> str:
    """Why claims do not count at this time; nothing if they do."""
    now = time.time()
    if 0 < expires < now:
        return _EXPIRED
    return _EARLY if begins > now else ""


def _opened(data: bytes, expected: Expected) -> str:
    if expected.curve is not None and not data.startswith(PLAIN):
        try:
            assert isinstance(expected.curve, CurveKeyPair)
            data = expected.curve.open(data, expected.service_curve)
        except NkeyError as error:
            raise CalloutError(
                f'Error decrypting auth callout response on account "{expected.account}": '
                f"nkeys: {_of_box(error)}"
            ) from None
    return data.decode("ascii", "replace")


def _of_box(error: NkeyError) -> str:
    spoilt = isinstance(error, CannotOpenError) and "damaged" in str(error)
    return "could not decrypt input" if spoilt else "encrypted input is not valid"


def _unreadable(error: JwtError) -> CalloutError:
    text = _short(str(error))
    return CalloutError(text[:1].upper() + text[1:])


def _short(text: str) -> str:
    return shortened(clean(text))


def _fault_of(claims: AuthorizationResponseClaims) -> str:
    if not is_valid_public(claims.aud, Prefix.SERVER):
        return "Audience must be a server public key"
    if claims.nats.jwt and claims.nats.error:
        return "Only Error or Jwt can be set"
    if not claims.nats.jwt and not claims.nats.error:
        return "Error or Jwt is required"
    return fault_of_times(claims.exp, claims.nbf)


def _violation(text: str) -> CalloutError:
    return CalloutError(f"Auth callout violation: {text}")
