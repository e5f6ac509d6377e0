"""`stream gaps`: runs of sequences without messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.streams.requests import gaps_of
from pynats_cli.pickers import pick_stream
from pynats_cli.screen import ask
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import note, show
from pynats_cli.screen.tables import Table

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

Gaps = list[tuple[int, int]]


@dataclass(kw_only=True)
class GapsOptions(StreamGroup, Force, Shown):
    stream: Annotated[str, arg("Stream to look at")] = ""
    progress: Annotated[
        bool, opt("--progress/--no-progress", help="Show progress", hidden=True)
    ] = True


async def gaps(session: Session, options: GapsOptions) -> None:
    """Pairs of the first and the last sequence of each gap."""
    name = await pick_stream(session, options.stream, options.all)
    state = (await session.js.stream_info(name))["state"]
    deleted = int(state.get("num_deleted") or 0)
    found: Gaps = []
    if deleted:
        if not options.force:
            note(f"The server will list all {thousands(deleted)} deleted messages of {name}.\n")
        if not ask.sure(options.force, "Really detect gaps", "nothing was done"):
            return
        found = await gaps_of(session.js, name)
    pairs = [list(pair) for pair in found]
    show(options, pairs, lambda: gaps_table(name, found))


def gaps_table(stream: str, found: Gaps) -> str:
    """A row for each gap."""
    if not found:
        return f"No deleted messages in {stream}"
    count = thousands(len(found))
    title = f"{count} gap{'s' if len(found) > 1 else ''} found in Stream {stream}"
    table = Table(title, ("First Message", "Last Message"))
    for first, last in found:
        table.add(first, last)
    return table.render()
