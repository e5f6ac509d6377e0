"""`pynats server cluster rescue`: a cluster that has lost more peers than its quorum allows.

The servers that are left are told a smaller quorum, elect a leader, and the lost peers can be
removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import check_answer
from pynats_cli.screen.ask import ask as ask_user
from pynats_cli.screen.output import line, note
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.requests import data_of, scatter, successful

_OLDEST = (2, 15, 0)
_EXPLAINED = """
Rescuing is for a cluster that lost servers for good before they were removed from it by the
peer-remove command. It lowers the number of servers that a healthy cluster needs, for a time, so
that new ones can take the place of the lost ones. The table shows how many servers there are.
"""
_NEXT = """
Now remove the lost servers with 'pynats server cluster peer-remove'. The cluster works normally
again when only the servers that are left belong to it.
"""
_BAD_SIZE = (
    "cluster quorum required to be greater than 0 and less than or equal the total amount of "
    "servers"
)


@dataclass(kw_only=True)
class RescueOptions:
    """It has no flags: what it asks must be answered by a person."""


async def rescue(session: Session, chosen: RescueOptions) -> None:
    """Lower the quorum that the servers which are left need."""
    found = [answer.document for answer in await scatter(session, _ALL_JSZ, {})]
    servers = [
        document
        for document in (successful(found) if found else [])
        if data_of(document).get("meta_cluster") and _can(document["server"])
    ]
    if not servers:
        raise CliError("no compatible servers found")
    domains = {document["server"].get("domain") or "" for document in servers}
    if len(domains) > 1:
        raise CliError(f"servers of one JetStream domain expected, got {len(domains)}")
    line(_state(servers).render())
    line()
    if any(_meta(document).get("leader") for document in servers):
        line("Cluster is healthy with a leader, no rescue needed")
        return
    note(_EXPLAINED)
    size = _size_of(servers)
    quorum = _checked(
        ask_user("How many peers to require for a meta cluster quorum", str(size)), len(servers)
    )
    answers = await scatter(
        session, "$JS.API.META.RESCUE", {"quorum_needed": quorum}, expect=len(servers)
    )
    for answer in answers:
        said = answer.document
        check_answer(said)
        line(
            f'Server "{said.get("server")}" now requires {said.get("new_quorum")} quorum size '
            f"(was {said.get('prev_quorum')})"
        )
    if len(answers) < len(servers):
        raise CliError(f"{len(servers) - len(answers)} server(s) did not answer")
    note(_NEXT)


_ALL_JSZ = "$SYS.REQ.SERVER.PING.JSZ"


def _can(server: dict[str, Any]) -> bool:
    parts = str(server.get("ver") or "").split("-")[0].split(".")
    return all(part.isdecimal() for part in parts) and tuple(map(int, parts)) >= _OLDEST


def _meta(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["data"]["meta_cluster"]
    return found


def _size_of(servers: list[dict[str, Any]]) -> int:
    return max(int(_meta(document).get("cluster_size") or 0) for document in servers)


def _checked(text: str, servers: int) -> int:
    if not text.isdecimal() or not 0 < int(text) <= servers:
        raise CliError(_BAD_SIZE)
    return int(text)


def _state(servers: list[dict[str, Any]]) -> Table:
    table = Table(
        "Current Cluster State",
        ("Server", "Cluster", "Size", "Peers", "Quorum Requires", "Rescuing"),
    )
    for document in servers:
        server, meta = document["server"], _meta(document)
        name = str(server.get("name") or "")
        peers = meta.get("replicas") or ()
        online = 1 + sum(not peer.get("offline") for peer in peers)
        size = int(meta.get("cluster_size") or 0)
        table.add(
            f"{name}*" if meta.get("leader") == name else name,
            server.get("cluster") or "",
            size,
            f"{online} online / {len(peers) + 1} peers",
            int(meta.get("quorum_needed") or size // 2 + 1),
            "true" if meta.get("rescuing") else "false",
        )
    return table
