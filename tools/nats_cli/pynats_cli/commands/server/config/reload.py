"""`pynats server config reload`: a server reads its configuration again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.server.info_screen import info_screen
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import show
from pynats_cli.servers.system.requests import ask_one, data_of, directed


@dataclass(kw_only=True)
class ReloadOptions(Shown):
    """Flags of `server config reload`."""

    id: Annotated[str, arg("Id or name of the server")]
    force: Annotated[bool, opt("--force/--no-force", "-f", help="Act without asking")] = False


async def reload(session: Session, chosen: ReloadOptions) -> None:
    """Have a server read its configuration again, and show the server."""
    varz = data_of(await ask_one(session, chosen.id, "VARZ"))
    server_id = str(varz["server_id"])
    question = (
        f"Really reload configuration for {varz.get('server_name')} ({server_id}) "
        f"on {varz.get('host')}"
    )
    if not sure(chosen.force, question, "not reloaded"):
        return
    data_of(await directed(session, server_id, "RELOAD", {}))
    varz = data_of(await ask_one(session, server_id, "VARZ"))
    show(chosen, varz, lambda: info_screen(varz).render())
