"""`pynats server cluster step-down`: another leader of the meta group."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from pynats_common.commandline.declare import opt

from pynats_cli.commands.server.cluster.meta import meta_group, refuse_domain
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.screen.output import log

_POLL_S = 0.5
_ELECTION_S = 30.0


@dataclass(kw_only=True)
class StepDownOptions(Force):
    """Flags of `server cluster step-down`."""

    cluster: Annotated[str, opt("--cluster", help="Elect a server of this cluster")] = ""
    tags: Annotated[
        list[str], opt("--tags", help="Elect a server with this tag; may be repeated")
    ] = field(default_factory=list)
    host: Annotated[str, opt("--host", placeholder="NAME", help="Elect this server")] = ""

    def request(self) -> dict[str, Any]:
        """A request of the JetStream API."""
        wanted = {"cluster": self.cluster, "tags": self.tags, "preferred": self.host}
        placement = {name: value for name, value in wanted.items() if value}
        return {"placement": placement} if placement else {}


async def step_down(session: Session, chosen: StepDownOptions) -> None:
    """Have the leader of the meta group step down, and wait for the next one."""
    refuse_domain(session)
    group = await meta_group(session)
    peers = len(group.replicas) + 1
    log(f'Requesting leader step down of "{group.leader.name}" in a {peers} peer RAFT group')
    await session.js.request("META.LEADER.STEPDOWN", chosen.request())
    end = time.monotonic() + _ELECTION_S
    while time.monotonic() < end:
        await asyncio.sleep(_POLL_S)
        try:
            leader = (await meta_group(session)).leader.name
        except CliError:
            continue  # between two leaders
        if leader != group.leader.name:
            log(f'New leader elected "{leader}"')
            return
    raise CliError(f'"{group.leader.name}" is still the leader')
