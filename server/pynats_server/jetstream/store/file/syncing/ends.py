"""Where threads tell what has ended: in a turn of the engine, or in the loop without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pynats_server.core.engine import Engine
from pynats_server.core.sockets.descriptor import Descriptor


class Ends:
    """Calls `collect()` whenever the descriptor `event` is readable."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        engine: Engine | None,
        event: int,
        collect: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._event = event
        self._descriptor: Descriptor | None = None
        if engine is None:
            loop.add_reader(event, collect)
        else:
            self._descriptor = Descriptor(engine, event, collect)

    def close(self) -> None:
        """Calls it no more."""
        if self._descriptor is not None:
            self._descriptor.close()
        elif not self._loop.is_closed():
            self._loop.remove_reader(self._event)
