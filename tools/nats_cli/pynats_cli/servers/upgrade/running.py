"""Facts of a running server, by the account of the connection."""

from __future__ import annotations

from pynats_cli.connect.session import Session, connected_to
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import NOT_ENABLED
from pynats_cli.servers.upgrade.facts import Live


async def live_of(session: Session) -> Live:
    """Version, limits and streams. Raises CliError."""
    info = session.server_info
    live = Live(
        name=connected_to(session.client),
        version=str(info.get("version", "")),
        clustered=bool(info.get("cluster")),
    )
    try:
        account = await session.js.account_info()
        limits = account.get("tiers", {}).values() or [account]
        counts = [int(each.get("limits", {}).get("max_consumers") or -1) for each in limits]
        live.account_max_consumers = min(counts, default=-1)
        live.streams = await session.js.streams()
    except CliError as error:
        if str(error) != NOT_ENABLED:
            raise
    return live
