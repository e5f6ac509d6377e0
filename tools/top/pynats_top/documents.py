"""Snapshots as plain data, for JSON and CSV: the figures by their names, times in RFC 3339."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

from pynats_common.go.times import format_time_ns

from pynats_top.collect.source import SERVERS
from pynats_top.model.figures import AccountFigures, ConnectionFigures, ServerFigures, Snapshot
from pynats_top.model.jetstream import ConsumerFigures, StreamFigures
from pynats_top.model.rates import Traffic
from pynats_top.model.slow import SlowConsumer

_TIMES: Final = frozenset(("start", "now", "pending_since", "since", "last"))
_NAMES: Final = {"start_time": "start", "last_activity_time": "last_activity"}
_ROWS: Final[dict[str, type[Any]]] = {
    SERVERS: ServerFigures,
    "connections": ConnectionFigures,
    "accounts": AccountFigures,
    "streams": StreamFigures,
    "consumers": ConsumerFigures,
    "slow": SlowConsumer,
}


def row_document(row: Any) -> dict[str, Any]:
    """One row; its traffic is among its own fields."""
    made: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if field.name == "traffic":
            made |= {part.name: getattr(value, part.name) for part in fields(value)}
        elif field.name in _TIMES:
            made[field.name] = format_time_ns(value) if value else ""
        else:
            made[_name(field.name)] = list(value) if isinstance(value, tuple) else value
    return made


def document(snapshot: Snapshot, parts: Sequence[str]) -> dict[str, Any]:
    """One server: {"server": …, "connections": […], "error": …}."""
    made: dict[str, Any] = {"server": row_document(snapshot.server)}
    made["connections_polled"] = snapshot.polled
    made["connections_total"] = snapshot.total
    made["interval_seconds"] = snapshot.seconds
    for part in parts:
        if part != SERVERS:
            made[part] = [row_document(row) for row in getattr(snapshot, part)]
    made["error"] = snapshot.error
    return made


def csv_rows(snapshots: Iterable[Snapshot], part: str) -> Iterator[list[Any]]:
    """The rows of one part, of every server; the first column is the server's name."""
    for snapshot in snapshots:
        rows = [snapshot.server] if part == SERVERS else getattr(snapshot, part)
        for row in rows:
            yield [snapshot.server.title, *map(_cell, row_document(row).values())]


def csv_header(part: str) -> list[str]:
    """The names of the columns of a part."""
    names = ["server_name"]
    for field in fields(_ROWS[part]):
        names += (
            [of.name for of in fields(Traffic)] if field.name == "traffic" else [_name(field.name)]
        )
    return names


def _name(field: str) -> str:
    return _NAMES.get(field, field)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        return " ".join(f"{key}={number}" for key, number in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return value
