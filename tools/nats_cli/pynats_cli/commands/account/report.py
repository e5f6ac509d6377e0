"""`pynats account report`: connections and traffic, as an account may see its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_cli.commands.server.options import Reversed
from pynats_cli.commands.server.report.connections import Picked, gather, picked_report
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.screen.human import bytes_text
from pynats_cli.screen.output import show
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.requests import Answer, scatter
from pynats_cli.servers.system.sources import Source, joined

_STATISTICS = "$SYS.REQ.ACCOUNT.PING.STATZ"


@dataclass(kw_only=True)
class ConnectionsOptions(Picked, Reversed, Shown):
    """Flags of `account report connections`."""


async def connections(session: Session, chosen: ConnectionsOptions) -> None:
    """Report the connections of the account."""
    found = await gather(_OwnAccount(session), chosen)
    report = picked_report(found, chosen, chosen.reverse)
    show(chosen, report.data, report.text)


class _OwnAccount(Source):
    """An account may ask all servers for its own connections, but no single one: a page is asked
    of all, until none of them has more."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def ask(
        self, kind: str, request: dict[str, Any] | None = None, *, items: str = "", **_: Any
    ) -> list[dict[str, Any]]:
        body = request or {}
        pages: list[dict[str, Any]] = []
        offset, more = 0, True
        while more:
            answers = await scatter(
                self._session, f"$SYS.REQ.SERVER.PING.{kind}", body | {"offset": offset}
            )
            offset += int(body["limit"])
            pages += [answer.document for answer in answers]
            more = any(_total(answer) > offset for answer in answers)
        return joined(pages, items)


def _total(answer: Answer) -> int:
    return int((answer.document.get("data") or {}).get("total") or 0)


@dataclass(kw_only=True)
class StatisticsOptions(Shown):
    """Flags of `account report statistics`."""


async def statistics(session: Session, chosen: StatisticsOptions) -> None:
    """Report the traffic of the account on each server."""
    answers = await scatter(session, _STATISTICS, {})
    rows = [(answer, stats) for answer in answers for stats in _stats(answer)]
    if not rows:
        raise CliError("did not get results from any servers")
    data = [{"server": answer.server, "statistics": stats} for answer, stats in rows]
    show(chosen, data, lambda: _screen(rows))


def _stats(answer: Answer) -> list[dict[str, Any]]:
    data = answer.document.get("data") or {}
    return data.get("account_statz") or []


def _screen(rows: list[tuple[Answer, dict[str, Any]]]) -> str:
    table = Table(
        "Server Statistics",
        ("Server", "Cluster", "Version", "Tags", "Connections", "Subscriptions", "Leafnodes",
         "Sent Bytes", "Sent Messages", "Received Bytes", "Received Messages", "Slow Consumers"),
    )  # fmt: skip
    everything = [0] * 8
    for answer, stats in rows:
        server = answer.server
        sent, received = stats.get("sent") or {}, stats.get("received") or {}
        figures = [
            int(value or 0)
            for value in (
                stats.get("conns"), stats.get("num_subscriptions"), stats.get("leafnodes"),
                sent.get("bytes"), sent.get("msgs"), received.get("bytes"), received.get("msgs"),
                stats.get("slow_consumers"),
            )
        ]  # fmt: skip
        everything = [total + value for total, value in zip(everything, figures, strict=True)]
        table.add(
            server.get("name") or "", server.get("cluster") or "", server.get("ver") or "",
            ", ".join(server.get("tags") or ()), *_shown(figures),
        )  # fmt: skip
    table.total(len({answer.server.get("id") for answer, _ in rows}), "", "", "",
                *_shown(everything))  # fmt: skip
    return table.render()


def _shown(figures: list[int]) -> list[object]:
    return [bytes_text(value) if at in (3, 5) else value for at, value in enumerate(figures)]
