"""Judging the connected clients again after users, accounts or permissions changed."""

from __future__ import annotations

from pynats_server.auth import Verdict
from pynats_server.clients.handler import ClientHandler
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState


def reload(state: ServerState, handler: ClientHandler) -> bool:
    """Closes clients whose credentials are gone, and those whose account changed (they come back
    with their subscriptions); prunes what changed permissions forbid. Returns whether INFO now
    says something else about who needs credentials."""
    before, state.authenticator = state.authenticator, state.make_authenticator()
    for client in state.clients():
        if client.awaiting_connect:
            continue
        verdict = state.authenticator.quick(client.context)
        if verdict is NotImplemented:
            # A bcrypt hash: comparing takes long, and is superfluous where it is still the same.
            verdict = state.authenticator.trusted(client.context)
            if verdict and not state.authenticator.asks_the_same(before, client.context):
                handler.recheck(client)
        if verdict is None and not client.connect_received:
            verdict = state.authenticator.implicit()
        if verdict is None:
            handler.refuse(client)
            continue
        assert isinstance(verdict, Verdict)
        if verdict.account != client.account.name:
            client.close(CloseReason.CLIENT_CLOSED)
            continue
        for sub in client.prune(verdict.permissions):
            queue = f' using queue "{_text(sub.queue)}"' if sub.queue else ""
            client.send_error(
                f'Permissions Violation for Subscription to "{_text(sub.subject)}"{queue} '
                f'(sid "{_text(sub.sid)}")'
            )
    return before.required != state.authenticator.required


def _text(raw: bytes) -> str:
    """Peers choose these bytes: what is not UTF-8 must not end a reload half-way."""
    return raw.decode(errors="replace")
