"""Applying a changed configuration to a running server, all of it or nothing.

The rules which settings may change are in the table (`settings.reload`); here is what each change
does (server-inventory 2.15).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pynats_server.auth import Verdict
from pynats_server.clients.handler import TOO_MANY_IN_ACCOUNT, apply_limits
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.log.logger import LogError
from pynats_server.options import GLOBAL_ACCOUNT, Options
from pynats_server.settings import SettingsError, diff, validate

if TYPE_CHECKING:
    from pynats_server.server.server import Server


def apply_reload(server: Server) -> bool:
    """See Server.reload."""
    if server.load_options is None:
        server.log.error(
            "Failed to reload server configuration: can only reload config when a file is "
            "provided using -c or --config"
        )
        return False
    try:
        options = server.load_options()
        validate(options)
        changes = diff(server.options, options)
        for change in changes:
            if not change.reloadable:
                raise ValueError(change.refusal)
        _check_jetstream(server, options)
        if options.log != server.options.log:
            server.log.replace_by(options.log, server.program)
    except (SettingsError, ValueError, LogError, OSError) as error:
        server.log.error(f"Failed to reload server configuration: {error}")
        return False
    old, server.options = server.options, options
    server.config_load_time = time.time()
    server.configure_engine()
    required = server.authenticator.required
    server.add_accounts()
    _apply_authorization(server)
    _apply_jetstream(server, old)
    _remove_accounts(server)
    _apply_to_clients(server, old, tell=required != server.authenticator.required)
    for change in changes:
        server.log.notice(change.notice)
    digest = f" ({options.config_digest})" if options.config_digest else ""
    server.log.notice(f"Reloaded server configuration{digest}")
    return True


def _check_jetstream(server: Server, options: Options) -> None:
    """Raises ValueError where accounts are promised more than there is."""
    if server.jetstream is not None:
        from pynats_server.jetstream import enablement

        enablement.check_reload(server.jetstream, options)


def _apply_jetstream(server: Server, old: Options) -> None:
    if server.jetstream is not None:
        from pynats_server.jetstream import enablement

        enablement.reload(server.jetstream, old, server.options, server.accounts)


def _remove_accounts(server: Server) -> None:
    """Those that are not configured any more; their clients have been sent away by now."""
    kept = {GLOBAL_ACCOUNT, server.system_account.name, *server.options.accounts}
    for name in server.accounts.keys() - kept:
        del server.accounts[name]


def _apply_authorization(server: Server) -> None:
    """Every client is judged again: gone credentials end it, so does another account (it comes
    back with its subscriptions), changed permissions prune it."""
    before, server.authenticator = server.authenticator, server.make_authenticator()
    for client in server.clients():
        if client.awaiting_connect:
            continue
        verdict = server.authenticator.quick(client.context)
        if verdict is NotImplemented:
            # A bcrypt hash: comparing takes long, and is superfluous where it is still the same.
            verdict = server.authenticator.trusted(client.context)
            if verdict and not server.authenticator.asks_the_same(before, client.context):
                server.handler.recheck(client)
        if verdict is None and not client.connect_received:
            verdict = server.authenticator.implicit()
        if verdict is None:
            server.handler.refuse(client)
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


def _text(raw: bytes) -> str:
    """Peers choose these bytes: what is not UTF-8 must not end a reload half-way."""
    return raw.decode(errors="replace")


def _apply_to_clients(server: Server, old: Options, tell: bool) -> None:
    """`tell` = every client hears of the new INFO in any case."""
    options = server.options
    for client in server.clients():
        before = client.max_payload
        apply_limits(client, options)
        tell = tell or client.max_payload != before
        if 0 <= client.max_subscriptions < client.subscription_count:
            client.fail_with(
                "maximum subscriptions exceeded", CloseReason.MAX_SUBSCRIPTIONS_EXCEEDED
            )
    _cut_surplus(server)
    if tell or options.client_advertise != old.client_advertise:
        server.broadcast_info()
    else:
        server.info.refresh()


def _cut_surplus(server: Server) -> None:
    """The newest clients go where there are more than allowed, in an account or altogether."""
    options = server.options
    for name, account in options.accounts.items():
        for client in _surplus(server.accounts[name].clients, account.limits.max_connections):
            client.fail_with(TOO_MANY_IN_ACCOUNT, CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED)
    most = options.max_connections
    for client in _surplus(server.clients(), max(0, most)) if most else ():
        client.fail_with("maximum connections exceeded", CloseReason.MAX_CONNECTIONS_EXCEEDED)


def _surplus(clients: Iterable[ClientConnection], most: int) -> list[ClientConnection]:
    """The newest of them, beyond the `most` that may stay; negative = all may."""
    newest_first = sorted((c for c in clients if not c.closing), key=_cid, reverse=True)
    return newest_first[: max(0, len(newest_first) - most)] if most >= 0 else []


def _cid(client: ClientConnection) -> int:
    return client.cid
