"""`pynats server info`: one server in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg

from pynats_cli.commands.server.info_screen import info_screen
from pynats_cli.commands.server.options import Archived
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import show
from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import ask_one, data_of, first_answer


@dataclass(kw_only=True)
class InfoOptions(Archived, Shown):
    """Flags of `server info`."""

    server: Annotated[str, arg("Name or id of the server; by default the first that answers")] = ""


async def info(options: GlobalOptions, chosen: InfoOptions) -> None:
    """Show one server."""
    if chosen.archive:
        document = _archived(chosen.archive, chosen.server)
    else:
        from pynats_cli.connect.opening import open_session

        async with open_session(options) as session:
            document = (
                await ask_one(session, chosen.server, "VARZ")
                if chosen.server
                else await first_answer(session, "VARZ")
            )
    varz = data_of(document)
    show(chosen, varz, lambda: info_screen(varz).render())


def _archived(path: str, server: str) -> dict[str, Any]:
    with Archive(path) as archive:
        for document in archive.answers("VARZ"):
            said = document.get("server") or {}
            if server in ("", said.get("name"), said.get("id")):
                return document
    raise CliError(f'server "{server}" is not in {path}')
