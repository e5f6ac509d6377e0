"""`pynats server list`: every server with its load, and every cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED, Choice
from pynats_common.go.durations import nanoseconds
from pynats_common.go.times import parse_instant_ns

from pynats_cli.commands.server.compact import compact_names
from pynats_cli.commands.server.options import Archived, Reversed
from pynats_cli.commands.server.running import say_missing
from pynats_cli.errors import CliError
from pynats_cli.flags import NamesOnly, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text, duration, number, since, thousands
from pynats_cli.screen.output import show
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import NO_RESULTS, active_servers, scatter

_SORTS = Choice(
    "name", "cluster", "conns", "subs", "routes", "gw", "mem", "cpu", "slow", "uptime", "rtt",
    conn="conns", sub="subs", route="routes",
)  # fmt: skip


@dataclass(kw_only=True)
class ListOptions(Reversed, Archived, NamesOnly, Shown):
    """Flags of `server list`."""

    expect: Annotated[int, arg("How many servers to expect", UNSIGNED)] = 0
    sort: Annotated[str, opt("--sort", help="Order of the servers", kind=_SORTS)] = "rtt"
    compact: Annotated[
        bool, opt("--compact/--no-compact", help="Leave out what all names end with")
    ] = True


@dataclass(frozen=True)
class Seen:
    """One server, as its STATSZ tells; `rtt_ns` is unknown in archives."""

    document: dict[str, Any]
    rtt_ns: int | None = None

    @property
    def server(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["server"]
        return found

    @property
    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["statsz"]
        return found

    def count(self, name: str) -> int:
        return int(self.stats.get(name) or 0)

    @property
    def gateways(self) -> list[dict[str, Any]]:
        return self.stats.get("gateways") or []

    @property
    def cluster(self) -> str:
        return str(self.server.get("cluster") or "")


async def servers(options: GlobalOptions, chosen: ListOptions) -> int:
    """List the servers that answer; exit code 1 when fewer answer than expected."""
    seen = _archived(chosen.archive) if chosen.archive else await _asked(options, chosen.expect)
    if not seen:
        raise CliError(NO_RESULTS)
    seen.sort(key=_sort_key(chosen.sort), reverse=chosen.reverse)
    if chosen.names:
        names = [str(each.server["name"]) for each in seen]
        show(chosen, names, lambda: "\n".join(names))
    else:
        show(chosen, [each.document for each in seen], lambda: _screens(seen, chosen.compact))
    return int(say_missing(chosen.expect, len(seen)))


async def _asked(options: GlobalOptions, expect: int) -> list[Seen]:
    from pynats_cli.connect.opening import open_session

    async with open_session(options) as session:
        answers = await scatter(
            session, "$SYS.REQ.SERVER.PING", {}, expect=expect or await active_servers(session)
        )
    return [
        Seen(answer.document, nanoseconds(answer.after_s))
        for answer in answers
        if "statsz" in answer.document and "server" in answer.document
    ]


def _archived(path: str) -> list[Seen]:
    """An archive has VARZ, of which STATSZ is a part."""
    with Archive(path) as archive:
        gateways = {
            str((document.get("server") or {}).get("id")): document.get("data") or {}
            for document in archive.answers("GATEWAYZ")
        }
        return [
            Seen({"server": document["server"],
                  "statsz": _stats_of(document["data"],
                                      gateways.get(str(document["server"].get("id")), {}))})
            for document in archive.answers("VARZ")
            if document.get("server") and document.get("data")
        ]  # fmt: skip


def _stats_of(varz: dict[str, Any], gateways: dict[str, Any]) -> dict[str, Any]:
    same = ("start", "mem", "cores", "cpu", "connections", "total_connections", "subscriptions",
            "slow_consumers")  # fmt: skip
    stats: dict[str, Any] = {name: varz.get(name, 0) for name in same}
    stats["routes"] = [{} for _ in range(int(varz.get("routes") or 0))]
    inbound = gateways.get("inbound_gateways") or {}
    stats["gateways"] = [
        {"name": name, "inbound_connections": len(inbound.get(name) or ())}
        for name in gateways.get("outbound_gateways") or {}
    ]
    stats["now"] = varz.get("now")
    return stats


def _sort_key(name: str) -> Callable[[Seen], Any]:
    by_number = {"conns": "connections", "subs": "subscriptions", "mem": "mem", "cpu": "cpu",
                 "slow": "slow_consumers"}  # fmt: skip
    if name in by_number:
        return lambda seen: seen.stats.get(by_number[name]) or 0
    keys: dict[str, Callable[[Seen], Any]] = {
        "name": lambda seen: seen.server.get("name") or "",
        "cluster": lambda seen: (seen.cluster, seen.server.get("name") or ""),
        "routes": lambda seen: len(seen.stats.get("routes") or ()),
        "gw": lambda seen: len(seen.gateways),
        "uptime": lambda seen: -parse_instant_ns(str(seen.stats["start"])),
        "rtt": lambda seen: seen.rtt_ns or 0,
    }
    return keys[name]


def _screens(seen: list[Seen], compact: bool) -> str:
    clusters = _clusters(seen)
    overview = _overview(seen, compact).render()
    return f"{overview}\n\n{clusters.render()}" if clusters.rows else overview


def _overview(seen: list[Seen], compact: bool) -> Table:
    names = [str(each.server.get("name") or "") for each in seen]
    hosts = [str(each.server.get("host") or "") for each in seen]
    if compact:
        names, hosts = compact_names(names), compact_names(hosts)
    table = Table(
        "Server Overview",
        ("Name", "Cluster", "Host", "Version", "JS", "Conns", "Subs", "Routes", "GWs", "Mem",
         "CPU %", "Cores", "Slow", "Uptime", "RTT"),
    )  # fmt: skip
    # In a cluster all have as many routes, and all have as many gateways: an X marks who differs.
    routes = _usual([(each.cluster, len(each.stats.get("routes") or ())) for each in seen])
    gateways = _usual([("", len(each.gateways)) for each in seen])
    for each, name, host in zip(seen, names, hosts, strict=True):
        n_routes, n_gateways = len(each.stats.get("routes") or ()), len(each.gateways)
        now = each.stats.get("now")
        now_ns = parse_instant_ns(str(now)) if now else time.time_ns()
        table.add(
            name,
            each.cluster,
            host,
            each.server.get("ver") or "",
            "yes" if each.server.get("jetstream") else "no",
            each.count("connections"),
            each.count("subscriptions"),
            f"{n_routes}{'' if n_routes == routes[each.cluster] else ' X'}",
            f"{n_gateways}{'' if n_gateways == gateways[''] else ' X'}",
            bytes_text(each.count("mem")),
            number(round(float(each.stats.get("cpu") or 0), 3)),
            each.count("cores"),
            each.count("slow_consumers"),
            since(str(each.stats.get("start") or ""), now_ns),
            "-" if each.rtt_ns is None else duration(each.rtt_ns),
        )
    table.total(
        "", len({each.cluster for each in seen if each.cluster}), len(seen), "",
        sum(bool(each.server.get("jetstream")) for each in seen),
        sum(each.count("connections") for each in seen),
        sum(each.count("subscriptions") for each in seen), "", "",
        bytes_text(sum(each.count("mem") for each in seen)), "", "",
        sum(each.count("slow_consumers") for each in seen), "", "",
    )  # fmt: skip
    return table


def _usual(values: list[tuple[str, int]]) -> dict[str, int]:
    """The most frequent value of each group, the larger one of two."""
    usual: dict[str, int] = {}
    for group in {name for name, _ in values}:
        found = [value for name, value in values if name == group]
        usual[group] = max(found, key=lambda value: (found.count(value), value))
    return usual


def _clusters(seen: list[Seen]) -> Table:
    table = Table(
        "Cluster Overview",
        ("Cluster", "Node Count", "Outgoing Gateways", "Incoming Gateways", "Connections"),
    )
    totals = [0, 0, 0, 0]
    for cluster in dict.fromkeys(each.cluster for each in seen if each.cluster):
        nodes = [each for each in seen if each.cluster == cluster]
        row = [
            len(nodes),
            sum(len(each.gateways) for each in nodes),
            sum(int(gateway.get("inbound_connections") or 0)
                for each in nodes for gateway in each.gateways),
            sum(each.count("connections") for each in nodes),
        ]  # fmt: skip
        totals = [total + value for total, value in zip(totals, row, strict=True)]
        table.add(cluster, *row)
    table.total("", *(thousands(total) for total in totals))
    return table
