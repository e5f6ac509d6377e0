"""`pynats server report leafnodes`: the connections of leafnodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.report.routes import address_of, round_trip
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import Source

_SORTS = ("server", "name", "account", "subs", "in-bytes", "out-bytes", "in-msgs", "out-msgs")
_FIELDS = {"subs": "subscriptions", "in-bytes": "in_bytes", "out-bytes": "out_bytes",
           "in-msgs": "in_msgs", "out-msgs": "out_msgs", "name": "name",
           "account": "account"}  # fmt: skip

Leaf = tuple[dict[str, Any], dict[str, Any]]


@dataclass(kw_only=True)
class LeafnodesOptions(ReportOptions):
    """Flags of `server report leafnodes`."""

    account: Annotated[str, opt("--account", help="Only of this account")] = ""
    sort: Annotated[str, opt("--sort", kind=Choice(*_SORTS), help="Order of leafnodes")] = "server"


async def leafnodes(options: GlobalOptions, chosen: LeafnodesOptions) -> None:
    """Report the connections of leafnodes."""

    async def make(source: Source) -> Report:
        documents = await answers_for(
            source,
            chosen,
            "LEAFZ",
            {"subscriptions": False, "account": chosen.account},
            account=chosen.account,
        )
        found = [
            (document["server"], leaf)
            for document in documents
            for leaf in document["data"].get("leafs") or ()
        ]
        found.sort(key=lambda item: (_place(item), _value(item, chosen.sort)))
        found.sort(key=lambda item: _value(item, chosen.sort), reverse=chosen.reverse)
        return Report(documents, lambda: _screen(found))

    await run_report(options, chosen, make)


def _place(item: Leaf) -> tuple[str, str]:
    return str(item[0].get("name") or ""), str(item[1].get("name") or "")


def _value(item: Leaf, sort: str) -> Any:
    if sort == "server":
        return item[0].get("name") or ""
    return item[1].get(_FIELDS[sort]) or ("" if sort in ("name", "account") else 0)


def _screen(found: list[Leaf]) -> str:
    table = Table(
        "Leafnode Report",
        ("Server", "Name", "Account", "Address", "RTT", "Msgs In", "Msgs Out", "Bytes In",
         "Bytes Out", "Subs", "Compressed", "Spoke"),
    )  # fmt: skip
    for server, leaf in found:
        table.add(
            server.get("name") or "", leaf.get("name") or "", leaf.get("account") or "",
            address_of(leaf), round_trip(leaf), int(leaf.get("in_msgs") or 0),
            int(leaf.get("out_msgs") or 0), bytes_text(int(leaf.get("in_bytes") or 0)),
            bytes_text(int(leaf.get("out_bytes") or 0)), int(leaf.get("subscriptions") or 0),
            leaf.get("compression") or "off", "true" if leaf.get("is_spoke") else "false",
        )  # fmt: skip
    return table.render()
