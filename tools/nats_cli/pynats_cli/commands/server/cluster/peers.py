"""`pynats server cluster peer-remove|evacuate`: servers that leave the JetStream cluster."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.commands.server.cluster.meta import leaders_view, meta_group, refuse_domain
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.screen.ask import choose, sure
from pynats_cli.screen.output import line, log, note
from pynats_cli.servers.system.requests import ask_one

_WATCH_S = 300
_POLL_S = 1.0
_WARNING = """\
Removing is for peers that will not come back. A peer that is only away for maintenance needs no
removal: shut it down and start it again.

A removed peer can return only after a restart of the entire cluster or super-cluster. If the peer
is online now, it has to be restarted last.

R1 streams of this peer move to other peers without their data, even if the peer returns later.
R1 consumers of this peer lose their state and begin anew, which may deliver messages twice.
"""


@dataclass(kw_only=True)
class PeerRemoveOptions(Force):
    """Flags of `server cluster peer-remove`."""

    name: Annotated[str, arg("Name or id of the peer")]


async def peer_remove(session: Session, chosen: PeerRemoveOptions) -> None:
    """Remove a peer of the meta group."""
    refuse_domain(session)
    group = await meta_group(session)
    if chosen.name in (group.leader.name, group.leader.id):
        raise CliError(f"{chosen.name} is the meta leader: have it step down first")
    found = [peer for peer in group.replicas if chosen.name in (peer.name, peer.id)]
    if not found:
        raise CliError(f"did not find a replica named {chosen.name}")
    if len(found) > 1:
        raise CliError(f"several peers are named {chosen.name}, use the id of one")
    (peer,) = found
    if not chosen.force:
        note(_WARNING)
    state = "offline" if peer.offline else "online"
    if not sure(chosen.force, f"Really remove {state} peer {peer.name}", "Removal canceled"):
        return
    await session.js.request("SERVER.REMOVE", {"peer": "", "peer_id": peer.id})
    log(f'Removed peer "{peer.name}"')


@dataclass(kw_only=True)
class EvacuateOptions(Force):
    """Flags of `server cluster evacuate`."""

    peer: Annotated[str, arg("Name of the peer")] = ""


async def evacuate(session: Session, chosen: EvacuateOptions) -> int:
    """Move everything off a peer; exit code 1 when it still holds something after five minutes."""
    group = await leaders_view(session)
    peer = chosen.peer or choose("Select a Peer", group.names, missing="the name of the peer")
    log(f'Evacuating assets from peer "{peer}"')
    if not sure(chosen.force, f'Really evacuate "{peer}"', "Evacuation canceled"):
        return 0
    await session.js.request("SERVER.EVACUATE", {"peer": peer})
    log(f'Requested evacuation of peer "{peer}", watching progress for up to 5 minutes')
    end, before = time.monotonic() + _WATCH_S, None
    while time.monotonic() < end:
        data = (await ask_one(session, peer, "JSZ"))["data"]
        held = int(data.get("streams") or 0), int(data.get("consumers") or 0)
        if held != before:
            line(f'Server "{peer}": Streams: {held[0]:,} Consumers: {held[1]:,}')
            before = held
        if held == (0, 0):
            return 0
        await asyncio.sleep(_POLL_S)
    return 1
