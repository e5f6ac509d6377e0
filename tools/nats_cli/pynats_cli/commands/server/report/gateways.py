"""`pynats server report gateways`: the connections between clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice
from pynats_common.go.times import parse_instant_ns

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.report.routes import address_of, round_trip
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text, since
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import Source


@dataclass(kw_only=True)
class GatewaysOptions(ReportOptions):
    """Flags of `server report gateways`."""

    filter_name: Annotated[str, opt("--filter-name", help="Only to this cluster")] = ""
    sort: Annotated[
        str, opt("--sort", kind=Choice("server", "cluster"), help="Order of servers")
    ] = "cluster"


async def gateways(options: GlobalOptions, chosen: GatewaysOptions) -> None:
    """Report the gateways between clusters."""

    async def make(source: Source) -> Report:
        request = {"name": chosen.filter_name, "accounts": True}
        documents = await answers_for(source, chosen, "GATEWAYZ", request)
        documents.sort(key=lambda item: _place(item, chosen.sort), reverse=chosen.reverse)
        return Report(documents, lambda: _screen(documents, chosen.filter_name))

    await run_report(options, chosen, make)


def _place(document: dict[str, Any], sort: str) -> tuple[str, str]:
    server = document.get("server") or {}
    name, cluster = str(server.get("name") or ""), str(server.get("cluster") or "")
    return (name, cluster) if sort == "server" else (cluster, name)


def _screen(documents: list[dict[str, Any]], only: str) -> str:
    table = Table(
        "Super Cluster Report",
        ("Server", "Name", "Port", "Kind", "Connection", "ID", "Uptime", "RTT", "Bytes",
         "Accounts"),
    )  # fmt: skip
    connections = all_bytes = 0
    for document in documents:
        server, data = document["server"], document["data"]
        name = data.get("name") or server.get("cluster") or ""
        table.add(server.get("name") or "", name, str(data.get("port") or 0),
                  "", "", "", "", "", "", "")  # fmt: skip
        for kind, remote, gateway in _gateways(data, only):
            connection = gateway.get("connection") or {}
            size = int(connection.get("in_bytes") or 0) + int(connection.get("out_bytes") or 0)
            connections, all_bytes = connections + 1, all_bytes + size
            table.add(
                "", "", "", kind, f"{remote} {address_of(connection)}",
                f"gid:{connection.get('cid')}",
                since(connection.get("start"), parse_instant_ns(str(data["now"]))),
                round_trip(connection), bytes_text(size), len(gateway.get("accounts") or ()),
            )  # fmt: skip
    clusters = {document["server"].get("cluster") or "" for document in documents}
    table.total(
        len(documents), len(clusters), "", "", connections, "", "", "", bytes_text(all_bytes), "",
    )  # fmt: skip
    return table.render()


def _gateways(data: dict[str, Any], only: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for remote, several in sorted((data.get("inbound_gateways") or {}).items()):
        if only in ("", remote):
            for gateway in several:
                yield "Inbound", remote, gateway
    for remote, gateway in sorted((data.get("outbound_gateways") or {}).items()):
        if only in ("", remote):
            yield "Outbound", remote, gateway
