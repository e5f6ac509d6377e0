"""`consumer find`: consumers that pass filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.consumer.options import OneStream
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.consumers.find import FindFlags, matching
from pynats_cli.jetstream.consumers.requests import listing
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class FindOptions(OneStream, FindFlags, Shown):
    """Which stream, and the filters."""

    api_level: Annotated[
        int, opt("--api-level", help="That need at least this API level", kind=UNSIGNED)
    ] = 0


async def find(session: Session, options: FindOptions) -> None:
    """Show the names of the consumers that pass all filters."""
    stream = await pick_stream(session, options.stream, everything=options.all)
    replicas = int((await session.js.stream_info(stream))["config"].get("num_replicas", 1))
    found = matching(
        (await listing(session, stream)).consumers, options, replicas, options.api_level
    )
    shown = [info["name"] for info in found] if options.form == "json" else found
    show(options, shown, lambda: "\n".join(str(info["name"]) for info in found))
