"""Making and changing a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JsApiError

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


async def create_stream(session: Session, config: dict[str, Any]) -> dict[str, Any]:
    """The new stream's information. Raises CliError."""
    name = config["name"]
    try:
        await session.js.request(f"STREAM.CREATE.{name}", config)
    except JsApiError as error:
        raise CliError(f"could not create Stream: {error}") from None
    # The answer tells nothing of the stream's group.
    return await session.js.stream_info(name)


async def update_stream(session: Session, config: dict[str, Any]) -> dict[str, Any]:
    """The changed stream's information. Raises CliError."""
    name = config["name"]
    try:
        await session.js.request(f"STREAM.UPDATE.{name}", config)
    except JsApiError as error:
        raise CliError(f"could not edit Stream {name}: {error}") from None
    return await session.js.stream_info(name)


def bytes_demanded(account: dict[str, Any]) -> bool:
    """Whether the account demands a limit of the size of each stream."""
    tiers = (account.get("tiers") or {}).values()
    limits = [account.get("limits") or {}, *((tier.get("limits") or {}) for tier in tiers)]
    return any(limit.get("max_bytes_required") for limit in limits)
