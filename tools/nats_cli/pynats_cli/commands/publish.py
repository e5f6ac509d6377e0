"""`pynats publish`: core messages, JetStream messages, schedules and atomic batches."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.flags import TEMPLATE_HELP, Input, WithHeaders
from pynats_cli.global_options import GlobalOptions
from pynats_cli.messages.publisher.schedules import Schedule
from pynats_cli.messages.publisher.source import PROGRESS_ABOVE, MessageSource
from pynats_cli.runner import run_async
from pynats_cli.screen.output import log
from pynats_cli.screen.progress import bar
from pynats_cli.template.messages import parse_headers, unique_id

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


_STREAM, _SCHEDULE = "JetStream", "Schedules"


@dataclass(kw_only=True)
class PublishOptions(Input, WithHeaders):
    """Flags of `publish`; times in nanoseconds."""

    subject: Annotated[str, arg("Subject to publish to")]
    body: Annotated[str | None, arg("Message body")] = None
    reply: Annotated[str, opt("--reply", placeholder="SUBJECT", help="Reply subject")] = ""
    count: Annotated[int, opt("--count", help="Publish this many messages")] = 1
    sleep: Annotated[int, opt("--sleep", kind=DURATION, help="Pause between messages")] = 0
    jitter: Annotated[
        int,
        opt("--jitter", kind=DURATION, help="Random pause up to this time, besides --sleep"),
    ] = 0
    quiet: Annotated[bool, opt("--quiet", "-q", help="Print nothing")] = False
    jetstream: Annotated[
        bool, opt("--jetstream", "-J", help="Wait for the stream's acknowledgement", panel=_STREAM)
    ] = False
    atomic: Annotated[
        bool, opt("--atomic", help="One atomic batch to JetStream", panel=_STREAM)
    ] = False
    schedule_after: Annotated[
        int | None,
        opt("--schedule-after", kind=DURATION, help="Schedule after this time", panel=_SCHEDULE),
    ] = None
    schedule_at: Annotated[
        str,
        opt("--schedule-at", placeholder="TIME", help="Schedule at a time", panel=_SCHEDULE),
    ] = ""
    schedule_cron: Annotated[
        str, opt("--schedule-cron", placeholder="CRON", help="Cron schedule", panel=_SCHEDULE)
    ] = ""
    schedule_dest: Annotated[
        str,
        opt(
            "--schedule-dest",
            placeholder="SUBJECT",
            help="Subject that the schedule publishes to",
            panel=_SCHEDULE,
        ),
    ] = ""
    schedule_every: Annotated[
        int | None,
        opt("--schedule-every", kind=DURATION, help="Schedule at an interval", panel=_SCHEDULE),
    ] = None
    schedule_source: Annotated[
        str,
        opt(
            "--schedule-source",
            placeholder="SUBJECT",
            help="Subject the schedule reads",
            panel=_SCHEDULE,
        ),
    ] = ""
    schedule_ttl: Annotated[
        int,
        opt("--schedule-ttl", kind=DURATION, help="Life of scheduled messages", panel=_SCHEDULE),
    ] = 0

    @property
    def bar(self) -> bool:
        """True when a progress bar replaces the lines."""
        return self.count > PROGRESS_ABOVE and not self.quiet

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            self.schedule_after,
            self.schedule_at,
            self.schedule_cron,
            self.schedule_dest,
            self.schedule_every,
            self.schedule_source,
            self.schedule_ttl,
        )

    @property
    def paced(self) -> bool:
        """True when there are pauses between messages."""
        return self.count > 1 and (self.sleep > 0 or self.jitter > 0)

    async def pause(self, spent_s: float = 0.0) -> None:
        """The pause after a message; `spent_s` counts towards it."""
        if self.paced:
            pause_s = (self.sleep + random.uniform(0, self.jitter)) / SECOND_NS
            await asyncio.sleep(max(pause_s - spent_s, 0))

    def say(self, text: str) -> None:
        if not self.quiet and not self.bar:
            log(text)


def publish(global_options: GlobalOptions, options: PublishOptions) -> None:
    parse_headers(options.header, 1)  # reports mistakes before connecting
    if options.count < 1:
        raise CliError("--count: must be at least 1")
    schedule = options.schedule
    if schedule:
        schedule.validate()
    source = MessageSource.of(options.subject, options.body, options)
    if options.atomic and schedule:
        raise CliError("atomic batch publishing does not support schedules")
    if options.atomic and not (source.uses_stdin and options.send_on == "newline"):
        raise CliError(
            "atomic batch publishing requires JetStream and STDIN with --send-on=newline"
        )
    jetstream = options.jetstream or bool(schedule)
    run_async(_publish(global_options, source, options, schedule, jetstream))


publish.__doc__ = "Publish messages to a subject." + TEMPLATE_HELP


async def _publish(
    global_options: GlobalOptions,
    source: MessageSource,
    options: PublishOptions,
    schedule: Schedule,
    jetstream: bool,
) -> None:
    from pynats_cli.connect.opening import open_session

    async with open_session(global_options) as session:
        if source.uses_stdin and not options.quiet:
            log("Reading payload from STDIN")
        if options.atomic:
            await _publish_batch(session, source, options)
            return
        async for body in source.bodies():
            with bar(options.count, shown=options.bar) as advance:
                if jetstream:
                    await _to_stream(session, source, body, options, schedule, advance)
                else:
                    await _core(session, source, body, options, advance)


async def _core(
    session: Session,
    source: MessageSource,
    body: str,
    options: PublishOptions,
    advance: Callable[[int], None],
) -> None:
    if options.bar and not options.paced:
        await _core_in_blocks(session, source, body, options, advance)
        return
    from pynats_cli.connect.headers import Headers

    for number in range(1, options.count + 1):
        data, subject = source.expand(body, number)
        headers = parse_headers(options.header, number)
        await session.client.publish(
            subject, data, reply=options.reply, headers=Headers(headers) if headers else None
        )
        await session.check()
        options.say(f"Published {len(data)} bytes to {quote(subject)}")
        advance(1)
        await options.pause()


async def _core_in_blocks(
    session: Session,
    source: MessageSource,
    body: str,
    options: PublishOptions,
    advance: Callable[[int], None],
) -> None:
    """Sends many messages in few writes."""
    from pynats_cli.messages.publisher.blocks import Blocks

    blocks = Blocks(session, source, options.header, options.reply, body)
    done = 0
    while done < options.count:
        done += (sent := await blocks.send(done + 1, options.count - done))
        advance(sent)
    await session.check()


async def _to_stream(
    session: Session,
    source: MessageSource,
    body: str,
    options: PublishOptions,
    schedule: Schedule,
    advance: Callable[[int], None],
) -> None:
    from pynats_cli.jetstream.acks import js_publish

    for number in range(1, options.count + 1):
        started = time.monotonic()
        data, subject = source.expand(body, number)
        headers = parse_headers(options.header, number)
        if schedule:
            headers = schedule.added_to(headers)
        ack = await js_publish(session, subject, data, headers)
        options.say(f"Published {len(data)} bytes to {quote(subject)}")
        options.say(ack.describe())
        advance(1)
        await options.pause(time.monotonic() - started)


async def _publish_batch(session: Session, source: MessageSource, options: PublishOptions) -> None:
    """Publishes standard input as one batch: all messages become visible, or none."""
    reason = "Atomic Batch Publishing requires NATS Server 2.12"
    await session.js.require_level(2, reason)
    pending: list[tuple[str, bytes, list[tuple[str, str]]]] = []
    async for body in source.bodies():
        for number in range(1, options.count + 1):
            data, subject = source.expand(body, number)
            pending.append((subject, data, parse_headers(options.header, number)))
            if not options.quiet:
                log(f"Adding {len(data)} bytes to batch on subject {quote(subject)}")
    if not pending:
        raise CliError("no messages to publish in atomic batch")
    stream = await session.js.stream_for_subject(pending[0][0])
    if not stream:
        raise CliError(f"no stream found with subject: {pending[0][0]}")
    info = await session.js.stream_info(stream)
    if not info["config"].get("allow_atomic"):
        raise CliError(
            f"atomic publishing is not allowed for stream {stream} with subject {source.subject}"
        )
    await _send_batch(session, pending, options)


async def _send_batch(
    session: Session,
    pending: list[tuple[str, bytes, list[tuple[str, str]]]],
    options: PublishOptions,
) -> None:
    from pynats_cli.connect.headers import Headers
    from pynats_cli.jetstream.acks import parse_pub_ack, request_raw

    batch = unique_id()
    for sequence, (subject, data, headers) in enumerate(pending, start=1):
        last = sequence == len(pending)
        own = [("Nats-Batch-Id", batch), ("Nats-Batch-Sequence", str(sequence))]
        if last:
            own.append(("Nats-Batch-Commit", "1"))
        if last:
            ack = parse_pub_ack(await request_raw(session, subject, data, headers + own))
        elif sequence == 1:
            # The first answer is empty unless the server refuses the batch.
            answer = await request_raw(session, subject, data, headers + own)
            if answer:
                parse_pub_ack(answer)
        else:
            await session.client.publish(subject, data, headers=Headers(headers + own))
    if not options.quiet:
        log(ack.describe_batch())
