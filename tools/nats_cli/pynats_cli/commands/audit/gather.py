"""`pynats audit gather`."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt

from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class GatherOptions:
    output: Annotated[
        str, opt("--output", "-o", placeholder="FILE", help="Where the archive goes")
    ] = ""
    progress: Annotated[
        bool, opt("--progress/--no-progress", help="Say what is being gathered")
    ] = True
    cluster: Annotated[str, opt("--cluster", help="Only servers of this cluster")] = ""
    server_endpoints: Annotated[
        bool,
        opt("--server-endpoints/--no-server-endpoints", help="What each server says of itself"),
    ] = True
    server_profiles: Annotated[
        bool, opt("--server-profiles/--no-server-profiles", help="Profiles of each server")
    ] = True
    account_endpoints: Annotated[
        bool,
        opt("--account-endpoints/--no-account-endpoints", help="What servers say of accounts"),
    ] = True
    streams: Annotated[bool, opt("--streams/--no-streams", help="The streams of accounts")] = True
    consumers: Annotated[
        bool, opt("--consumers/--no-consumers", help="The consumers of the streams")
    ] = True
    details: Annotated[
        bool, opt("--details/--no-details", help="Keep who gathered, and through which server")
    ] = True


async def gather(session: Session, options: GatherOptions) -> None:
    """Asks every server, and writes the archive when all have been asked."""
    from pynats_cli.servers.audit.gathering import Gathering, Wanted
    from pynats_cli.servers.audit.writing import ArchiveWriter

    wanted = Wanted(
        cluster=options.cluster, server_endpoints=options.server_endpoints,
        server_profiles=options.server_profiles, account_endpoints=options.account_endpoints,
        streams=options.streams, consumers=options.consumers, details=options.details,
    )  # fmt: skip
    path = Path(options.output) if options.output else _default_path()
    with ArchiveWriter(path) as archive:
        say = log if options.progress else _silent
        await Gathering(session, archive, wanted, say).run()
    log(f"Archive created at: {path}")


def _default_path() -> Path:
    return Path(tempfile.gettempdir()) / f"audit-archive-{int(time.time())}.zip"


def _silent(_: str) -> None:
    """With --no-progress the lines are in the archive only."""
