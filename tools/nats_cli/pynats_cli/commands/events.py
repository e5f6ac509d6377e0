"""`pynats events`: advisories and metrics as they happen, or from the stream that keeps them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, SUBJECTS
from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.messages.subscriber.flow import Flow
from pynats_cli.messages.subscriber.messages import Received
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.messages.subscriber.stream import receive_from_stream
from pynats_cli.pickers import valid_stream_name
from pynats_cli.screen.human import local_time
from pynats_cli.screen.output import line, note
from pynats_cli.servers.events.choice import Source, chosen_sources, event_filter
from pynats_cli.servers.events.view import EventView


@dataclass(kw_only=True)
class EventsOptions:
    """Which events, and in which form."""

    all: Annotated[bool, opt("--all", "-a", help="All kinds of events")] = False
    json: Annotated[bool, opt("--json", "-j", help="One JSON object a line")] = False
    cloudevent: Annotated[bool, opt("--cloudevent", help="As CloudEvents 1.0")] = False
    short: Annotated[bool, opt("--short", help="One line for each")] = False
    filter: Annotated[
        str, opt("--filter", help="Only events whose text matches", placeholder="REGEX")
    ] = "."
    js_metric: Annotated[bool, opt("--js-metric", help="Metrics of JetStream")] = False
    js_advisory: Annotated[bool, opt("--js-advisory", help="Advisories of JetStream")] = False
    srv_advisory: Annotated[
        bool, opt("--srv-advisory/--no-srv-advisory", help="Advisories of servers")
    ] = True
    subjects: Annotated[
        list[str], opt("--subjects", help="Also events on these subjects", kind=SUBJECTS)
    ] = field(default_factory=list)
    stream: Annotated[
        str, opt("--stream", help="Only events that this stream keeps", placeholder="STREAM")
    ] = ""
    since: Annotated[
        int, opt("--since", help="How far back in the stream to start", kind=DURATION)
    ] = 0

    @property
    def form(self) -> str:
        """How events are shown; JSON before CloudEvents before short lines."""
        forms = (("json", self.json), ("cloudevent", self.cloudevent), ("short", self.short))
        return next((name for name, wanted in forms if wanted), "long")


async def events(session: Session, options: EventsOptions) -> None:
    """Show events until interrupted."""
    view = EventView(options.form, event_filter(options.filter), line, note)
    if options.stream:
        if options.all or options.js_metric or options.js_advisory or options.subjects:
            raise CliError("cannot specify both Stream and specific advisories or extra subjects")
        await _from_stream(session, options, view)
        return
    if options.since:
        raise CliError("--since needs --stream")
    sources = chosen_sources(
        advisories=options.js_advisory or options.all, metrics=options.js_metric or options.all,
        servers=options.srv_advisory or options.all, subjects=options.subjects,
        prefix=session.context.jetstream_event_prefix,
    )  # fmt: skip
    await _listen(session, sources, options, view)


async def _listen(
    session: Session, sources: list[Source], options: EventsOptions, view: EventView
) -> None:
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    for source in sources:
        await session.client.subscribe(source.subject, cb=arrived.put)
    await session.check()  # from now on nothing is missed
    if not options.json:
        for source in sources:
            note(source.announcement)
    while True:
        message = await arrived.get()
        view.take(message.data, message.subject)


async def _from_stream(session: Session, options: EventsOptions, view: EventView) -> None:
    stream = valid_stream_name(options.stream)
    try:
        await session.js.stream_info(stream)
    except JsApiError as error:
        if error.code == STREAM_NOT_FOUND:
            raise CliError(f"stream {quote(stream)} not found") from None
        raise
    if not options.json:
        start = local_time(format_time_ns(time.time_ns() - options.since))
        note(f"Listening for Events in stream {stream}{f' since {start}' if options.since else ''}")
    reading = SubscribeOptions(all=not options.since, since=options.since, raw=True)

    def take(message: Received, _number: int, _reply: Received | None) -> None:
        view.take(message.data, message.subject)

    await receive_from_stream(session, reading, stream, Flow(reading, take))
