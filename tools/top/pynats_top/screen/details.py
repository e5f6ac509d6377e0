"""One connection: its figures, and its subscriptions in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import SourceError
from pynats_top.model.rates import Traffic
from pynats_top.model.sizes import count_text, size_text
from pynats_top.model.values import integer, objects
from pynats_top.screen.base import TopScreen
from pynats_top.screen.keys import DETAIL_FOOTER, DETAIL_KEYS, bindings
from pynats_top.screen.widgets.bars import KeyLine
from pynats_top.screen.widgets.grid import INDENT, Grid, Shown
from pynats_top.screen.widgets.head import Head, HeadLine
from pynats_top.screen.widgets.line import TextLine
from pynats_top.screen.widgets.paint import cells, plain

_LABELS = (
    ("kind", "Kind"), ("type", "Type"), ("name", "Name"), ("account", "Account"),
    ("authorized_user", "User"), ("lang", "Language"), ("version", "Version"),
    ("tls_version", "TLS"), ("rtt", "RTT"), ("uptime", "Uptime"), ("idle", "Idle"),
    ("stalls", "Stalls"), ("reason", "Closed"),
)  # fmt: skip
_SUBJECT = 36


def _field(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def subscription_columns(columns: int) -> list[Shown]:
    """All of them at 80 columns; what there is more is for subjects."""
    rest = [
        Shown("QUEUE", 16, lambda row: _field(row, "qgroup")),
        Shown("SID", 8, lambda row: _field(row, "sid"), right=True),
        Shown("MSGS", 11, lambda row: _field(row, "msgs"), right=True),
        Shown("MAX", 7, lambda row: _field(row, "max"), right=True),
    ]
    left = columns - len(INDENT) - sum(each.width for each in rest)
    subject = Shown("SUBJECT", min(max(left, _SUBJECT), 2 * _SUBJECT),
                    lambda row: _field(row, "subject"))  # fmt: skip
    return [subject, *rest]


def _order(row: Mapping[str, Any]) -> tuple[str, int, str]:
    """A server has them in another order every time."""
    sid = _field(row, "sid")
    return _field(row, "subject"), len(sid), sid


def moved(row: Mapping[str, Any], way: str, traffic: Traffic | None) -> str:
    """`1.2K msgs, 3.4M  (12/s, 3.4K/s)`: in all, and each second as of the last poll."""
    messages, size = integer(row.get(f"{way}_msgs")), integer(row.get(f"{way}_bytes"))
    total = f"{count_text(messages)} msgs, {size_text(size)}"
    if traffic is None:
        return total
    rates = getattr(traffic, f"{way}_msgs_rate"), getattr(traffic, f"{way}_bytes_rate")
    return f"{total}  ({count_text(rates[0])}/s, {size_text(rates[1])}/s)"


def facts(row: Mapping[str, Any], columns: int, traffic: Traffic | None = None) -> list[HeadLine]:
    """What is known of a connection, in pairs where there is room for two."""
    title = f"Connection {row.get('cid', '')}: {row.get('ip', '')}:{row.get('port', '')}"
    known = [(label, _field(row, name)) for name, label in _LABELS if row.get(name)]
    if row.get("pending_bytes"):
        known.append(("Pending", size_text(integer(row.get("pending_bytes")))))
    texts = [f"  {label + ':':<15}{plain(value)}" for label, value in known]
    half = -(-len(texts) // 2)
    right = texts[half:] + [""] * (half - len(texts[half:]))
    width = max(max(map(len, texts[:half]), default=0) + 2, 38)
    lines = [f"{first:<{width}}{second}".rstrip()
             for first, second in zip(texts[:half], right, strict=True)]  # fmt: skip
    if max(map(cells, lines), default=0) > columns:
        lines = texts
    for label, way in (("Sent to it", "out"), ("Sent by it", "in")):
        lines.append(f"  {label + ':':<15}{moved(row, way, traffic)}")
    return [HeadLine(plain(title)), *map(HeadLine, lines)]


class ConnectionScreen(TopScreen, inherit_bindings=False):
    """Asks again with every poll, until it is left."""

    BINDINGS: ClassVar[list[Binding]] = bindings(DETAIL_KEYS)  # type: ignore[assignment]

    def __init__(self, poller: Poller, cid: int) -> None:
        super().__init__()
        self._poller, self._cid = poller, cid
        self._head, self._count, self._grid = Head(), TextLine(), Grid()
        self._keys = KeyLine(lambda width: DETAIL_FOOTER)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._count
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
        snapshot = self._poller.snapshot
        polled = snapshot.by_cid.get(self._cid) if snapshot else None
        self._head.show(facts(row, self.size.width, polled.traffic if polled else None))
        found = sorted(objects(row.get("subscriptions_list_detail")), key=_order)
        columns = subscription_columns(self.size.width)
        self._grid.show(columns, found, lambda each: str(each.get("sid")), empty="no subscriptions")
        self.call_after_refresh(self._show_seen)

    def _show_seen(self) -> None:
        first, end, number = self._grid.seen
        seen = f"  {first + 1}-{end}" if end - first < number else ""
        self._count.show(f"Subscriptions: {number}", seen)

    def _warn(self, words: str) -> None:
        self._head.warn(plain(words))

    def action_move(self, step: int) -> None:
        self._grid.move(step)
        self._show_seen()

    def action_page(self, direction: int) -> None:
        self._grid.page(direction)
        self._show_seen()

    def action_edge(self, direction: int) -> None:
        self._grid.edge(direction)
        self._show_seen()

    def action_sideways(self, direction: int) -> None:
        self._grid.sideways(direction)

    def action_leave(self) -> None:
        self.leave()
