"""`pynats server watch servers|jetstream`: the statistics servers send of themselves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, Choice
from pynats_common.go.durations import human_duration_ns

from pynats_cli.commands.server.watch.live import chosen, document, redraw, require_terminal
from pynats_cli.screen.human import bytes_text, local_time, since, thousands
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system import requests
from pynats_cli.servers.watching.servers import (
    JETSTREAM_KEYS,
    SERVER_KEYS,
    ServerStats,
    Statsz,
    count,
    figure,
    name,
    with_jetstream,
)

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from pynats_cli.connect.session import Session

_EVENTS = "$SYS.SERVER.*.STATSZ"


@dataclass(kw_only=True)
class ServersOptions:
    sort: Annotated[str, opt("--sort", help="Sort by this figure", kind=Choice(*SERVER_KEYS))] = (
        "conns"
    )
    number: Annotated[
        int, opt("--number", "-n", help="How many servers to show; 0 for all", kind=UNSIGNED)
    ] = 0


@dataclass(kw_only=True)
class JetStreamOptions:
    sort: Annotated[
        str, opt("--sort", help="Sort by this figure", kind=Choice(*JETSTREAM_KEYS))
    ] = "assets"
    number: Annotated[
        int, opt("--number", "-n", help="How many servers to show; 0 for all", kind=UNSIGNED)
    ] = 0


async def servers(session: Session, options: ServersOptions) -> None:
    """Watches the servers."""
    stats = await _listen(session)
    await redraw(session, lambda: servers_screen(stats, options.sort, chosen(options.number)))


async def jetstream(session: Session, options: JetStreamOptions) -> None:
    """Watches JetStream."""
    stats = await _listen(session)
    await redraw(
        session,
        lambda: jetstream_screen(stats, options.sort, chosen(options.number), time.time_ns()),
    )


async def _listen(session: Session) -> ServerStats:
    """Statistics of all servers now, kept up by what they send every half minute."""
    require_terminal()
    stats = ServerStats()

    async def on_event(message: Msg) -> None:
        stats.add(document(message.data))

    await session.client.subscribe(_EVENTS, cb=on_event)
    for answer in await requests.ask(session, ""):
        stats.add(answer)
    return stats


def servers_screen(stats: ServerStats, sort: str, number: int) -> str:
    """The table of servers with totals of all."""
    rows = stats.top(sort, number)
    table = Table(
        _title(len(rows), SERVER_KEYS[sort][0], stats),
        ("Server", "Connections", "Subscription", "Slow", "Memory", "CPU", "Cores", "Routes",
         "Gateways", "Sent", "Received"),
    )  # fmt: skip
    for row in rows:
        table.add(
            name(row), *_counts(row), bytes_text(int(figure("mem")(row))),
            f"{figure('cpu')(row):g}", int(figure("cores")(row)), int(count("routes")(row)),
            int(count("gateways")(row)), _flow(row, "sent"), _flow(row, "received"),
        )  # fmt: skip
    everything = _sum(list(stats.by_id.values()))
    table.total(
        "Totals (All Servers)", *_counts(everything), bytes_text(int(figure("mem")(everything))),
        "", "", "", "", _flow(everything, "sent"), _flow(everything, "received"),
    )  # fmt: skip
    return table.render()


def _counts(row: Statsz) -> tuple[int, int, int]:
    return (
        int(figure("connections")(row)),
        int(figure("subscriptions")(row)),
        int(figure("slow_consumers")(row)),
    )


def _flow(row: Statsz, way: str) -> str:
    """`14,322 / 5.1 MiB`."""
    messages, size = int(figure(way, "msgs")(row)), int(figure(way, "bytes")(row))
    return f"{thousands(messages)} / {bytes_text(size)}"


def _sum(rows: list[Statsz]) -> dict[str, Any]:
    """All servers as one."""
    total: dict[str, Any] = {
        key: sum(figure(key)(row) for row in rows)
        for key in ("connections", "subscriptions", "slow_consumers", "mem")
    }
    for way in ("sent", "received"):
        total[way] = {
            key: int(sum(figure(way, key)(row) for row in rows)) for key in ("msgs", "bytes")
        }
    return total


def _title(shown: int, by: str, stats: ServerStats) -> str:
    when = local_time(stats.changed) or "no time yet"
    return f"Top {shown} Server activity by {by} at {when}"


def jetstream_screen(stats: ServerStats, sort: str, number: int, now_ns: int) -> str:
    """The table of servers with JetStream, with totals of those."""
    rows = with_jetstream(stats, sort, number)
    table = Table(
        _title(len(rows), JETSTREAM_KEYS[sort][0], stats),
        ("Server", "HA Assets", "Memory", "File", "API", "API Errors", "Pending",
         "Snapshot Time"),
    )  # fmt: skip
    for row in rows:
        meta = (row["jetstream"] or {}).get("meta") or {}
        leader = "*" if meta.get("leader") == name(row) else ""
        table.add(f"{name(row)}{leader}", *_jetstream_cells([row]), _snapshot(meta, now_ns))
    all = with_jetstream(stats, sort, 0)
    table.total(f"Totals ({len(all)} Servers)", *_jetstream_cells(all), "")
    return table.render()


def _jetstream_cells(rows: list[Statsz]) -> list[str]:
    def total(*path: str) -> int:
        return int(sum(figure("jetstream", *path)(row) for row in rows))

    return [
        thousands(total("stats", "ha_assets")), bytes_text(total("stats", "memory")),
        bytes_text(total("stats", "storage")), thousands(total("stats", "api", "total")),
        thousands(total("stats", "api", "errors")), thousands(total("meta", "pending")),
    ]  # fmt: skip


def _snapshot(meta: dict[str, Any], now_ns: int) -> str:
    """When the leader last saved the group's state, and how long that took."""
    snapshot = meta.get("snapshot") or {}
    when = since(snapshot.get("last_time"), now_ns, never="")
    took = human_duration_ns(int(snapshot.get("last_duration") or 0))
    return f"{when} ago ({took})" if when else ""
