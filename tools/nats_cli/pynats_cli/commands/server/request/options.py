"""Flags of every request to servers, also before its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.server.options import Archived
from pynats_cli.servers.system.requests import ServerFilter

_WHICH = "Which servers"


@dataclass(kw_only=True)
class RequestOptions:
    """Paging, and which servers are asked."""

    limit: Annotated[int, opt("--limit", kind=UNSIGNED, help="Most records of a server")] = 2048
    offset: Annotated[int, opt("--offset", kind=UNSIGNED, help="First record")] = 0
    name: Annotated[str, opt("--name", help="Only the server of this name", panel=_WHICH)] = ""
    host: Annotated[str, opt("--host", help="Only servers with this host", panel=_WHICH)] = ""
    cluster: Annotated[str, opt("--cluster", help="Only servers of this cluster", panel=_WHICH)] = (
        ""
    )
    tags: Annotated[
        list[str], opt("--tags", help="Only servers with this tag; may be repeated", panel=_WHICH)
    ] = field(default_factory=list)

    @property
    def servers(self) -> ServerFilter:
        """Which servers are asked."""
        return ServerFilter(name=self.name, host=self.host, cluster=self.cluster, tags=self.tags)


@dataclass(kw_only=True)
class WaitOptions(RequestOptions, Archived):
    """Of a request to all servers."""

    wait: Annotated[int, arg("How many answers to wait for", UNSIGNED)] = 0
