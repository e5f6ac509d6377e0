"""Clients of accounts in operator mode, when the JWT of their account changes or runs out.

They are looked at in the order in which they came, the first of them at once, the others in turns.
"""

from __future__ import annotations

from pynats_server.auth import Refusal
from pynats_server.clients.limits import cut_surplus, limit_again
from pynats_server.clients.logins.login import LogIn
from pynats_server.clients.session import session_of
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.server.state import ServerState
from pynats_server.work import Work

AT_ONCE = 64  # clients; each takes some 10 µs
STEP = 16


def follow(state: ServerState, log_in: LogIn, name: str) -> None:
    """Holds the clients of an account to what it says now; those that may not be in are closed."""
    account = state.accounts[name]
    options = state.account_options(name)
    if options is not None:
        cut_surplus(account, options.limits.max_connections)
    clients = sorted((c for c in account.clients if not c.closing), key=lambda c: c.cid)
    for client in clients[:AT_ONCE]:
        _follow(state, log_in, account, client)
    rest = clients[AT_ONCE:]
    if rest:
        state.turns.start(account, log_in, _slowly(state, log_in, account, rest), stays=True)


def _slowly(
    state: ServerState, log_in: LogIn, account: Account, clients: list[ClientConnection]
) -> Work[None]:
    for count, client in enumerate(clients, 1):
        _follow(state, log_in, account, client)
        if count % STEP == 0:
            yield


def _follow(state: ServerState, log_in: LogIn, account: Account, client: ClientConnection) -> None:
    if client.closing or client.account is not account:
        return
    answer = log_in.ask_again(client, state.authenticator)
    if isinstance(answer, Refusal):
        log_in.refuse(client, answer)
    elif answer is not None:
        if answer is not session_of(client).verdict:
            log_in.follow(client, answer)
        limit_again(state, client)
