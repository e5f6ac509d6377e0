"""Applying a changed configuration to a running server, all of it or nothing.

The rules which settings may change are in the table (`settings.reload`); here is what each change
does (server-inventory 2.15).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pynats_server.auth import StaticAuthenticator
from pynats_server.client_handler import apply_limits
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.logs import LogError
from pynats_server.options import Options
from pynats_server.settings import SettingsError, diff, validate

if TYPE_CHECKING:
    from pynats_server.server import Server


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
        if options.log != server.options.log:
            server.log.replace_by(options.log, server.program)
    except (SettingsError, ValueError, LogError, OSError) as error:
        server.log.error(f"Failed to reload server configuration: {error}")
        return False
    old, server.options = server.options, options
    server.config_load_time = time.time()
    server.configure_engine()
    _apply_jetstream_sizes(server)
    _apply_authorization(server)
    _apply_to_clients(server, old)
    for change in changes:
        server.log.notice(change.notice)
    digest = f" ({options.config_digest})" if options.config_digest else ""
    server.log.notice(f"Reloaded server configuration{digest}")
    return True


def _apply_jetstream_sizes(server: Server) -> None:
    options, running = server.options.jetstream, server.jetstream
    if running is None:
        return
    if options.max_memory is not None:
        running.memory_usage.limit = options.max_memory
    if options.max_file is not None:
        running.file_usage.limit = options.max_file


def _apply_authorization(server: Server) -> None:
    """Every client is judged again: gone credentials end it, changed permissions prune it."""
    server.authenticator = StaticAuthenticator(server.options)
    for client in server.clients():
        if client.awaiting_connect:
            continue
        verdict = server.authenticator.quick(client.context)
        if verdict is NotImplemented:
            # A bcrypt hash: the name decides, and a changed hash takes effect at reconnect.
            verdict = server.authenticator.find(client.user)
        if verdict is None and not client.connect_received:
            verdict = server.authenticator.implicit()
        if verdict is None:
            client.fail_with("Authorization Violation", CloseReason.AUTHENTICATION_VIOLATION)
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


def _apply_to_clients(server: Server, old: Options) -> None:
    options = server.options
    for client in server.clients():
        apply_limits(client, options)
    if options.max_connections < 0:
        surplus = list(server.clients())
    elif options.max_connections > 0:
        newest_first = sorted(server.clients(), key=_cid, reverse=True)
        surplus = newest_first[: max(0, len(newest_first) - options.max_connections)]
    else:
        surplus = []
    for client in surplus:
        client.fail_with("maximum connections exceeded", CloseReason.MAX_CONNECTIONS_EXCEEDED)
    if (
        options.max_payload != old.max_payload
        or options.client_advertise != old.client_advertise
        or options.authorization.required != old.authorization.required
    ):
        server.broadcast_info()
    else:
        server.info.refresh()


def _cid(client: ClientConnection) -> int:
    return client.cid
