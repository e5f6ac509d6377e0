"""What monitoring, events and log lines show of whom a client is. Never a secret."""

from __future__ import annotations

from typing import Any

from pynats_common.bearer import is_bearer

REDACTED = "[REDACTED]"  # shown for a client that has a token instead of a name


def issuer_of(client: Any) -> str:
    """Who vouches for the user of a client; empty = nobody."""
    verdict = client.context.verdict if client.context is not None else None
    return str(verdict.issuer_key) if verdict is not None else ""


def jwt_of(client: Any) -> str:
    """The JWT that a client has, or came with in vain. None that is as good as a password: who
    holds a bearer token is who it says."""
    if client.context is None:
        return ""
    verdict = client.context.verdict
    if verdict is not None:
        return str(verdict.jwt)
    presented = str(client.context.said.jwt)
    return "" if not presented or is_bearer(presented) else presented


def name_tag_of(client: Any) -> str:
    """What the JWT of a client's user calls it."""
    verdict = client.context.verdict if client.context is not None else None
    return str(verdict.name_tag) if verdict is not None else ""


def tags_of(client: Any) -> list[str]:
    """The tags of a client's user."""
    verdict = client.context.verdict if client.context is not None else None
    return list(verdict.tags) if verdict is not None else []


def proxy_of(client: Any) -> str:
    """The key of the trusted proxy that a client has come through; empty = none."""
    return str(client.context.hello.proxy) if client.context is not None else ""


def shown_user(client: Any) -> str:
    """The user of a client, or whom it claims to be. Never a secret."""
    return str(client.user) if client.user else claimed_user(client)


def claimed_user(client: Any) -> str:
    """The user that a client claims to be: a name, REDACTED for a token, empty without credentials.
    Never a secret."""
    if client.context is None:
        return ""
    if client.context.hello.mapped:
        return str(client.context.hello.mapped)
    presented = client.context.said
    if getattr(presented, "user", "") or getattr(presented, "nkey", ""):
        return str(presented.nkey or presented.user)
    return REDACTED if getattr(presented, "auth_token", "") else ""
