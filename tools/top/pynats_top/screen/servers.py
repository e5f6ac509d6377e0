"""The overview's table: a row for each server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import END
from pynats_top.model.figures import ServerFigures
from pynats_top.model.sizes import count_text, size_text
from pynats_top.screen.widgets.grid import INDENT, Shown, Tone

_NAME_LEAST, _NAME_MOST, _ID = 10, 32, 12
_GAP = 2
# What gives way first on a narrow terminal.
_ERROR_LEAST = 14
_LESS = ("CLUSTER", "SUBS", "VERSION", "UPTIME", "MEMORY")


def server_columns(pollers: Sequence[Poller], raw: bool, width: int) -> list[Shown]:
    """Columns of rows that are pollers, as many as there is room for."""

    def of(show: Callable[[ServerFigures], str]) -> Callable[[Poller], str]:
        return lambda poller: show(poller.snapshot.server) if poller.snapshot else "-"

    def rate(show: Callable[[ServerFigures], float]) -> Callable[[Poller], str]:
        """Of a server that does not answer there is none."""
        return lambda poller: (
            count_text(show(poller.snapshot.server), raw)
            if poller.snapshot and not poller.error else "-"
        )  # fmt: skip

    longest = max((len(_name(poller)) for poller in pollers), default=0)
    name = min(max(longest, _NAME_LEAST), _NAME_MOST) + _GAP
    columns = [
        Shown("SERVER", name, _name),
        Shown("STATE", 7, _state),
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
        Shown("ERROR", 40, _error),
    ]
    room = _ERROR_LEAST if any(poller.error for poller in pollers) else 0
    for title in _LESS:
        if len(INDENT) + sum(each.width for each in columns[:-1]) + room > width:
            columns = [each for each in columns if each.title != title]
    return columns


def _name(poller: Poller) -> str:
    """Of a server that has no name, the beginning of its id."""
    server = poller.snapshot.server if poller.snapshot else None
    if server is not None and server.name == server.id and poller.label == server.id:
        return f"{server.id[:_ID]}…"
    return poller.label


def _state(poller: Poller) -> str:
    if poller.error:
        return "ended" if poller.error == END else "down"
    return "up" if poller.snapshot else "asked"


def _error(poller: Poller) -> str:
    return poller.error.split(f"{poller.label}: ", 1)[-1]  # the row has its name already


def server_tone(poller: Poller) -> Tone:
    """One that does not answer."""
    return Tone.FAILED if poller.error else Tone.USUAL
