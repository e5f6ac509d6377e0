"""`stream get` and `stream view`: reading what a stream holds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED, in_range
from pynats_common.go.times import format_time_ns

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown, Translate
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.streams.messages import StoredMessage
from pynats_cli.jetstream.streams.numbers import MESSAGE_ID
from pynats_cli.jetstream.streams.requests import get_message, messages_from
from pynats_cli.pickers import pick_stream
from pynats_cli.screen import ask
from pynats_cli.screen.output import log, show, write, write_body

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

PAGE_MAX = 25
AHEAD = 64
"""Requests that are on their way at once, where nobody turns pages."""


@dataclass(kw_only=True)
class GetOptions(StreamGroup, Shown):
    stream: Annotated[str, arg("Stream to read")] = ""
    id: Annotated[int, arg("Sequence of the message", kind=MESSAGE_ID)] = -1
    last_for: Annotated[
        str,
        opt("--last-for", "-S", help="The last message of this subject", placeholder="SUBJECT"),
    ] = ""
    translate: Translate = ""


async def get(session: Session, options: GetOptions) -> None:
    """One message, by its sequence or its subject."""
    name = await pick_stream(session, options.stream, options.all)
    request, what = _wanted(name, options)
    try:
        found = await get_message(session.js, name, request)
    except JsApiError as error:
        raise CliError(f"could not retrieve {what}: {error}") from None
    message = StoredMessage.of(found, name)
    if options.form != "table":
        show(options, _shown(found), str)
        return
    write_body(message.described(time.time_ns(), options.translate))


def _wanted(stream: str, options: GetOptions) -> tuple[dict[str, Any], str]:
    sequence, subject = options.id, options.last_for
    if subject and sequence != -1:
        raise CliError("a message sequence and --last-for cannot be combined")
    if not subject and sequence == -1:
        answer = ask.ask(
            "Message Sequence to retrieve", "-1", MESSAGE_ID.parse,
            missing="the sequence or --last-for",
        )  # fmt: skip
        sequence = int(MESSAGE_ID.parse(answer))
        if sequence == -1:
            subject = ask.ask("Subject to retrieve last message for", check=_needed)
    if subject:
        return {"last_by_subj": subject}, f"{stream} > {subject}"
    return {"seq": sequence}, f"{stream}#{sequence}"


def _needed(answer: str) -> None:
    if not answer:
        raise ValueError("a subject is needed")


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    order = ("subject", "seq", "hdrs", "data", "time")
    return {name: message[name] for name in order if name in message}


@dataclass(kw_only=True)
class ViewOptions(StreamGroup):
    stream: Annotated[str, arg("Stream to read")] = ""
    size: Annotated[
        int, arg(f"Messages of a page, at most {PAGE_MAX}", kind=in_range(UNSIGNED, 1))
    ] = 10
    id: Annotated[
        int | None, opt("--id", help="Start at this sequence", kind=UNSIGNED, placeholder="SEQ")
    ] = None
    since: Annotated[
        int | None, opt("--since", help="Start with messages not older than this", kind=DURATION)
    ] = None
    raw: Annotated[bool, opt("--raw", help="Only bodies")] = False
    subject: Annotated[
        str, opt("--subject", help="Only messages of this subject", placeholder="SUBJECT")
    ] = ">"
    translate: Translate = ""


async def view(session: Session, options: ViewOptions) -> None:
    """Messages in order: page by page at a terminal, without pauses into a pipe."""
    if options.id and options.since is not None:
        raise CliError("--id and --since cannot be combined")
    name = await pick_stream(session, options.stream, options.all)
    pages = ask.has_terminal()
    size, shown = min(options.size, PAGE_MAX), 0
    ahead = 1 if pages else AHEAD
    async for found in messages_from(session.js, name, _start(options), options.subject, ahead):
        full = pages and shown > 0 and shown % size == 0
        if full and not ask.confirm("Next Page?", default=True):
            return
        message = StoredMessage.of(found, name)
        if options.raw:
            write(message.raw_line(options.translate))
        else:
            write_body(message.brief(options.translate))
        shown += 1
    log("Reached apparent end of data")


def _start(options: ViewOptions) -> dict[str, Any]:
    if options.since is not None:
        return {"start_time": format_time_ns(time.time_ns() - options.since)}
    return {"seq": options.id or 1}
