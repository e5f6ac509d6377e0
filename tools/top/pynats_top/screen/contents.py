"""What stands in the table: rows, their order, the columns, and the line that counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import (
    ACCOUNTS,
    CONNECTIONS,
    CONSUMERS,
    OWN_SORTS,
    SLOW,
    SORTS,
    STREAMS,
)
from pynats_top.model.figures import ConnectionFigures, Snapshot
from pynats_top.model.rows import TABLES, Look, filtered, key_of, ordered
from pynats_top.model.slow import BEHIND, PENDING_MIN, SlowConsumer
from pynats_top.screen.columns import columns_of
from pynats_top.screen.servers import server_columns, server_tone
from pynats_top.screen.view import OVERVIEW, URGENCY, View
from pynats_top.screen.widgets.grid import Shown, Tone
from pynats_top.screen.widgets.paint import plain

_COUNTED = {
    CONNECTIONS: "Connections Polled", ACCOUNTS: "Accounts", STREAMS: "Streams",
    CONSUMERS: "Consumers", SLOW: "Slow Consumers", OVERVIEW: "Servers",
}  # fmt: skip
JETSTREAM = (STREAMS, CONSUMERS)
_NONE = {
    CONNECTIONS: "no connections", ACCOUNTS: "no accounts", STREAMS: "no streams",
    CONSUMERS: "no consumers", SLOW: "no slow consumers",
}  # fmt: skip
# What a snapshot calls the answers that have the figures of a tab.
_PARTS = {
    CONNECTIONS: "connections", ACCOUNTS: "accounts", STREAMS: "jsz", CONSUMERS: "jsz",
    SLOW: "pending",
}  # fmt: skip
# The server's orders of connections that begin with the least.
_ASCENDING = ("cid", "start", *OWN_SORTS)


@dataclass(frozen=True)
class Contents:
    """See above."""

    columns: Sequence[Shown]
    rows: Sequence[Any]
    identity: Callable[[Any], object]
    marked: str
    count: str
    notes: str
    empty: str
    tone: Callable[[Any], Tone]


def sorts_of(tab: str) -> tuple[str, ...]:
    """What a tab's rows can be sorted by."""
    if tab == OVERVIEW:
        return ()
    if tab == CONNECTIONS:
        return SORTS
    own = tuple(column.key for column in TABLES[tab])
    return (URGENCY, *own) if tab == SLOW else own


def contents_of(view: View, poller: Poller, pollers: Sequence[Poller], width: int,
                names: Mapping[str, str], replay: bool) -> Contents:  # fmt: skip
    """Of the tab that is shown, in so many columns of a terminal. `names` of IP addresses."""
    if view.tab == OVERVIEW:
        return _servers(view, pollers, width)
    snapshot = poller.snapshot or Snapshot()
    look = Look(view.raw, view.rates, snapshot.server.now, names if view.lookup else {})
    rows: list[Any] = getattr(snapshot, view.tab)
    number = snapshot.polled if view.tab == CONNECTIONS else len(rows)
    more = snapshot.total - number if view.tab == CONNECTIONS and _answered(view, snapshot) else 0
    found = filtered(rows, TABLES[view.tab], view.filter, look)
    found = _sorted(view, found)
    return Contents(
        columns_of(view, rows, look, width), found, key_of, view.sorted_by,
        f"{_COUNTED[view.tab]}: {number}{f' of {snapshot.total}' if more > 0 else ''}",
        _notes(view, len(found)), _empty_words(view, poller, replay), tone_of,
    )  # fmt: skip


def _answered(view: View, snapshot: Snapshot) -> bool:
    """Whether the tab's figures have been asked for at all."""
    return _PARTS[view.tab] in snapshot.now


def _empty_words(view: View, poller: Poller, replay: bool) -> str:
    """Why there is no row."""
    if view.filter:
        return "nothing has these words; Esc shows all"
    if poller.snapshot is None:
        return "no answer yet" if poller.error else "asking the server"
    if not _answered(view, poller.snapshot):
        return "this was not recorded" if replay else "asking the server"
    if view.tab in JETSTREAM and not poller.snapshot.server.jetstream:
        return "JetStream is off"
    return _NONE[view.tab]


def tone_of(row: Any) -> Tone:
    """Who is behind now."""
    if isinstance(row, SlowConsumer):
        return Tone.SLOW if row.state == BEHIND else Tone.USUAL
    if isinstance(row, ConnectionFigures) and row.pending >= PENDING_MIN:
        return Tone.SLOW
    return Tone.USUAL


def _sorted(view: View, rows: list[Any]) -> list[Any]:
    """The server has sorted connections, but those that are equal come in another order every
    time."""
    by = view.sorted_by
    column = next((each for each in TABLES[view.tab] if each.key == by), None)
    if column is not None:
        if view.tab == CONNECTIONS:
            rows = sorted(rows, key=lambda row: row.cid)
        falls = by not in _ASCENDING if view.tab == CONNECTIONS else column.right
        rows = ordered(rows, column, falls)
    return rows[::-1] if view.reverse else rows


def _servers(view: View, pollers: Sequence[Poller], width: int) -> Contents:
    words = view.filter.lower().split()
    found = [each for each in pollers if all(word in each.label.lower() for word in words)]
    if view.reverse:
        found.reverse()
    return Contents(
        server_columns(pollers, view.raw, width), found, id, "",
        f"{_COUNTED[OVERVIEW]}: {len(pollers)}", _notes(view, len(found)),
        "nothing has these words; Esc shows all", server_tone,
    )  # fmt: skip


def _notes(view: View, shown: int) -> str:
    notes = []
    if view.filter:
        notes.append(f"filter: {plain(view.filter)} ({shown} shown)")
    if view.reverse:
        notes.append("reversed")
    if view.per_second:
        notes.append("per second")
    return "".join(f"  {note}" for note in notes)
