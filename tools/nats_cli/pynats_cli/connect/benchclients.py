"""How the clients of a benchmark connect: with the settings of the command's own connection.

They are sockets that compiled loops drive, so nats-py has no part in it, and what it brings besides
(WebSocket, proxies) is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_common.contexts import Context
from pynats_common.network.tls import ClientTls
from pynats_common.network.urls import ServerUrl, parse_server_urls
from pynats_common.program.version import RELEASE

from pynats_cli.connect.login import PUBLIC_NKEY, login_options, url_login
from pynats_cli.connect.session import Session
from pynats_cli.connect.settings import connection_name
from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_bench.clients.dialing import Fields, Login
    from pynats_bench.clients.model import Target

_NAMES = {"user": "user", "password": "pass", "token": "auth_token"}  # nats-py's, the protocol's


def target(session: Session) -> Target:
    """Where the clients connect, and as whom: as the session. Only on Linux (`pynats_bench` is
    compiled). Raises CliError."""
    from pynats_bench.clients.dialing import Dialer
    from pynats_bench.clients.model import Target
    from pynats_bench.model import LoadError

    context = session.context
    servers = parse_server_urls(context.server_url)
    if context.socks_proxy or any(server.scheme in ("ws", "wss") for server in servers):
        raise CliError("bench needs servers with nats:// or tls://, and no proxy")
    _refuse_pipes(context)
    dialer = Dialer(
        tuple(servers),
        _login(connection_name(session.options), login_options(context)),
        session.options.timeout_s,
        ClientTls(context.cert, context.key, context.ca),
        context.tls_first,
    )
    try:
        if dialer.secured:
            _ = dialer.tls  # a file that cannot be used is said now, and once for all clients
    except LoadError as error:
        raise CliError(str(error)) from None
    return Target(dialer.dial, context.inbox_prefix or "_INBOX", session.jetstream_prefix())


def _refuse_pipes(context: Context) -> None:
    """The command's own connection has read the credentials, and a pipe has them only once."""
    for path in (context.cert, context.key, context.ca, context.creds, context.nkey):
        if path and Path(path).is_fifo():
            raise CliError(f"bench reads {path} more than once, so it cannot be a pipe")


def _login(name: str, options: dict[str, Any]) -> Login:
    """What connections say of themselves, of the options that nats-py would get."""

    def fields(server: ServerUrl, nonce: str) -> Fields:
        login = options or url_login(server)
        found: Fields = {"name": name, "version": RELEASE}
        found |= {_NAMES[key]: value for key, value in login.items() if key in _NAMES}
        if PUBLIC_NKEY in login:
            found["nkey"] = login[PUBLIC_NKEY]
        if "user_jwt_cb" in login:
            found["jwt"] = login["user_jwt_cb"]().decode()
        if nonce and "signature_cb" in login:
            found["sig"] = login["signature_cb"](nonce).decode()
        return found

    return fields
