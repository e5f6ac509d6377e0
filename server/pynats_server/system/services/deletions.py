"""Requests to delete accounts: a token that an operator has signed for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pynats_common.go.text import clean
from pynats_common.jwt import GenericClaims, JwtError, decode

from pynats_server.resolver.base import is_account


@dataclass(slots=True)
class Deletion:
    """Who asks for it, and which accounts are to be deleted."""

    by: str = ""
    accounts: list[str] = field(default_factory=list)


def deletion_of(
    body: bytes, is_trusted: Callable[[str], bool], allowed: bool, system_account: str
) -> tuple[Deletion, str]:
    """What is asked, and why it is not done; nothing if it may be. An old request counts."""
    asked = Deletion()
    try:
        claims = decode(body.decode("utf-8", "replace").strip("\r\n"))
    except JwtError as error:
        return asked, str(error)
    asked.by = clean(claims.sub)
    if not allowed:
        return asked, "delete must be enabled in server config"
    if claims.iss != claims.sub:
        return asked, "not self signed"
    if not is_trusted(claims.iss):
        return asked, "not trusted"
    listed = claims.nats.get("accounts") if isinstance(claims, GenericClaims) else None
    if not isinstance(listed, list) or not all(map(is_account, listed)):
        return asked, "malformed request"
    if system_account in listed:
        return asked, "not allowed to delete system account"
    asked.accounts = listed
    return asked, ""
