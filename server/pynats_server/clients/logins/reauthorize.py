"""Checks connected clients again after users, accounts or permissions changed."""

from __future__ import annotations

from pynats_server.auth import Refusal
from pynats_server.auth.chain import Chain
from pynats_server.clients.logins.login import LogIn
from pynats_server.clients.session import session_of
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState

CONFIGURED = ("password", "nkey", "certificate", "no_auth_user")  # how configured users log in


def reload(
    state: ServerState,
    log_in: LogIn,
    authenticator: Chain,
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
        if client.awaiting_connect or _is_unchanged(client, unchanged):
            continue
        answer = log_in.ask_again(client, authenticator)
        if isinstance(answer, Refusal):
            name = client.user or session_of(client).said.user
            if state.claimed is not None:  # nobody is listed
                name = ""
            if client.account in ended or (name and not authenticator.lists(name)):
                client.close(CloseReason.CLIENT_CLOSED)
            else:
                log_in.refuse(client, answer)
        elif answer is not None:
            log_in.follow(client, answer)
    return before.required != authenticator.required


def _is_unchanged(client: ClientConnection, users: frozenset[str]) -> bool:
    """Others may have the name of a configured user, too."""
    verdict = session_of(client).verdict
    return client.user in users and (verdict is None or verdict.method in CONFIGURED)
