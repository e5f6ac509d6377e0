"""`pynats publish`: core messages, JetStream messages, schedules and atomic batches."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote

from pynats_cli.app import CONTEXT_SETTINGS, GlobalFlagsCommand, command_app
from pynats_cli.errors import CliError
from pynats_cli.flags import (
    TEMPLATE_HELP,
    ForceStdin,
    HeaderFlag,
    SendOn,
    SendOnFlag,
    TemplatesFlag,
    duration_option,
)
from pynats_cli.global_options import GlobalOptions
from pynats_cli.publisher.schedules import Schedule
from pynats_cli.publisher.source import PROGRESS_ABOVE, MessageSource, progress
from pynats_cli.runner import run_async
from pynats_cli.screen.output import log
from pynats_cli.template.messages import parse_headers, unique_id

if TYPE_CHECKING:
    from pynats_cli.connect.connection import Session

CHECK_EVERY = 500
"""Messages between two round trips when publishing many without a pause."""

app = command_app()


@dataclass(frozen=True)
class PublishOptions:
    """Flags of `publish`; times in nanoseconds."""

    reply: str
    headers: tuple[str, ...]
    count: int
    sleep_ns: int
    quiet: bool

    @property
    def bar(self) -> bool:
        """True when a progress bar replaces the lines."""
        return self.count > PROGRESS_ABOVE and not self.quiet

    def say(self, text: str) -> None:
        if not self.quiet and not self.bar:
            log(text)


@app.command(cls=GlobalFlagsCommand, context_settings=CONTEXT_SETTINGS)
def publish(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="Subject to publish to.")],
    body: Annotated[Optional[str], typer.Argument(help="Message body.")] = None,  # noqa: UP045
    reply: Annotated[str, typer.Option(metavar="SUBJECT", help="Reply subject.")] = "",
    header: HeaderFlag = [],  # noqa: B006 - Typer copies defaults
    atomic: Annotated[
        bool, typer.Option("--atomic", help="One atomic batch to JetStream.")
    ] = False,
    count: Annotated[int, typer.Option(help="Publish this many messages.")] = 1,
    force_stdin: ForceStdin = False,
    jetstream: Annotated[
        bool, typer.Option("--jetstream", "-J", help="Wait for the stream's acknowledgement.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
    schedule_after: Annotated[
        Optional[int],  # noqa: UP045
        duration_option("--schedule-after", help="Schedule after this time."),
    ] = None,
    schedule_at: Annotated[str, typer.Option(metavar="TIME", help="Schedule at a time.")] = "",
    schedule_cron: Annotated[str, typer.Option(metavar="CRON", help="Cron schedule.")] = "",
    schedule_dest: Annotated[
        str, typer.Option(metavar="SUBJECT", help="Subject that the schedule publishes to.")
    ] = "",
    schedule_every: Annotated[
        Optional[int],  # noqa: UP045
        duration_option("--schedule-every", help="Schedule at an interval."),
    ] = None,
    schedule_source: Annotated[
        str, typer.Option(metavar="SUBJECT", help="Subject the schedule reads.")
    ] = "",
    schedule_ttl: Annotated[
        int, duration_option("--schedule-ttl", help="Life of scheduled messages.")
    ] = 0,
    send_on: SendOnFlag = SendOn.EOF,
    sleep: Annotated[int, duration_option("--sleep", help="Pause between messages.")] = 0,
    templates: TemplatesFlag = True,
) -> None:
    parse_headers(header, 1)  # reports mistakes before connecting
    options = PublishOptions(reply, tuple(header), max(count, 1), sleep, quiet)
    schedule = Schedule(
        schedule_after,
        schedule_at,
        schedule_cron,
        schedule_dest,
        schedule_every,
        schedule_source,
        schedule_ttl,
    )
    if schedule:
        schedule.validate()
    source = MessageSource(subject, body, force_stdin, send_on, templates)
    if atomic and schedule:
        raise CliError("atomic batch publishing does not support schedules")
    if atomic and not (source.uses_stdin and send_on is SendOn.NEWLINE):
        raise CliError(
            "atomic batch publishing requires JetStream and STDIN with --send-on=newline"
        )
    run_async(_publish(ctx.obj, source, options, schedule, jetstream or bool(schedule), atomic))


publish.__doc__ = "Publish messages to a subject." + TEMPLATE_HELP


async def _publish(
    global_options: GlobalOptions,
    source: MessageSource,
    options: PublishOptions,
    schedule: Schedule,
    jetstream: bool,
    atomic: bool,
) -> None:
    from pynats_cli.connect.connection import open_session

    async with open_session(global_options) as session:
        if source.uses_stdin and not options.quiet:
            log("Reading payload from STDIN")
        if atomic:
            await _publish_batch(session, source, options)
            return
        async for body in source.bodies():
            with progress(options.count, options.bar) as advance:
                if jetstream:
                    await _to_stream(session, source, body, options, schedule, advance)
                else:
                    await _core(session, source, body, options, advance)


async def _core(
    session: Session,
    source: MessageSource,
    body: str,
    options: PublishOptions,
    advance: object,
) -> None:
    from pynats_cli.connect.connection import Headers

    assert callable(advance)
    for number in range(1, options.count + 1):
        data, subject = source.expand(body, number)
        headers = parse_headers(options.headers, number)
        await session.client.publish(
            subject, data, reply=options.reply, headers=Headers(headers) if headers else None
        )
        paced = options.sleep_ns > 0 or options.count <= PROGRESS_ABOVE
        if paced or number % CHECK_EVERY == 0 or number == options.count:
            await session.check()
        options.say(f"Published {len(data)} bytes to {quote(subject)}")
        advance()
        if options.count > 1 and options.sleep_ns > 0:
            await asyncio.sleep(options.sleep_ns / SECOND_NS)


async def _to_stream(
    session: Session,
    source: MessageSource,
    body: str,
    options: PublishOptions,
    schedule: Schedule,
    advance: object,
) -> None:
    from pynats_cli.connect.jsapi import js_publish

    assert callable(advance)
    for number in range(1, options.count + 1):
        started = time.monotonic()
        data, subject = source.expand(body, number)
        headers = parse_headers(options.headers, number)
        if schedule:
            headers += schedule.headers()
        options.say(f"Published {len(data)} bytes to {quote(subject)}")
        ack = await js_publish(session, subject, data, headers)
        options.say(ack.describe())
        advance()
        if options.count > 1 and options.sleep_ns > 0:
            spent = time.monotonic() - started
            await asyncio.sleep(max(options.sleep_ns / SECOND_NS - spent, 0))


async def _publish_batch(session: Session, source: MessageSource, options: PublishOptions) -> None:
    """Publishes standard input as one batch: all messages become visible, or none."""
    from pynats_cli.connect.jsapi import require_api_level, stream_for_subject, stream_info

    reason = "Atomic Batch Publishing requires NATS Server 2.12"
    await require_api_level(session, 2, reason)
    pending: list[tuple[str, bytes, list[tuple[str, str]]]] = []
    async for body in source.bodies():
        for number in range(1, options.count + 1):
            data, subject = source.expand(body, number)
            pending.append((subject, data, parse_headers(options.headers, number)))
            if not options.quiet:
                log(f"Adding {len(data)} bytes to batch on subject {quote(subject)}")
    if not pending:
        raise CliError("no messages to publish in atomic batch")
    stream = await stream_for_subject(session, pending[0][0])
    if not stream:
        raise CliError(f"no stream found with subject: {pending[0][0]}")
    info = await stream_info(session, stream)
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
    from pynats_cli.connect.connection import Headers
    from pynats_cli.connect.jsapi import parse_pub_ack, request_raw

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
