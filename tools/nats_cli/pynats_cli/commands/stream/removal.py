"""`stream rm`, `purge`, `rmm`, `seal`: what cannot be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.streams.create import update_stream
from pynats_cli.jetstream.streams.fields import shown_info, without_server_metadata
from pynats_cli.jetstream.streams.numbers import MESSAGE_ID
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import pick_stream, valid_stream_name
from pynats_cli.screen import ask
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class RemoveOptions(StreamGroup, Force):
    stream: Annotated[str, arg("Stream to remove")] = ""


async def rm(session: Session, options: RemoveOptions) -> None:
    """Removes a stream."""
    if options.force:
        if not options.stream:
            raise CliError("--force requires a stream name")
        name = valid_stream_name(options.stream)
    else:
        name = await pick_stream(session, options.stream, options.all)
        if not ask.sure(False, f"Really delete Stream {name}", "not removed"):
            return
    await session.js.request(f"STREAM.DELETE.{name}")


@dataclass(kw_only=True)
class PurgeOptions(StreamGroup, Force, Shown):
    stream: Annotated[str, arg("Stream to purge")] = ""
    subject: Annotated[
        str, opt("--subject", help="Only messages of this subject", placeholder="SUBJECT")
    ] = ""
    seq: Annotated[
        int | None, opt("--seq", help="Messages before this sequence", kind=UNSIGNED)
    ] = None
    keep: Annotated[int | None, opt("--keep", help="How many to keep", kind=UNSIGNED)] = None


async def purge(session: Session, options: PurgeOptions) -> None:
    """Removes messages and shows the state after that."""
    if options.seq and options.keep:
        raise CliError("sequence and keep cannot be combined when purging")
    name = await pick_stream(session, options.stream, options.all)
    if not ask.sure(options.force, f"Really purge Stream {name}", "nothing was purged"):
        return
    request: dict[str, Any] = {}
    if options.subject:
        request["filter"] = options.subject
    if options.seq:
        request["seq"] = options.seq
    if options.keep:
        request["keep"] = options.keep
    purged = (await session.js.request(f"STREAM.PURGE.{name}", request)).get("purged", 0)
    info = await session.js.stream_info(name)
    show(
        options,
        shown_info(info),
        lambda: (
            f"Purged {thousands(purged)} messages from {name}\n\n"
            + info_screen(info, state_only=True).render()
        ),
    )


@dataclass(kw_only=True)
class RemoveMessageOptions(StreamGroup, Force):
    stream: Annotated[str, arg("Stream that holds the message")] = ""
    id: Annotated[int | None, arg("Sequence of the message", kind=MESSAGE_ID)] = None


async def rmm(session: Session, options: RemoveMessageOptions) -> None:
    """Removes one message and overwrites it."""
    if options.force and not (options.stream and options.id is not None):
        raise CliError("--force requires a stream name and a message sequence")
    name = await pick_stream(session, options.stream, options.all)
    sequence = options.id
    if sequence is None or sequence == -1:
        answer = ask.ask("Message Sequence to remove", check=UNSIGNED.parse, missing="the sequence")
        sequence = int(UNSIGNED.parse(answer))
    question = f"Really remove message {sequence} from Stream {name}"
    if ask.sure(options.force, question, "not removed"):
        await session.js.request(f"STREAM.MSG.DELETE.{name}", {"seq": sequence})


@dataclass(kw_only=True)
class SealOptions(StreamGroup, Force, Shown):
    stream: Annotated[str, arg("Stream to seal")]


async def seal(session: Session, options: SealOptions) -> None:
    """Seals a stream and shows it."""
    name = await pick_stream(session, options.stream)
    question = f"Really seal Stream {name}, sealed streams can not be unsealed or modified"
    if not ask.sure(options.force, question, "not sealed"):
        return
    config = without_server_metadata((await session.js.stream_info(name))["config"])
    info = await update_stream(session, {**config, "sealed": True})
    show(options, shown_info(info), lambda: info_screen(info).render())
