"""The overview's table: a row for each server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pynats_top.collect.poller import Poller
from pynats_top.model.figures import ServerFigures
from pynats_top.model.sizes import count_text, size_text
from pynats_top.screen.widgets.grid import Shown

_NAME_LEAST, _NAME_MOST = 12, 32


def server_columns(pollers: Sequence[Poller], raw: bool) -> list[Shown]:
    """Columns of rows that are pollers."""

    def of(show: Callable[[ServerFigures], str]) -> Callable[[Poller], str]:
        return lambda poller: show(poller.snapshot.server) if poller.snapshot else "-"

    def state(poller: Poller) -> str:
        return poller.error or ("" if poller.snapshot else "asked")

    longest = max((len(poller.label) for poller in pollers), default=0)
    name = min(max(longest, _NAME_LEAST), _NAME_MOST) + 2
    return [
        Shown("SERVER", name, lambda poller: poller.label),
        Shown("VERSION", 10, of(lambda server: server.version)),
        Shown("CLUSTER", 12, of(lambda server: server.cluster or "-")),
        Shown("UPTIME", 12, of(lambda server: server.uptime)),
        Shown("CPU", 8, of(lambda server: f"{server.cpu:.1f}%"), right=True),
        Shown("MEMORY", 9, of(lambda server: size_text(server.memory)), right=True),
        Shown("CONNS", 8, of(lambda server: str(server.connections)), right=True),
        Shown("SUBS", 9, of(lambda server: str(server.subscriptions)), right=True),
        Shown("SLOW", 7, of(lambda server: str(server.slow_consumers)), right=True),
        Shown("IN MSGS/S", 12, of(lambda server: count_text(server.traffic.in_msgs_rate, raw)),
              right=True),
        Shown("OUT MSGS/S", 12, of(lambda server: count_text(server.traffic.out_msgs_rate, raw)),
              right=True),
        Shown("STATE", 40, state),
    ]  # fmt: skip
