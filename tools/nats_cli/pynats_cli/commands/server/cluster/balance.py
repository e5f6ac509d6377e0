"""`pynats server cluster balance`: disconnects clients of servers that have more than others.

A client that is disconnected connects to another server by itself.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, Choice
from pynats_common.go.durations import SECOND_NS, parse_long_duration_ns

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.screen.ask import sure
from pynats_cli.screen.human import duration
from pynats_cli.screen.output import line, log, note
from pynats_cli.servers.system.requests import (
    ServerFilter,
    ask,
    ask_paged,
    data_of,
    directed,
    successful,
)

_PAGE = 1024
_WARNING = """\
Balancing disconnects clients, whatever they are doing. They connect again by themselves, but work
in progress can be interrupted.
"""

Connection = dict[str, Any]


@dataclass(kw_only=True)
class BalanceOptions(Force):
    """Flags of `server cluster balance`."""

    duration: Annotated[int, arg("Time over which it is spread", DURATION)] = 120 * SECOND_NS
    server_name: Annotated[
        str, opt("--server-name", placeholder="NAME", help="Only connections of this server")
    ] = ""
    cluster: Annotated[
        str, opt("--cluster", placeholder="NAME", help="Only connections of this cluster")
    ] = ""
    idle: Annotated[
        int, opt("--idle", kind=DURATION, help="Only connections idle for this long")
    ] = 0
    account: Annotated[str, opt("--account", help="Only connections of this account")] = ""
    subject: Annotated[str, opt("--subject", help="Only with interest in this subject")] = ""
    kind: Annotated[
        list[str],
        opt("--kind", kind=Choice("Client", "Leafnode"), help="Only of this kind; repeatable"),
    ] = field(default_factory=lambda: ["Client"])

    @property
    def servers(self) -> ServerFilter:
        """Whose connections are looked at."""
        return ServerFilter(name=self.server_name, cluster=self.cluster)


async def balance(session: Session, chosen: BalanceOptions) -> None:
    """Spread connections evenly over the servers."""
    if not chosen.force:
        note(_WARNING)
    if not sure(chosen.force, "Really re-balance connections", "balance canceled"):
        return
    count = await _server_count(session, chosen.cluster)
    by_server = await _matching(session, chosen)
    excess = _excess(by_server, count) if by_server else []
    if excess:
        step_s = max(chosen.duration, 0) / SECOND_NS / len(excess)
        pause = duration(round(step_s * SECOND_NS))
        log(f"Balancing {len(excess)} connections with {pause} sleep between each balance request")
        await _kick(session, excess, step_s)
    line(f"\nBalanced {len(excess)} connections")


async def _server_count(session: Session, cluster: str) -> int:
    documents = successful(await ask(session, "VARZ", {}, servers=ServerFilter(cluster=cluster)))
    if not documents:
        raise CliError("no server matches the filters")
    return len(documents)


async def _matching(session: Session, chosen: BalanceOptions) -> dict[str, list[Connection]]:
    """The connections of each server, by its id, that may be disconnected: not our own."""
    request = {
        "offset": 0, "limit": _PAGE, "state": 0, "acc": chosen.account,
        "filter_subject": chosen.subject,
    }  # fmt: skip
    documents = successful(
        await ask_paged(session, "CONNZ", "connections", request, servers=chosen.servers)
    )
    own = session.client.client_id, session.server_info.get("server_id")
    found: dict[str, list[Connection]] = {}
    for document in documents:
        server, data = document["server"], data_of(document)
        for each in data.get("connections") or ():
            fits = each.get("kind") in chosen.kind and _idle_ns(each) >= chosen.idle
            if fits and (each.get("cid"), server.get("id")) != own:
                found.setdefault(str(server["id"]), []).append({**each, "server": server})
    return found


def _idle_ns(connection: Connection) -> int:
    try:
        return parse_long_duration_ns(str(connection.get("idle") or "0s"))
    except ValueError:
        return 0


def _excess(by_server: dict[str, list[Connection]], count: int) -> list[Connection]:
    """Any connections of each server above its share, in any order."""
    everything = sum(map(len, by_server.values()))
    target = max(1, round(everything / count))
    log(f"Connection distribution across {count} servers (target: {target} per server):")
    excess: list[Connection] = []
    for connections in by_server.values():
        over = len(connections) - target
        name = connections[0]["server"].get("name")
        log(f"  Server '{name}': {len(connections)} connections (offset: {over:+d})")
        excess += random.sample(connections, max(over, 0))
    random.shuffle(excess)
    return excess


async def _kick(session: Session, excess: list[Connection], step_s: float) -> None:
    for number, each in enumerate(excess):
        if number:
            await asyncio.sleep(step_s)
        server, cid = each["server"], each.get("cid")
        try:
            data_of(await directed(session, str(server["id"]), "KICK", {"cid": cid}))
        except CliError as error:
            log(f"Could not balance client {cid}: {error}")  # it may have gone by itself
            continue
        name = each.get("name") or "no name"
        log(f"Balanced client {cid} ({name}) on {server.get('name')}")
