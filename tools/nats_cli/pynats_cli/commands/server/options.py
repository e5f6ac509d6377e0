"""Flags that commands about servers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.flags import Shown
from pynats_cli.servers.system.requests import ServerFilter

_WHICH = "Which servers"


@dataclass(kw_only=True)
class Archived:
    """Data from an archive instead of servers."""

    archive: Annotated[
        str,
        opt("--archive", placeholder="FILE", help="Read an archive of audit gather instead"),
    ] = ""


@dataclass(kw_only=True)
class Reversed:
    """Flags of every report, also before its name."""

    reverse: Annotated[bool, opt("--reverse", "-R", help="Sort the other way round")] = False


@dataclass(kw_only=True)
class ReportOptions(Reversed, Archived, Shown):
    """What every report about servers takes."""

    limit: Annotated[int, arg("How many servers to expect", UNSIGNED)] = 0
    host: Annotated[str, opt("--host", help="Only servers with this host", panel=_WHICH)] = ""
    cluster: Annotated[str, opt("--cluster", help="Only servers of this cluster", panel=_WHICH)] = (
        ""
    )
    tags: Annotated[
        list[str], opt("--tags", help="Only servers with this tag; may be repeated", panel=_WHICH)
    ] = field(default_factory=list)
    watch: Annotated[
        int, opt("--watch", kind=UNSIGNED, placeholder="SECONDS", help="Repeat this often")
    ] = 0

    @property
    def servers(self) -> ServerFilter:
        """Which servers are asked."""
        return ServerFilter(host=self.host, cluster=self.cluster, tags=self.tags)
