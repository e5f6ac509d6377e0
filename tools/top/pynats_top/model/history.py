"""Rates of the last polls, for sparklines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from pynats_top.model.figures import ServerFigures, Snapshot

SERIES: Final[dict[str, Callable[[ServerFigures], float]]] = {
    "in_msgs": lambda server: server.traffic.in_msgs_rate,
    "in_bytes": lambda server: server.traffic.in_bytes_rate,
    "out_msgs": lambda server: server.traffic.out_msgs_rate,
    "out_bytes": lambda server: server.traffic.out_bytes_rate,
    "cpu": lambda server: server.cpu,
    "memory": lambda server: server.memory,
    "connections": lambda server: server.connections,
    "subscriptions": lambda server: server.subscriptions,
    "slow_consumers": lambda server: server.slow_consumers,
    "js_api": lambda server: server.js_api_rate,
}
"""What is kept, by name."""

LENGTH = 600


class History:
    """The figures of `SERIES` at each of the last polls."""

    def __init__(self, length: int = LENGTH) -> None:
        self._series = {name: deque[float](maxlen=length) for name in SERIES}

    def add(self, snapshot: Snapshot) -> None:
        """Keeps the figures of one poll. The first poll of a server has no rates, but counts."""
        for name, figure in SERIES.items():
            self._series[name].append(figure(snapshot.server))

    def last(self, name: str, number: int) -> list[float]:
        """The last figures of a series, the newest at the end; fewer if there are not as many."""
        kept = self._series[name]
        return list(kept)[-number:] if number > 0 else []

    def clear(self) -> None:
        """Forgets everything."""
        for kept in self._series.values():
            kept.clear()

    def __len__(self) -> int:
        return len(self._series["cpu"])
