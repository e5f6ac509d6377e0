"""`stream graph`: messages stored and removed, over time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.graph import Series, rate, require_terminal, run

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class GraphOptions(StreamGroup):
    stream: Annotated[str, arg("Stream to draw")] = ""


class Activity:
    """Figures of a stream, from its states one after the other."""

    def __init__(self) -> None:
        self._before: tuple[float, int, int] | None = None

    def figures(self, state: dict[str, Any], now_s: float) -> list[float]:
        """Messages held, removed a second, stored a second."""
        held, last = int(state.get("messages", 0)), int(state.get("last_seq", 0))
        removed_ever = last - held
        stored = removed = 0.0
        if self._before is not None:
            then_s, then_last, then_removed = self._before
            passed = max(now_s - then_s, 1e-3)
            stored = max(last - then_last, 0) / passed
            removed = max(removed_ever - then_removed, 0) / passed
        self._before = (now_s, last, removed_ever)
        return [float(held), removed, stored]


async def graph(session: Session, options: GraphOptions) -> None:
    """Draws until it is interrupted."""
    require_terminal()
    name = await pick_stream(session, options.stream, options.all)
    series = [
        Series("Messages Stored"),
        Series("Messages Removed / second", rate),
        Series("Messages Stored / second", rate),
    ]
    activity = Activity()

    async def sample() -> Sequence[float]:
        state = (await session.js.stream_info(name))["state"]
        return activity.figures(state, time.monotonic())

    await run(f"Stream Statistics for {name}", series, sample)
