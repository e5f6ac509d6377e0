"""What stands in the table: rows, their order, the columns, and the line that counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import CONNECTIONS, OWN_SORTS, SLOW, SORTS
from pynats_top.model.figures import Snapshot
from pynats_top.model.rows import TABLES, Look, filtered, key_of, ordered
from pynats_top.screen.columns import columns_of
from pynats_top.screen.servers import server_columns
from pynats_top.screen.view import OVERVIEW, URGENCY, View
from pynats_top.screen.widgets.grid import Shown
from pynats_top.screen.widgets.paint import plain

_COUNTED = {
    CONNECTIONS: "Connections Polled", "accounts": "Accounts", "streams": "Streams",
    "consumers": "Consumers", SLOW: "Slow Consumers", OVERVIEW: "Servers",
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
        return _servers(view, pollers)
    snapshot = poller.snapshot or Snapshot()
    look = Look(view.raw, view.rates, snapshot.server.now, names if view.lookup else {})
    rows: list[Any] = getattr(snapshot, view.tab)
    number = snapshot.polled if view.tab == CONNECTIONS else len(rows)
    found = filtered(rows, TABLES[view.tab], view.filter, look)
    found = _sorted(view, found, replay)
    return Contents(
        columns_of(view, rows, look, width), found, key_of, view.sorted_by,
        f"{_COUNTED[view.tab]}: {number}", _notes(view, len(found)),
    )  # fmt: skip


def _sorted(view: View, rows: list[Any], replay: bool) -> list[Any]:
    """Connections of a live server are sorted when they come."""
    by = view.sorted_by
    column = next((each for each in TABLES[view.tab] if each.key == by), None)
    of_server = view.tab == CONNECTIONS and not replay
    if column is not None and not of_server:
        falls = by not in _ASCENDING if view.tab == CONNECTIONS else column.right
        rows = ordered(rows, column, falls)
    return rows[::-1] if view.reverse else rows


def _servers(view: View, pollers: Sequence[Poller]) -> Contents:
    words = view.filter.lower().split()
    found = [each for each in pollers if all(word in each.label.lower() for word in words)]
    if view.reverse:
        found.reverse()
    return Contents(server_columns(pollers, view.raw), found, id, "",
                    f"{_COUNTED[OVERVIEW]}: {len(pollers)}", _notes(view, len(found)))  # fmt: skip


def _notes(view: View, shown: int) -> str:
    notes = []
    if view.filter:
        notes.append(f"filter: {plain(view.filter)} ({shown} shown)")
    if view.reverse:
        notes.append("reversed")
    if view.rates:
        notes.append("per second")
    return "".join(f"  {note}" for note in notes)
