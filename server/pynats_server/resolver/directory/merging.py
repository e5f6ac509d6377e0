"""Which of two claims of an account counts."""

from __future__ import annotations

from typing import Any

from pynats_common.jwt import AccountClaims, JwtError, decode

from pynats_server.resolver.base import Check, NotGood

NOT_VALID = "jwt validation failed"


class Refused(Exception):
    """A JWT is not taken over; the text says why. `account` is whose it claims to be."""

    def __init__(self, text: str, account: str = "") -> None:
        super().__init__(text)
        self.account = account


class NotValid(Refused):
    """Its operator has signed it, but the server would not work with it. The text says so."""


def account_of(token: str) -> AccountClaims:
    """The claims of a token of an account, whoever has signed it. Raises Refused."""
    try:
        claims = decode(token)
    except JwtError as error:
        raise Refused(str(error)) from None
    if not isinstance(claims, AccountClaims):
        raise Refused("not account claim")
    return claims


def checked(token: str, check: Check) -> AccountClaims:
    """The claims of a token that the accounts would take over. Raises Refused."""
    claims = account_of(token)
    try:
        check(token)
    except NotGood as error:
        text = str(error)
        kind = NotValid if text.startswith(NOT_VALID) else Refused
        raise kind(text, claims.sub) from None
    return claims


def stored(key: str, text: str, check: Check) -> Any | None:
    """The claims in a file, if they are of that account and would be taken over."""
    try:
        claims = checked(text, check)
    except Refused:
        return None
    return claims if claims.sub == key else None


def is_damaged(text: str) -> bool:
    """Whether there is something, and nobody could say what it is."""
    if not text:
        return False
    try:
        decode(text)
    except JwtError:
        return True
    return False
