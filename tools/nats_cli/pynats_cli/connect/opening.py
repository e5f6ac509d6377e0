"""Opening the connection of one command: its settings as nats-py wants them, and each server tried.

This module and what it imports load nats-py, so that `--help` does not.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import Client
from pynats_common.contexts import Context
from pynats_common.network.tls import ClientTls, TlsError, quiet_asyncio
from pynats_common.network.urls import parse_server_urls

from pynats_cli.connect.errors import CONNECTION_LOST, describe
from pynats_cli.connect.login import PUBLIC_NKEY, login_options, url_login
from pynats_cli.connect.natspy.client import PatchedClient
from pynats_cli.connect.session import Session, connected_to
from pynats_cli.connect.settings import connection_name, resolve_settings
from pynats_cli.connect.socks import SocksProxy, parse_socks_proxy
from pynats_cli.connect.watcher import Watcher
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import log

_RECONNECT_STEPS_MS = (500, 750, *range(1_000, 20_001, 500))
_UNLIMITED = -1
_DISCARD_TIMEOUT_S = 0.2


@asynccontextmanager
async def open_session(
    options: GlobalOptions,
    server: str = "",
    context: Context | None = None,
    tls_name: str = "",
) -> AsyncIterator[Session]:
    """A session with the current settings, closed at the end. Raises CliError.

    `server` replaces the server list; `tls_name` is as in `connect`.
    """
    settings = context if context is not None else resolve_settings(options)
    settings = replace(settings, url=server) if server else settings
    if settings.color_scheme:
        os.environ["NATS_COLOR"] = settings.color_scheme  # where tables look
    session = await connect(options, settings, tls_name)
    try:
        with session.open():
            yield session
    finally:
        await session.client.close()


async def connect(options: GlobalOptions, context: Context, tls_name: str = "") -> Session:
    """Tries each server once until one accepts the connection. Raises CliError.

    `tls_name` is the name certificates are checked for, instead of each server's own.
    """
    refuse_unusable(context)
    try:
        servers = parse_server_urls(context.server_url)
        tls = _tls_context(context, [server.scheme for server in servers])
        proxy = _socks_proxy(context, [server.scheme for server in servers])
    except (ValueError, TlsError) as error:
        raise CliError(str(error)) from None
    quiet_asyncio()
    login = login_options(context)
    public_nkey = login.pop(PUBLIC_NKEY, "")
    login = login or url_login(servers[0])
    watcher = Watcher(options, len(servers))
    client = PatchedClient(proxy)
    if "signature_cb" in login:
        client.use_login(public_nkey)
    try:
        await client.connect(
            servers=[server.full for server in servers],
            name=connection_name(options),
            connect_timeout=options.timeout_s,
            **watcher.callbacks(),
            max_reconnect_attempts=_UNLIMITED,
            reconnect_to_server_handler=_reconnect_choice,
            inbox_prefix=context.inbox_prefix or "_INBOX",
            tls=tls,
            tls_hostname=tls_name or None,
            tls_handshake_first=context.tls_first,
            **login,
        )
    except (
        CliError, TimeoutError, nats_errors.Error, OSError, ValueError, TypeError
    ) as error:  # fmt: skip
        await _discard(client)
        tried = ", ".join(server.bare for server in servers)
        raise CliError(f"{describe(error)}{_hint(error, context, tls)} (tried {tried})") from None
    session = watcher.session = Session(client, context, options)
    if options.trace:
        log(f">>> Connected to {connected_to(client)}")
    return session


def _hint(error: Exception, context: Context, tls: ssl.SSLContext | None) -> str:
    """With TLS 1.3 a client is through before the server has looked at its certificate, and the
    alert that tells of it can be lost with the connection."""
    if tls is None or context.cert or describe(error) != CONNECTION_LOST:
        return ""
    return ": does the server ask for a certificate?"


def refuse_unusable(context: Context) -> None:
    """Raises CliError for settings with which no server can be used, whichever it is."""
    if context.windows_cert_store:
        raise CliError("certificate stores are supported on Windows only")
    if context.inbox_fault:
        raise CliError(f"inbox prefix {context.inbox_prefix!r}: {context.inbox_fault}")


def _reconnect_choice(pool: list[Any], _info: dict[str, Any]) -> tuple[Any, float]:
    """The next server, and seconds to wait: half a second growing to twenty, with jitter."""
    server = min(pool, key=lambda item: item.reconnects)
    step = _RECONNECT_STEPS_MS[min(server.reconnects, len(_RECONNECT_STEPS_MS) - 1)]
    return server, step / 1_000 * random.uniform(0.5, 1.5)


async def _discard(client: Client) -> None:
    try:
        # After a failed TLS handshake nats-py would wait forever for the end of the connection.
        await asyncio.wait_for(client.close(), _DISCARD_TIMEOUT_S)
    except Exception:
        # The connection never came up; only the reason for that matters.
        pass


def _tls_context(context: Context, schemes: list[str]) -> ssl.SSLContext | None:
    settings = ClientTls(context.cert, context.key, context.ca)
    wanted = bool(settings) or context.tls_first or any(name in ("tls", "wss") for name in schemes)
    return settings.context() if wanted else None


def _socks_proxy(context: Context, schemes: list[str]) -> SocksProxy | None:
    if not context.socks_proxy:
        return None
    if any(scheme in ("ws", "wss") for scheme in schemes):
        raise ValueError("socks proxy: servers with ws:// and wss:// cannot be reached through it")
    return parse_socks_proxy(context.socks_proxy)
