"""`consumer graph`: a consumer's work, drawn at a terminal every second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynats_cli.commands.consumer.choosing import chosen, label
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.screen.graph import Series, rate, require_terminal, run


@dataclass(kw_only=True)
class GraphOptions(OneConsumer):
    """Which consumer."""


class Rates:
    """Figures of a consumer, and their changes by the second."""

    def __init__(self) -> None:
        self._before: tuple[float, int, int] | None = None

    def figures(self, info: dict[str, Any], now_s: float) -> list[float]:
        """Pending, waiting for an acknowledgement, acknowledged and delivered a second."""
        acked = int(info["ack_floor"]["consumer_seq"])
        delivered = int(info["delivered"]["consumer_seq"])
        before_s, acked_before, delivered_before = self._before or (now_s, acked, delivered)
        self._before = (now_s, acked, delivered)
        passed_s = now_s - before_s

        def per_second(now: int, before: int) -> float:
            # A consumer that was reset or made anew counts from the start.
            return max(now - before, 0) / passed_s if passed_s > 0 else 0.0

        return [
            float(info.get("num_pending", 0)),
            float(info.get("num_ack_pending", 0)),
            per_second(acked, acked_before),
            per_second(delivered, delivered_before),
        ]


async def graph(session: Session, options: GraphOptions) -> None:
    """Draw what a consumer does, every second until interrupted."""
    require_terminal()
    stream, consumer, _ = await chosen(session, options)
    rates = Rates()
    series = [
        Series("Messages Pending"),
        Series("Messages Waiting for Ack"),
        Series("Messages Acknowledged / second", rate),
        Series("Messages Delivered / second", rate),
    ]

    async def sample() -> Sequence[float]:
        return rates.figures(await session.js.consumer_info(stream, consumer), time.monotonic())

    await run(f"Consumer Statistics for {label(stream, consumer)}", series, sample)
