"""One connection: its figures, and its subscriptions in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import SourceError
from pynats_top.model.values import objects
from pynats_top.screen.base import TopScreen
from pynats_top.screen.keys import BACK, DETAIL_KEYS, bindings
from pynats_top.screen.widgets.bars import KeyLine
from pynats_top.screen.widgets.grid import Grid, Shown
from pynats_top.screen.widgets.head import Head, HeadLine
from pynats_top.screen.widgets.paint import plain

_LABELS = (
    ("kind", "Kind"), ("type", "Type"), ("name", "Name"), ("account", "Account"),
    ("authorized_user", "User"), ("lang", "Language"), ("version", "Version"),
    ("tls_version", "TLS"), ("rtt", "RTT"), ("uptime", "Uptime"), ("idle", "Idle"),
    ("pending_bytes", "Pending bytes"), ("stalls", "Stalls"), ("reason", "Closed"),
)  # fmt: skip
_SUBJECT = 44


def _field(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


SUBSCRIPTIONS = (
    Shown("SUBJECT", _SUBJECT, lambda row: _field(row, "subject")),
    Shown("QUEUE", 18, lambda row: _field(row, "qgroup")),
    Shown("SID", 10, lambda row: _field(row, "sid")),
    Shown("MSGS", 12, lambda row: _field(row, "msgs")),
    Shown("MAX", 10, lambda row: _field(row, "max")),
)


def facts(row: Mapping[str, Any], columns: int) -> list[HeadLine]:
    """What is known of a connection, in pairs where there is room for two."""
    title = f"Connection {row.get('cid', '')}: {row.get('ip', '')}:{row.get('port', '')}"
    moved = [
        ("Messages to", f"{_field(row, 'out_msgs')} ({_field(row, 'out_bytes')} bytes)"),
        ("Messages from", f"{_field(row, 'in_msgs')} ({_field(row, 'in_bytes')} bytes)"),
    ]
    known = [(label, _field(row, name)) for name, label in _LABELS if row.get(name)] + moved
    texts = [f"  {label + ':':<15}{plain(value)}" for label, value in known]
    if columns < 2 * 40:
        return [HeadLine(plain(title)), *map(HeadLine, texts)]
    half = -(-len(texts) // 2)
    right = texts[half:] + [""] * (half - len(texts[half:]))
    width = max(map(len, texts[:half]), default=0) + 2
    lines = [f"{first:<{width}}{second}".rstrip()
             for first, second in zip(texts[:half], right, strict=True)]  # fmt: skip
    return [HeadLine(plain(title)), *map(HeadLine, lines)]


class ConnectionScreen(TopScreen, inherit_bindings=False):
    """Asks again with every poll, until it is left."""

    BINDINGS: ClassVar[list[Binding]] = bindings(DETAIL_KEYS)  # type: ignore[assignment]

    def __init__(self, poller: Poller, cid: int) -> None:
        super().__init__()
        self._poller, self._cid = poller, cid
        self._head, self._grid = Head(), Grid()
        self._keys = KeyLine(lambda width: [BACK])

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._grid
        yield self._keys

    def on_mount(self) -> None:
        self._head.show([HeadLine(f"Connection {self._cid}")])
        self.ask()

    def ask(self) -> None:
        """Asks for its figures now, unless that is being done."""
        self.run_worker(self._ask(), group="details", exclusive=True)

    async def _ask(self) -> None:
        try:
            row = await self._poller.source.connection(self._cid)
        except SourceError as error:
            self._warn(str(error))
            return
        if row is None:
            self._warn("it has ended")
            return
        self._head.show(facts(row, self.size.width))
        found = objects(row.get("subscriptions_list_detail"))
        self._grid.show(SUBSCRIPTIONS, found, lambda each: str(each.get("sid")))

    def _warn(self, words: str) -> None:
        self._head.warn(plain(words))

    def action_move(self, step: int) -> None:
        self._grid.move(step)

    def action_page(self, direction: int) -> None:
        self._grid.page(direction)

    def action_edge(self, direction: int) -> None:
        self._grid.edge(direction)

    def action_sideways(self, direction: int) -> None:
        self._grid.sideways(direction)

    def action_leave(self) -> None:
        self.leave()
