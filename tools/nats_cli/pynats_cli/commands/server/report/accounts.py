"""`pynats server report accounts`: traffic by account, or the connections of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED, Choice

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.report.connections import (
    NOTHING,
    Connection,
    Picked,
    gather,
    picked_report,
    total,
)
from pynats_cli.commands.server.running import Report, run_report
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import Source

_FIELDS = {"in-bytes": "in_bytes", "out-bytes": "out_bytes", "in-msgs": "in_msgs",
           "out-msgs": "out_msgs", "conns": "connections", "subs": "subscriptions"}  # fmt: skip


@dataclass(kw_only=True)
class AccountsOptions(ReportOptions):
    """Flags of `server report accounts`."""

    account: Annotated[str, arg("Show the connections of this account")] = ""
    limit: Annotated[int, arg("How many servers to expect", UNSIGNED)] = 0
    sort: Annotated[str, opt("--sort", kind=Choice(*_FIELDS), help="Order of accounts")] = "subs"
    top: Annotated[int, opt("--top", kind=UNSIGNED, help="Show so many, the first ones")] = 1000


async def accounts(options: GlobalOptions, chosen: AccountsOptions) -> None:
    """Report traffic of accounts that have connections."""
    by_connection = chosen.sort if chosen.sort != "conns" else "subs"
    picked = Picked(sort=by_connection, top=chosen.top)

    async def make(source: Source) -> Report:
        found = await gather(
            source, picked, chosen.account, expect=chosen.limit, servers=chosen.servers
        )
        if chosen.account:
            report = picked_report(found, picked, chosen.reverse)
            return Report(_by_account(found), report.text)
        if not found:
            raise CliError(NOTHING)
        rows = sorted(
            _by_account(found), key=lambda row: int(row[_FIELDS[chosen.sort]]),
            reverse=chosen.reverse,
        )[: chosen.top]  # fmt: skip
        return Report(rows, lambda: _screen(rows))

    await run_report(options, chosen, make)


def _by_account(found: list[Connection]) -> list[dict[str, Any]]:
    by_name: dict[str, list[Connection]] = {}
    for each in found:
        by_name.setdefault(str(each.get("account") or ""), []).append(each)
    sums = ("in_msgs", "out_msgs", "in_bytes", "out_bytes", "subscriptions")
    return [
        {
            "account": name,
            "connections": len(theirs),
            "connection_info": theirs,
            **{field: total(theirs, field) for field in sums},
            "server": list({each["server"].get("id"): each["server"] for each in theirs}.values()),
        }
        for name, theirs in by_name.items()
    ]


def _screen(rows: list[dict[str, Any]]) -> str:
    table = Table(
        f"{len(rows)} Accounts Overview",
        ("Account", "Connections", "In Msgs", "Out Msgs", "In Bytes", "Out Bytes", "Subs"),
    )
    for row in rows:
        name = row["connection_info"][0].get("name_tag") or row["account"]
        table.add(
            name, row["connections"], row["in_msgs"], row["out_msgs"],
            bytes_text(row["in_bytes"]), bytes_text(row["out_bytes"]), row["subscriptions"],
        )  # fmt: skip
    return table.render()
