"""`pynats account info`: who we are for the server, and what we may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.durations import nanoseconds

from pynats_cli.commands.account.info_screen import info_screen
from pynats_cli.connect.peer import PeerTls, peer_address, peer_tls
from pynats_cli.connect.session import Session, connected_to
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.api import parse_answer
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class InfoOptions(Shown):
    """Flags of `account info`."""


async def info(session: Session, chosen: InfoOptions) -> None:
    """Show the user and the account of this connection."""
    user = await _user(session)
    ping = session.client.rtt(timeout=session.options.timeout_s)
    rtt_ns = nanoseconds(await session.unless_refused(ping))
    data: dict[str, Any] = {
        "user": user,
        "connection": _connection(session, rtt_ns),
        "jetstream": None,
    }
    domain = session.context.jetstream_domain
    try:
        data["jetstream"] = await session.js.account_info()
    except (CliError, nats_errors.TimeoutError) as error:
        text = "no answer in time" if isinstance(error, nats_errors.TimeoutError) else str(error)
        data["jetstream_error"] = text
    show(chosen, data, lambda: info_screen(data, domain).render())


async def _user(session: Session) -> dict[str, Any]:
    """What the server says of the user; nothing where the user may not ask."""
    try:
        message = await session.request("$SYS.REQ.USER.INFO", b"{}")
        found = parse_answer(message.data).get("data")
    except (CliError, nats_errors.Error):
        return {}
    return found if isinstance(found, dict) else {}


def _connection(session: Session, rtt_ns: int) -> dict[str, Any]:
    server = session.server_info
    tls = peer_tls(session)
    return {
        "system_account": bool(server.get("acc_is_sys")),
        "client_id": session.client.client_id,
        "client_ip": server.get("client_ip") or "",
        "rtt": rtt_ns,
        "headers": bool(server.get("headers")),
        "max_payload": int(server.get("max_payload") or 0),
        "cluster": server.get("cluster") or "",
        "url": connected_to(session.client),
        "address": peer_address(session),
        "server_id": server.get("server_id") or "",
        "server_version": server.get("version") or "",
        "server_name": server.get("server_name") or "",
        "tls": _tls(tls) if tls else None,
    }


def _tls(tls: PeerTls) -> dict[str, Any]:
    from pynats_cli.commands.account.certificates import read_chain

    certificates = read_chain(tls.chain)
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "server_name": tls.server_name,
        "verified": bool(certificates),
        "issuer": certificates[0].issuer if certificates else "",
    }
