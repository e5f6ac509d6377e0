"""How a report runs: once or again and again, from servers or an archive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.live import live_screen
from pynats_cli.screen.output import note, show
from pynats_cli.servers.system.sources import Source, needs_answers, open_source


@dataclass(frozen=True)
class Report:
    """`data` is what --json prints, `text` makes the screen."""

    data: Any
    text: Callable[[], str]


async def run_report(
    options: GlobalOptions, chosen: ReportOptions, make: Callable[[Source], Awaitable[Report]]
) -> None:
    """Makes and shows a report; with --watch until it is interrupted."""
    if chosen.watch and chosen.archive:
        raise CliError("--watch is not supported when using --archive")
    async with open_source(options, chosen.archive) as source:
        if not chosen.watch:
            report = await make(source)
            show(chosen, report.data, report.text)
            return
        with live_screen() as screen:
            while True:
                report = await make(source)
                if chosen.form == "table":
                    screen.paint(report.text())
                else:
                    show(chosen, report.data, report.text)
                await asyncio.sleep(chosen.watch)


async def answers_for(
    source: Source,
    chosen: ReportOptions,
    kind: str,
    request: dict[str, Any],
    *,
    account: str = "",
    items: str = "",
) -> list[dict[str, Any]]:
    """Documents of the servers that a report is about, without errors. Raises CliError when there
    is none; says when there are fewer than expected."""
    found = await source.ask(
        kind, request, expect=chosen.limit, servers=chosen.servers, account=account, items=items
    )
    documents = needs_answers(found, chosen.servers)
    say_missing(chosen.limit, len(documents))
    return documents


def say_missing(expected: int, answered: int) -> bool:
    """Whether fewer servers answered than expected, which is said on stderr."""
    if answered >= expected:
        return False
    note(f"Missing {expected - answered} server(s)")
    return True
