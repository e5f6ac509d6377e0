"""Checks connected clients again after users, accounts or permissions changed."""

from __future__ import annotations

from functools import partial

from pynats_common.go.text import text_of

from pynats_server.auth import StaticAuthenticator, Verdict
from pynats_server.clients.handler import ClientHandler
from pynats_server.clients.rates import limit_client
from pynats_server.core.client import ClientConnection
from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState


def reload(
    state: ServerState,
    handler: ClientHandler,
    authenticator: StaticAuthenticator,
    unchanged: frozenset[str] = frozenset(),
) -> bool:
    """Looks at the clients of all users but those `unchanged`, as are their accounts: closes those
    whose credentials are no longer valid or whose account changed (they reconnect and subscribe
    again), and ends subscriptions that new permissions forbid. As with the real server, who is in
    no list of users any more is closed without a word. Returns whether `auth_required` in INFO
    changed."""
    before, state.authenticator = state.authenticator, authenticator
    ended = state.accounts.surplus(state.options)
    for client in state.clients():
        if client.awaiting_connect or client.user in unchanged:
            continue
        verdict = state.authenticator.quick(client.context)
        if verdict is NotImplemented:
            # A bcrypt hash is slow to compare: skip it if it has not changed.
            verdict = state.authenticator.trusted(client.context)
            if verdict and not state.authenticator.asks_the_same(before, client.context):
                handler.recheck(client)
        if verdict is None and not client.connect_received:
            verdict = state.authenticator.implicit()
        if verdict is None:
            name = client.user or client.context.user
            if client.account in ended or (name and not state.authenticator.lists(name)):
                client.close(CloseReason.CLIENT_CLOSED)
            else:
                handler.refuse(client)
            continue
        assert isinstance(verdict, Verdict)
        if verdict.account != client.account.name:
            client.close(CloseReason.CLIENT_CLOSED)
            continue
        limit_client(state, client, verdict.limits)
        client.prune(verdict.permissions, partial(_tell, client))
    return before.required != state.authenticator.required


def _tell(client: ClientConnection, sub: Subscription) -> None:
    queue = f' using queue "{text_of(sub.queue)}"' if sub.queue else ""
    client.send_error(
        f'Permissions Violation for Subscription to "{text_of(sub.subject)}"{queue} '
        f'(sid "{text_of(sub.sid)}")'
    )
