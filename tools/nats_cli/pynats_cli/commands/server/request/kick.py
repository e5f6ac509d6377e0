"""`pynats server request kick`: ends one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.server.request.options import RequestOptions
from pynats_cli.connect.session import Session
from pynats_cli.screen.forms import encoded
from pynats_cli.screen.output import write
from pynats_cli.servers.system.requests import data_of, directed, server_id


@dataclass(kw_only=True)
class KickOptions(RequestOptions):
    """Flags of `server request kick`."""

    client: Annotated[int, arg("Id of the client (cid)", UNSIGNED)]
    server: Annotated[str, arg("Id or name of its server")]


async def kick(session: Session, chosen: KickOptions) -> None:
    """Disconnect a client; it may connect again."""
    target = await server_id(session, chosen.server)
    document = await directed(session, target, "KICK", {"cid": chosen.client})
    data_of(document)
    write(encoded("json", document))
