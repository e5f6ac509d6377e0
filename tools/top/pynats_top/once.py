"""Without a screen: snapshots as text, CSV or JSON, on standard output or in a file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from collections.abc import Sequence

from pynats_cli.errors import CliError
from pynats_cli.screen.output import write
from pynats_cli.screen.tables import Table

from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import ReplaySource
from pynats_top.collect.source import PARTS, SERVERS
from pynats_top.documents import csv_header, csv_rows, document
from pynats_top.lookup import Names
from pynats_top.model.figures import Snapshot
from pynats_top.model.rows import TABLES, Look
from pynats_top.options import TopOptions
from pynats_top.text import delimited, grid, head

_OUT_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


async def save(pollers: Sequence[Poller], options: TopOptions) -> int:
    """The original's `-o`: the first snapshot, in its text. Raises CliError."""
    names = Names()
    try:
        await _poll(pollers)
        _refuse_none(pollers)
        texts = [await _text(_shown(poller), options, names) for poller in pollers]
    finally:
        names.close()
    text = "\n".join(texts)
    if options.output == "-":
        write(text)
    else:
        _write_file(options.output, text)
    return _code(pollers)


async def show(pollers: Sequence[Poller], options: TopOptions) -> int:
    """`--once`: a snapshot with the rates of one interval; as many as there are to be refreshes.
    Raises CliError when no server has answered."""
    names, wanted = Names(), max(options.refreshes, 1)
    header = True
    try:
        await _poll(pollers)
        _refuse_none(pollers)
        for number in range(wanted):
            if not await _next(pollers, options.interval_s):
                break  # a recording has ended
            if number and options.form == "text":
                write("\n")
            if options.form == "json":
                write(_json(pollers, options, wanted == 1))
            elif options.form == "csv":
                write(_csv(pollers, options, header))
                header = False
            else:
                texts = [await _screen(_shown(poller), options, names) for poller in pollers]
                write("\n".join(texts))
    finally:
        names.close()
    return _code(pollers)


async def _next(pollers: Sequence[Poller], interval_s: float) -> bool:
    """Polls again after the interval. False if there is nothing more to come."""
    replays = [poller.source for poller in pollers if isinstance(poller.source, ReplaySource)]
    if replays and all(source.ended for source in replays):
        first = all(source.place == 0 for source in replays)
        for source in replays:
            source.place += 1  # a recording of one poll is shown once
        return first
    await asyncio.sleep(pollers[0].source.due_in_s(interval_s))
    await _poll(pollers)
    return True


async def _poll(pollers: Sequence[Poller]) -> None:
    await asyncio.gather(*(poller.poll() for poller in pollers))


def _refuse_none(pollers: Sequence[Poller]) -> None:
    if all(poller.snapshot is None for poller in pollers):
        raise CliError(pollers[0].error or "no server")


def _code(pollers: Sequence[Poller]) -> int:
    return 1 if any(poller.error for poller in pollers) else 0


def _shown(poller: Poller) -> Snapshot:
    """What a server says; of one that has never answered, why not."""
    return poller.snapshot or Snapshot(error=poller.error)


async def _text(snapshot: Snapshot, options: TopOptions, names: Names) -> str:
    if options.lookup:
        await names.wait({row.ip for row in snapshot.connections})
    look = Look(raw=options.raw, now=snapshot.server.now, names=names.known)
    if options.delimiter:
        return delimited(snapshot, look, options.subscriptions, options.delimiter)
    return grid(snapshot, look, options.subscriptions)


async def _screen(snapshot: Snapshot, options: TopOptions, names: Names) -> str:
    """As text: the original's, or the head and other tables."""
    if options.view == "connections":
        return await _text(snapshot, options, names)
    look = Look(raw=options.raw, now=snapshot.server.now)
    text = "\n".join([*head(snapshot, look), ""])
    for part in _parts(options):
        columns = [column for column in TABLES[part] if column.key != "subscriptions"]
        table = Table(part.capitalize(), [column.title for column in columns])
        for row in getattr(snapshot, part):
            table.add(*(column.show(row, look) for column in columns))
        text += f"\n{table.render().rstrip()}\n"
    return text


def _parts(options: TopOptions) -> list[str]:
    return [part for part in PARTS if part in options.parts]


def _json(pollers: Sequence[Poller], options: TopOptions, alone: bool) -> str:
    """One document; in a series, each in a line."""
    servers = [document(_shown(poller), _parts(options)) for poller in pollers]
    made = {"servers": servers}
    if alone:
        return json.dumps(made, indent=2) + "\n"
    return json.dumps(made, separators=(",", ":")) + "\n"


def _csv(pollers: Sequence[Poller], options: TopOptions, header: bool) -> str:
    part = SERVERS if options.view in (SERVERS, "all") else options.view
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    if header:
        rows.writerow(csv_header(part))
    rows.writerows(csv_rows((_shown(poller) for poller in pollers), part))
    return text.getvalue()


def _write_file(path: str, text: str) -> None:
    try:
        with os.fdopen(os.open(path, _OUT_FLAGS, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CliError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None
