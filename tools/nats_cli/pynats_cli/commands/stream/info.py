"""`stream info`, `stream state`, `stream subjects`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import Choice

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.output import line, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class StateOptions(StreamGroup, Shown):
    stream: Annotated[str, arg("Stream to show")] = ""
    no_select: Annotated[bool, opt("--no-select", help="Never offer a menu of streams")] = False


@dataclass(kw_only=True)
class InfoOptions(StateOptions):
    only_state: Annotated[bool, opt("--state", help="Show only the state")] = False


async def info(session: Session, options: InfoOptions) -> None:
    """Configuration and state."""
    await _show(session, options, options.only_state)


async def state(session: Session, options: StateOptions) -> None:
    """State only."""
    await _show(session, options, state_only=True)


async def _show(session: Session, options: StateOptions, state_only: bool) -> None:
    if options.no_select and not options.stream:
        raise CliError("no Stream name supplied")
    name = await pick_stream(session, options.stream, options.all)
    answer = await session.js.stream_info(name)
    show(options, shown_info(answer), lambda: info_screen(answer, state_only).render())


@dataclass(kw_only=True)
class SubjectsOptions(StreamGroup, Shown):
    stream: Annotated[str, arg("Stream to ask")] = ""
    filter: Annotated[str, arg("Only subjects that match")] = ">"
    sort: Annotated[
        str,
        opt("--sort", help="Order of the table",
            kind=Choice("name", "subjects", "messages", "count")),
    ] = "messages"  # fmt: skip
    reverse: Annotated[bool, opt("--reverse", "-R", help="The other way round")] = False
    names: Annotated[bool | None, opt("--names/--no-names", help="Only the subjects")] = None


async def subjects(session: Session, options: SubjectsOptions) -> None:
    """Subjects with their numbers of messages."""
    from pynats_cli.jetstream.streams.requests import subject_counts
    from pynats_cli.jetstream.streams.tables import subjects_table

    name = await pick_stream(session, options.stream, options.all)
    counts = await subject_counts(session.js, name, options.filter)
    if options.names and options.form == "table":
        for subject in sorted(counts, reverse=options.reverse):
            line(subject)
        return
    show(
        options,
        sorted(counts) if options.names else counts,
        lambda: (
            subjects_table(counts, name, options.sort, options.reverse)
            if counts
            else f"No subjects found matching {options.filter}"
        ),
    )
