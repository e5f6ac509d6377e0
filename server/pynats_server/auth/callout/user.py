"""What the user JWT of an answer allows, where the accounts are those of the configuration."""

from __future__ import annotations

import time

from pynats_server.auth.base import UNLIMITED, Answer, Hello, Refusal, Verdict
from pynats_server.auth.callout.answer import CalloutError, fault_of_times
from pynats_server.auth.claimed import permissions_of
from pynats_server.auth.jwt import rules
from pynats_server.auth.jwt.rules import RuleError
from pynats_server.auth.jwt.tokens import User
from pynats_server.auth.permissions import compile_permissions
from pynats_server.core.reasons import CloseReason

METHOD = "callout"


def check_user(user: User) -> None:
    """Whether it counts at all, now. Raises CalloutError."""
    fault = fault_of_times(user.exp, user.nbf)
    if not fault:
        try:
            rules.check_body(user.nats)
        except RuleError as error:
            fault = str(error)
    if fault:
        raise CalloutError(f"Error validating user JWT: {fault}")


def verdict_of(user: User, hello: Hello, account: str, shown: str, service: str) -> Answer:
    """What the user may do in this account. Unlike the real server, which passes over them, the
    networks, kinds of connections and limits that the JWT has count. Raises CalloutError; `service`
    is the account of the service, for the texts."""
    body = user.nats
    if body.proxy_required and not hello.proxy:
        return Refusal(CloseReason.PROXY_REQUIRED, warning="Proxy connection required")
    expires = float(user.exp)
    try:
        rules.check_kind(body.allowed_connection_types, hello.kind)
    except RuleError:
        raise _barred(service, "using invalid connection type") from None
    try:
        rules.check_source(body.src, hello.host)
    except RuleError as error:
        raise _barred(service, f"from an invalid place: {error}") from None
    if body.times:
        try:
            leaves = rules.window_end(body.times, body.locale, time.time())
        except RuleError:
            raise _barred(service, "outside of valid connect times") from None
        expires = min(expires or leaves, leaves)
    rights = permissions_of(body)
    return Verdict(
        account,
        compile_permissions(rights),
        user.name or shown or None,
        method=METHOD,
        rights=rights,
        max_subscriptions=_limit(body.subs),
        max_payload=_limit(body.payload),
        expires=expires,
        issuer_key=account,
    )


def _limit(value: int) -> int:
    """Services that know no limits leave them out, which reads as 0."""
    return value if value > 0 else UNLIMITED


def _barred(account: str, how: str) -> CalloutError:
    return CalloutError(f'Authorized user on account "{account}" {how}')
