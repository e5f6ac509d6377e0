"""`pynats server report connections`: the connections of all servers in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, Choice
from pynats_common.go.durations import parse_long_duration_ns

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.running import Report, run_report, say_missing
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text, thousands
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.requests import EVERYONE, ServerFilter
from pynats_cli.servers.system.sources import Source, needs_answers

STATES = Choice("open", "closed", "all")
SORTS = Choice("in-bytes", "out-bytes", "in-msgs", "out-msgs", "uptime", "cid", "subs")
NOTHING = "did not get results from any servers"
_PAGE = 1024
_FIELDS = {"in-bytes": "in_bytes", "out-bytes": "out_bytes", "in-msgs": "in_msgs",
           "out-msgs": "out_msgs", "cid": "cid", "subs": "subscriptions"}  # fmt: skip

Connection = dict[str, Any]
"""An entry of CONNZ, with the "server" that told it."""


@dataclass(kw_only=True)
class Picked:
    """Which connections a report shows, and in which order."""

    sort: Annotated[str, opt("--sort", kind=SORTS, help="Order of connections")] = "subs"
    top: Annotated[int, opt("--top", kind=UNSIGNED, help="Show so many, the first ones")] = 1000
    subject: Annotated[str, opt("--subject", help="Only with interest in this subject")] = ""
    username: Annotated[str, opt("--username", help="Only of this user")] = ""
    state: Annotated[str, opt("--state", kind=STATES, help="Open connections, or closed")] = "open"
    closed_reason: Annotated[
        str, opt("--closed-reason", placeholder="REASON", help="Only closed for this reason")
    ] = ""

    def request(self, account: str = "") -> dict[str, Any]:
        """A request for CONNZ."""
        return {
            "auth": True,
            "subscriptions": True,
            "offset": 0,
            "limit": _PAGE,
            "state": STATES.choices.index(self.state),
            "user": self.username,
            "acc": account,
            "filter_subject": self.subject,
        }


@dataclass(kw_only=True)
class ConnectionsOptions(Picked, ReportOptions):
    """Flags of `server report connections`."""

    account: Annotated[str, opt("--account", help="Only of this account")] = ""
    filter: Annotated[
        str, opt("--filter", placeholder="EXPRESSION",
                 help="Only those for which this is true: conns, server and account are known"),
    ] = ""  # fmt: skip


async def connections(options: GlobalOptions, chosen: ConnectionsOptions) -> None:
    """Report connections of clients."""
    keep = _filter(chosen.filter)

    async def make(source: Source) -> Report:
        found = await gather(
            source, chosen, chosen.account, expect=chosen.limit, servers=chosen.servers
        )
        return picked_report([each for each in found if keep(each)], chosen, chosen.reverse)

    await run_report(options, chosen, make)


async def gather(
    source: Source,
    picked: Picked,
    account: str = "",
    *,
    expect: int = 0,
    servers: ServerFilter = EVERYONE,
) -> list[Connection]:
    """The connections of all servers. Raises CliError when nobody may tell."""
    documents = needs_answers(
        await source.ask(
            "CONNZ", picked.request(account), expect=expect, servers=servers, account=account,
            items="connections",
        )
    )  # fmt: skip
    say_missing(expect, len(documents))
    found = [
        {**connection, "server": document.get("server") or {}}
        for document in documents
        for connection in (document.get("data") or {}).get("connections") or ()
    ]
    return [each for each in found if picked.closed_reason in ("", each.get("reason") or "")]


def picked_report(found: list[Connection], picked: Picked, reverse: bool) -> Report:
    """The report of some connections. Raises CliError when there are none."""
    if not found:
        raise CliError(NOTHING)
    found = sorted(found, key=_key(picked.sort), reverse=reverse)
    shown = found[: picked.top]
    with_reason = picked.state != "open"
    return Report(shown, lambda: screen(shown, found, picked.sort, with_reason))


def _key(sort: str) -> Callable[[Connection], int]:
    if sort == "uptime":
        return _uptime_ns
    name = _FIELDS[sort]
    return lambda connection: int(connection.get(name) or 0)


def _uptime_ns(connection: Connection) -> int:
    try:
        return parse_long_duration_ns(str(connection.get("uptime") or "0s"))
    except ValueError:
        return 0


def screen(
    shown: Sequence[Connection], found: Sequence[Connection], sort: str, with_reason: bool
) -> str:
    """The table of those shown, with totals of all, and how many each server has."""
    headers = ["CID", "Name", "Server", "Cluster", "IP", "Account", "Uptime", "In Msgs",
               "Out Msgs", "In Bytes", "Out Bytes", "Subs"]  # fmt: skip
    table = Table(
        f"Top {len(shown)} Connections out of {thousands(len(found))} by {sort}",
        [*headers, "Reason"] if with_reason else headers,
    )
    for each in shown:
        row = (str(each.get("cid") or ""), *_row(each))
        table.add(*row, *((each.get("reason") or "",) if with_reason else ()))
    if len(found) > 1:
        label = f"Totals for {thousands(len(found))} connections"
        table.total("", label, "", "", "", "", "", *_traffic(found), *([""] if with_reason else []))
    return f"{table.render()}\n\n{_by_server(found).render()}"


def _row(each: Connection) -> tuple[object, ...]:
    server = each["server"]
    ip = str(each.get("ip") or "")
    address = f"[{ip}]:{each.get('port')}" if ":" in ip else f"{ip}:{each.get('port')}"
    return (
        each.get("name") or "", server.get("name") or "", server.get("cluster") or "", address,
        each.get("name_tag") or each.get("account") or "", each.get("uptime") or "",
        *_traffic([each]),
    )  # fmt: skip


def total(found: Iterable[Connection], name: str) -> int:
    """The sum of a field."""
    return sum(int(each.get(name) or 0) for each in found)


def _traffic(found: Sequence[Connection]) -> tuple[object, ...]:
    return (
        total(found, "in_msgs"), total(found, "out_msgs"), bytes_text(total(found, "in_bytes")),
        bytes_text(total(found, "out_bytes")), total(found, "subscriptions"),
    )  # fmt: skip


def _by_server(found: Sequence[Connection]) -> Table:
    table = Table("Connections per server", ("Server", "Cluster", "Connections"))
    counts: dict[tuple[str, str], int] = {}
    for each in found:
        server = (str(each["server"].get("name") or ""), str(each["server"].get("cluster") or ""))
        counts[server] = counts.get(server, 0) + 1
    for (name, cluster), count in sorted(counts.items(), key=lambda item: item[1]):
        table.add(name, cluster, count)
    return table


def _filter(text: str) -> Callable[[Connection], bool]:
    """Whether an expression is true for a connection. Raises CliError for a bad expression."""
    if not text:
        return lambda connection: True
    from pynats_cli.expressions import compile_expression

    names = ("conns", "server", "account")
    expression = compile_expression(text, (*names, *(name.capitalize() for name in names)))

    def keep(connection: Connection) -> bool:
        # What is empty is left out of CONNZ.
        fields = {"name": "", "authorized_user": "", "reason": "", "lang": "", "version": ""}
        known: dict[str, Any] = {
            "conns": {**fields, **connection},
            "server": {"cluster": "", "domain": "", **connection["server"]},
            "account": connection.get("account") or "",
        }
        known |= {name.capitalize(): value for name, value in known.items()}
        return expression.matches(known)

    return keep
