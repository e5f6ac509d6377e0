"""`consumer ls`: a stream's consumers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt

from pynats_cli.commands.consumer.options import NoSelect, OneStream
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.consumers.requests import Listing, listing
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.human import local_time, since
from pynats_cli.screen.output import line, note, show
from pynats_cli.screen.tables import Table


@dataclass(kw_only=True)
class LsOptions(OneStream, NoSelect, Shown):
    """Which stream, and how much of each consumer."""

    names: Annotated[bool, opt("--names", "-n", help="Show only names")] = False


async def ls(session: Session, options: LsOptions) -> None:
    """List the consumers of a stream."""
    if options.no_select and not options.stream:
        raise CliError("could not select Stream: no Stream name supplied")
    stream = await pick_stream(session, options.stream, everything=options.all)
    if options.names and options.form == "table":
        for name in await session.js.consumer_names(stream):
            line(name)
        return
    if options.form == "json":
        show(options, await session.js.consumer_names(stream), str)
        return
    found = await listing(session, stream)
    if not found.consumers and not found.missing and options.form == "table":
        note("No Consumers defined")
        return
    show(options, found.consumers, lambda: list_screen(found))


def list_screen(found: Listing) -> str:
    """The consumers, and below them those that could not be asked."""
    headers = ("Name", "Description", "Created", "Ack Pending", "Unprocessed", "Last Delivery")
    table = Table("Consumers", headers)
    now_ns = time.time_ns()
    for info in found.consumers:
        table.add(
            info["name"], info["config"].get("description", ""), local_time(info["created"]),
            int(info.get("num_ack_pending", 0)), int(info.get("num_pending", 0)),
            since(info.get("delivered", {}).get("last_active"), now_ns),
        )  # fmt: skip
    parts = [table.render()] if found.consumers else []
    if found.missing:
        missing = Table("Inaccessible Consumers", ("Consumer",))
        for name in sorted(found.missing):
            missing.add(name)
        parts.append(missing.render())
    if found.offline:
        offline = Table("Offline Consumers", ("Consumer", "Reason"))
        for name, reason in sorted(found.offline.items()):
            offline.add(name, reason)
        parts.append(offline.render())
    return "\n\n".join(parts)
