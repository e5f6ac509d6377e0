"""`pynats traffic`: what kinds of messages there are, second by second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg

from pynats_cli.messages.measure.traffic import Traffic
from pynats_cli.screen.live import live_screen
from pynats_cli.signals import stop_event

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_EVERY_S = 1.0


@dataclass(kw_only=True)
class TrafficOptions:
    subjects: Annotated[str, arg("Subjects to watch")] = ">"


async def traffic(session: Session, options: TrafficOptions) -> int:
    """Watch what kinds of messages there are, second by second. The traffic of a cluster with
    itself is seen in the system account. Ctrl-C ends it."""
    seen = Traffic()

    async def count(message: Any) -> None:
        seen.now.count(message.subject, len(message.data), bool(message.reply))

    await session.client.subscribe(options.subjects, cb=count)
    await session.check()
    with stop_event() as stopped, live_screen() as screen:
        while True:
            try:
                await asyncio.wait_for(stopped.wait(), _EVERY_S)
                return stopped.code
            except TimeoutError:
                seen.turn()
            screen.paint(seen.render())
