"""Limits of publishing, from the options to accounts and connections.

A user's limits hold for each of its connections, an account's for all its connections together.
"""

from __future__ import annotations

from pynats_server.core.client import ClientConnection
from pynats_server.core.rates.limit import PublishLimit
from pynats_server.core.readiness.pacer import Pacer
from pynats_server.options import PublishLimits
from pynats_server.server.state import ServerState


def limit_accounts(state: ServerState) -> None:
    """Those of accounts: at the start, and changed by a reload."""
    for name, account in state.accounts.configured().items():  # JWTs have no such limits
        found = state.account_options(name)
        account.publish_limit = _made(
            state.engine.pacer, account.publish_limit, found.limits.publish if found else None
        )


def limit_client(state: ServerState, client: ClientConnection, own: PublishLimits | None) -> None:
    """Those of a connection, whose user has the limits `own`."""
    limit = _made(state.engine.pacer, client.publish_limit, own)
    client.limit_publishing(limit, client.account.publish_limit)


def _made(
    pacer: Pacer, before: PublishLimit | None, limits: PublishLimits | None
) -> PublishLimit | None:
    """The limit as it is from now on: what it has counted stays."""
    if limits is None or not limits.any:
        if before is not None:
            before.change(0, 0, False)
        return None
    rates = max(0, limits.max_publish_rate), max(0, limits.max_publish_bytes)
    refuses = limits.publish_limit_action == "refuse"
    if before is None:
        return PublishLimit(pacer, *rates, refuses)
    if (before.rates, before.refuses) != (rates, refuses):
        before.change(*rates, refuses)
    return before
