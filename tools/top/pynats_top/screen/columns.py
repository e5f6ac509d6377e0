"""The columns of a tab as they are drawn: widths, and which of them have room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pynats_top.collect.source import CONNECTIONS
from pynats_top.model.figures import ConnectionFigures
from pynats_top.model.rows import TABLES, Column, Look, go_time
from pynats_top.screen.view import View
from pynats_top.screen.widgets.grid import INDENT, Shown
from pynats_top.screen.widgets.paint import cells, plain

_HOST_MIN, _NAME_MOST, _GAP = 15, 60, 2
_FLOW = 12
# The original's widths with the gap behind each; those of HOST and NAME follow their texts.
_CONNECTION_WIDTHS = {
    "cid": 7, "subs": 8, "pending": _FLOW, "msgs_to": _FLOW, "msgs_from": _FLOW,
    "bytes_to": _FLOW, "bytes_from": _FLOW, "lang": 9, "version": 9, "uptime": 9,
    "subscriptions": 40,
}  # fmt: skip
# Where these have no room; as narrow as the titles are.
_NARROW_WIDTHS = _CONNECTION_WIDTHS | {
    "subs": 6,
    "pending": 9,
    "msgs_to": 9,
    "msgs_from": 11,
    "bytes_to": 10,
}
_NARROW_NAME_MOST = 16
_LAST_ACTIVITY = 40


def columns_of(view: View, rows: Sequence[Any], look: Look, width: int) -> list[Shown]:
    """The columns of the tab that is shown."""
    if view.tab == CONNECTIONS:
        return _connections(view, rows, look, width)
    return _table(TABLES[view.tab], look, width)


def _cell(column: Column, look: Look) -> Callable[[Any], str]:
    return lambda row: column.show(row, look)


def _connections(
    view: View, rows: Sequence[ConnectionFigures], look: Look, width: int
) -> list[Shown]:
    columns = _with_widths(view, rows, look, _CONNECTION_WIDTHS, _NAME_MOST, 3)
    if _reach(columns) - _LAST_ACTIVITY > width:
        columns = _with_widths(view, rows, look, _NARROW_WIDTHS, _NARROW_NAME_MOST, _GAP)
    if view.subscriptions and _reach(columns) > width:
        # They were asked for: the long time before them gives way.
        columns = [each for each in columns if each.key != "last"]
    return columns


def _reach(columns: Sequence[Shown]) -> int:
    return sum(each.width for each in columns) + len(INDENT)


def _with_widths(
    view: View,
    rows: Sequence[ConnectionFigures],
    look: Look,
    widths: Mapping[str, int],
    name_most: int,
    name_gap: int,
) -> list[Shown]:
    known = {column.key: column for column in TABLES[CONNECTIONS]}
    host = _cell(known["host"], look)
    longest = max((len(host(row)) for row in rows), default=0)
    columns = [Shown("HOST", max(longest, _HOST_MIN) + _GAP, host)]
    named = max((cells(plain(row.name)) for row in rows), default=0)
    for key, size in widths.items():
        if key == "subscriptions":
            columns.append(Shown("LAST_ACTIVITY", _LAST_ACTIVITY,
                                 lambda row: go_time(row.last_activity), "last"))  # fmt: skip
            if not view.subscriptions:
                continue
        column = known[key]
        if key == "uptime":
            size = max(size, max((len(row.uptime) for row in rows), default=0) + _GAP)
        columns.append(Shown(column.title, size, _cell(column, look), key, number=column.right))
        if key == "cid" and named:
            columns.append(Shown("NAME", max(min(named, name_most), len("NAME")) + name_gap,
                                 lambda row: row.name, "name"))  # fmt: skip
        if key == "cid" and view.accounts:
            account = known["account"]
            columns.append(Shown(account.title, account.width + 1, _cell(account, look), "account"))
    return columns


def _table(columns: Sequence[Column], look: Look, width: int) -> list[Shown]:
    """Wide columns only where all others have room, too, the first ones first."""
    left = width - len(INDENT) - sum(each.width + _GAP for each in columns if not each.wide)
    shown = []
    for column in columns:
        if column.wide:
            left -= column.width + _GAP
            if left < 0:
                continue
        shown.append(Shown(column.title, column.width + _GAP, _cell(column, look), column.key,
                           column.right))  # fmt: skip
    return shown
