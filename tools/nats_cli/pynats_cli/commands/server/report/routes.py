"""`pynats server report routes`: the connections inside clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice
from pynats_common.go.durations import parse_duration_ns
from pynats_common.go.times import parse_instant_ns

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text, duration, since
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import Source

_SORTS = Choice("server", "cluster", "name", "account", "subs", "in-bytes", "out-bytes")
_FIELDS = {"name": "remote_name", "account": "account", "subs": "subscriptions",
           "in-bytes": "in_bytes", "out-bytes": "out_bytes"}  # fmt: skip

Route = tuple[dict[str, Any], dict[str, Any], str]
"""The server, the route, and when it told so."""


@dataclass(kw_only=True)
class RoutesOptions(ReportOptions):
    """Flags of `server report routes`."""

    sort: Annotated[str, opt("--sort", kind=_SORTS, help="Order of routes")] = ""


async def routes(options: GlobalOptions, chosen: RoutesOptions) -> None:
    """Report the routes of clusters."""

    async def make(source: Source) -> Report:
        documents = await answers_for(source, chosen, "ROUTEZ", {})
        found: list[Route] = [
            (document["server"], route, str(document["data"].get("now") or ""))
            for document in documents
            for route in document["data"].get("routes") or ()
        ]
        found.sort(key=_key(""))
        if chosen.sort:
            found.sort(key=_key(chosen.sort))
        if chosen.reverse:
            found.reverse()
        return Report(documents, lambda: _screen(found))

    await run_report(options, chosen, make)


def _key(sort: str) -> Callable[[Route], Any]:
    if sort in _FIELDS:
        name = _FIELDS[sort]
        empty: Any = "" if sort in ("name", "account") else 0
        return lambda item: item[1].get(name) or empty
    if sort == "server":
        return lambda item: item[0].get("name") or ""
    if sort == "cluster":
        return lambda item: item[0].get("cluster") or ""
    return lambda item: tuple(
        str(part or "")
        for part in (item[0].get("cluster"), item[0].get("name"), item[1].get("remote_name"),
                     item[1].get("account"))
    )  # fmt: skip


def _screen(found: list[Route]) -> str:
    table = Table(
        "Cluster Report",
        ("Server", "Cluster", "Name", "Account", "Address", "ID", "Uptime", "RTT", "Subs",
         "Bytes In", "Bytes Out"),
    )  # fmt: skip
    before: tuple[str, str, str] = ("", "", "")
    for server, route, now in found:
        place = tuple(
            str(part or "")
            for part in (server.get("name"), server.get("cluster"), route.get("remote_name"))
        )
        same_server = place[:2] == before[:2]
        table.add(
            "" if same_server else place[0],
            "" if same_server else place[1],
            "" if place == before else place[2],
            route.get("account") or "",
            address_of(route),
            f"rid:{route.get('rid')}",
            since(route.get("start"), parse_instant_ns(now)) if now else route.get("uptime") or "",
            round_trip(route),
            int(route.get("subscriptions") or 0),
            bytes_text(int(route.get("in_bytes") or 0)),
            bytes_text(int(route.get("out_bytes") or 0)),
        )
        before = (place[0], place[1], place[2])
    table.total(
        len({server.get("id") for server, _, _ in found}),
        len({server.get("cluster") for server, _, _ in found}),
        "", "", len(found), "", "", "", _total(found, "subscriptions"),
        bytes_text(_total(found, "in_bytes")), bytes_text(_total(found, "out_bytes")),
    )  # fmt: skip
    return table.render()


def _total(found: list[Route], name: str) -> int:
    return sum(int(route.get(name) or 0) for _, route, _ in found)


def address_of(connection: dict[str, Any]) -> str:
    """`ip:port` of an entry of a monitoring endpoint."""
    ip = str(connection.get("ip") or "")
    return f"[{ip}]:{connection.get('port')}" if ":" in ip else f"{ip}:{connection.get('port')}"


def round_trip(connection: dict[str, Any]) -> str:
    """The round-trip time of an entry of a monitoring endpoint."""
    text = str(connection.get("rtt") or "")
    try:
        return duration(parse_duration_ns(text)) if text else ""
    except ValueError:
        return text
