"""How connections end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pynats_server.monitor.serving.http import Writer

FAREWELL_S: Final = 10.0  # for the peer to take the rest of its last answer, once we close


async def closed(writer: Writer) -> None:
    """Closes, but waits no longer than `FAREWELL_S` for a peer that does not read."""
    try:
        with contextlib.suppress(OSError, RuntimeError):  # uvloop's, when it was cut meanwhile
            writer.close()
            async with asyncio.timeout(FAREWELL_S):
                await writer.wait_closed()
    finally:
        writer.transport.abort()
