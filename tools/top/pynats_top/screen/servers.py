"""The overview's table: a row for each server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import END
from pynats_top.model.figures import ServerFigures
from pynats_top.model.sizes import count_text, size_text
from pynats_top.screen.widgets.grid import Shown

_NAME_LEAST, _NAME_MOST = 12, 32


def server_columns(pollers: Sequence[Poller], raw: bool) -> list[Shown]:
    """Columns of rows that are pollers."""

    def of(show: Callable[[ServerFigures], str]) -> Callable[[Poller], str]:
        return lambda poller: show(poller.snapshot.server) if poller.snapshot else "-"

    def rate(show: Callable[[ServerFigures], float]) -> Callable[[Poller], str]:
        """Of a server that does not answer there is none."""
        return lambda poller: (
            count_text(show(poller.snapshot.server), raw)
            if poller.snapshot and not poller.error else "-"
        )  # fmt: skip

    def state(poller: Poller) -> str:
        if poller.error:
            return "ended" if poller.error == END else "down"
        return "up" if poller.snapshot else "asked"

    longest = max((len(poller.label) for poller in pollers), default=0)
    name = min(max(longest, _NAME_LEAST), _NAME_MOST) + 2
    return [
        Shown("SERVER", name, lambda poller: poller.label),
        Shown("STATE", 7, state),
        Shown("VERSION", 10, of(lambda server: server.version)),
        Shown("CLUSTER", 12, of(lambda server: server.cluster or "-")),
        Shown("UPTIME", 12, of(lambda server: server.uptime)),
        Shown("CPU", 8, of(lambda server: f"{server.cpu:.1f}%"), right=True),
        Shown("MEMORY", 9, of(lambda server: size_text(server.memory)), right=True),
        Shown("CONNS", 8, of(lambda server: str(server.connections)), right=True),
        Shown("SUBS", 9, of(lambda server: str(server.subscriptions)), right=True),
        Shown("SLOW", 7, of(lambda server: str(server.slow_consumers)), right=True),
        Shown("IN MSGS/S", 12, rate(lambda server: server.traffic.in_msgs_rate), right=True),
        Shown("OUT MSGS/S", 12, rate(lambda server: server.traffic.out_msgs_rate), right=True),
        Shown("ERROR", 40, lambda poller: poller.error),
    ]  # fmt: skip
