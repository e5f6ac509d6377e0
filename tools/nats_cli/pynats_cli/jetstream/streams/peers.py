"""The servers of a stream's group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

Info = dict[str, Any]
_LOOK_EVERY_S = 0.25
_ELECTION_S, _MOVE_S = 10.0, 60.0


def cluster_of(info: Info) -> dict[str, Any]:
    """The group of a stream. Raises CliError for one outside a cluster."""
    cluster = info.get("cluster") or {}
    if not cluster.get("name"):
        raise CliError(f"stream {quote(info['config']['name'])} is not clustered")
    return dict(cluster)


def replicated_cluster_of(info: Info) -> dict[str, Any]:
    """The group of a stream with replicas. Raises CliError for one that has none."""
    cluster = cluster_of(info)
    if not cluster.get("replicas"):
        raise CliError(f"stream {quote(info['config']['name'])} is not clustered")
    return cluster


def peers_of(cluster: dict[str, Any]) -> list[str]:
    """Names of all servers of a group, sorted."""
    leader = [cluster["leader"]] if cluster.get("leader") else []
    return sorted(leader + [replica["name"] for replica in cluster.get("replicas") or []])


async def wait_for(
    session: Session,
    name: str,
    done: Callable[[dict[str, Any]], bool],
    limit_s: float,
    look: Callable[[], None] = lambda: None,
) -> Info | None:
    """The stream's information once its group is as wanted; None when that takes too long. Raises
    CliError."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        await asyncio.sleep(_LOOK_EVERY_S)
        look()
        info = await session.js.stream_info(name)
        if done(info.get("cluster") or {}):
            return info
    return None


async def wait_for_leader(session: Session, name: str, old: str) -> Info | None:
    """After an election."""
    return await wait_for(
        session, name, lambda cluster: cluster.get("leader", "") not in ("", old), _ELECTION_S
    )


async def wait_for_peers(
    session: Session, name: str, gone: str, look: Callable[[], None]
) -> Info | None:
    """Once a server is not of the group any more."""
    return await wait_for(
        session,
        name,
        lambda cluster: bool(cluster.get("leader")) and gone not in peers_of(cluster),
        _MOVE_S,
        look,
    )
