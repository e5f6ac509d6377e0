"""`pynats subscribe`: shows messages of subjects and streams."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from pynats_common.subjects import split_subjects

from pynats_cli.app import CONTEXT_SETTINGS, GlobalFlagsCommand, command_app
from pynats_cli.errors import CliError, UsageError
from pynats_cli.flags import TranslateFlag, duration_option
from pynats_cli.global_options import GlobalOptions
from pynats_cli.runner import run_async
from pynats_cli.subscriber.options import SubscribeOptions

if TYPE_CHECKING:
    from pynats_cli.connect.connection import Session
    from pynats_cli.subscriber.flow import Flow
    from pynats_cli.subscriber.report import RateGraphs, SubjectReport

app = command_app()
_U64_MAX = 2**64 - 1


@app.command(cls=GlobalFlagsCommand, context_settings=CONTEXT_SETTINGS)
def subscribe(
    ctx: typer.Context,
    subjects: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(help="Subjects to subscribe to."),
    ] = None,
    queue: Annotated[str, typer.Option(metavar="NAME", help="Queue group to join.")] = "",
    durable: Annotated[str, typer.Option(metavar="NAME", help="Durable consumer to use.")] = "",
    raw: Annotated[bool, typer.Option("--raw", "-r", help="Show bodies only.")] = False,
    translate: TranslateFlag = "",
    ack: Annotated[bool, typer.Option(help="Acknowledge JetStream messages.")] = False,
    match_replies: Annotated[
        bool, typer.Option("--match-replies", help="Show replies with their requests.")
    ] = False,
    inbox: Annotated[bool, typer.Option("--inbox", "-i", help="Listen on a new inbox.")] = False,
    count: Annotated[int, typer.Option(min=0, help="Quit after this many messages.")] = 0,
    dump: Annotated[
        str,
        typer.Option(metavar="DIRECTORY", help="A file for each message, - for stdout with NULs."),
    ] = "",
    headers_only: Annotated[bool, typer.Option("--headers-only", help="Show no bodies.")] = False,
    subjects_only: Annotated[
        bool, typer.Option("--subjects-only", help="Show subjects only.")
    ] = False,
    start_sequence: Annotated[
        int, typer.Option(min=0, max=_U64_MAX, help="First sequence of the stream to show.")
    ] = 0,
    deliver_all: Annotated[bool, typer.Option("--all", help="All messages of the stream.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Only messages to come.")] = False,
    last: Annotated[bool, typer.Option("--last", help="From the last message on.")] = False,
    since: Annotated[int, duration_option("--since", help="Messages of the last 1d3h5m2s.")] = 0,
    last_per_subject: Annotated[
        bool, typer.Option("--last-per-subject", help="The last message of each subject.")
    ] = False,
    terminate_at_end: Annotated[
        bool, typer.Option("--terminate-at-end", "-T", help="Quit at the end of the stream.")
    ] = False,
    stream: Annotated[str, typer.Option(metavar="STREAM", help="Stream to read from.")] = "",
    ignore_subject: Annotated[
        list[str],
        typer.Option("--ignore-subject", "-I", metavar="SUBJECT", help="Subjects to leave out."),
    ] = [],  # noqa: B006 - Typer copies defaults
    wait: Annotated[int, duration_option("--wait", help="Quit after this time of silence.")] = 0,
    report_subjects: Annotated[
        bool, typer.Option("--report-subjects", help="Table of the busiest subjects.")
    ] = False,
    report_subscriptions: Annotated[
        bool, typer.Option("--report-subscriptions", help="Table of the subscriptions' traffic.")
    ] = False,
    report_top: Annotated[int, typer.Option(help="Rows of the table.")] = 10,
    timestamp: Annotated[bool, typer.Option("--timestamp", "-t", help="Show times.")] = False,
    delta_time: Annotated[
        bool, typer.Option("--delta-time", "-d", help="Show time since the start.")
    ] = False,
    graph: Annotated[bool, typer.Option("--graph", help="Graph the message rate.")] = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="Read the stream by direct gets.")
    ] = False,
) -> None:
    """Show the messages of subjects, or of a stream.

    \b
    A stream is read when one of --stream, --durable, --all, --new, --last, --since,
    --start-sequence, --last-per-subject or --direct is given.
    """
    if not subjects and not stream and not inbox:
        raise UsageError("no subjects or --stream flag provided")
    options = SubscribeOptions(
        subjects=tuple(subjects or ()),
        queue=queue,
        durable=durable,
        raw=raw,
        translate=translate,
        ack=ack,
        match_replies=match_replies,
        inbox=inbox,
        count=count,
        dump=dump,
        headers_only=headers_only,
        subjects_only=subjects_only,
        start_sequence=start_sequence,
        all=deliver_all,
        new=new,
        last=last,
        since_ns=since,
        last_per_subject=last_per_subject,
        terminate_at_end=terminate_at_end,
        stream=stream,
        ignore=tuple(split_subjects(ignore_subject)),
        wait_ns=wait,
        report_subjects=report_subjects,
        report_subscriptions=report_subscriptions,
        report_top=report_top,
        timestamp=timestamp,
        delta_time=delta_time,
        graph=graph,
        direct=direct,
    )
    if min(since, wait) < 0:
        raise UsageError("durations must not be negative")
    options.validate()
    run_async(_subscribe(ctx.obj, options))


async def _subscribe(global_options: GlobalOptions, options: SubscribeOptions) -> None:
    from pynats_cli.connect.connection import open_session
    from pynats_cli.subscriber.flow import Flow
    from pynats_cli.subscriber.report import RateGraphs, SubjectReport
    from pynats_cli.subscriber.view import MessageView

    async with open_session(global_options) as session:
        if options.inbox and not options.subjects:
            options = replace(options, subjects=(session.inbox,))
        screen: SubjectReport | RateGraphs | None = None
        if options.graph:
            screen = RateGraphs(options.subjects)
        elif options.reports:
            screen = SubjectReport(options, session.context.color_scheme)
        if screen is not None:
            flow = Flow(options, screen.take)
            drawing = asyncio.create_task(_draw(screen, flow))
        else:
            view = MessageView(options, global_options.trace)
            try:
                view.prepare()
            except OSError as error:
                raise CliError(f"cannot create {options.dump}: {error.strerror}") from None
            flow, drawing = Flow(options, view.show), None
        try:
            await _receive(session, options, flow)
        finally:
            flow.stop()
            if drawing is not None:
                drawing.cancel()


async def _draw(screen: SubjectReport | RateGraphs, flow: Flow) -> None:
    """Redraws until cancelled; when that is impossible, there is nothing to receive for."""
    from pynats_cli.subscriber.report import refresh

    try:
        await refresh(screen)
    except Exception as error:
        flow.fail(error)


async def _receive(session: Session, options: SubscribeOptions, flow: Flow) -> None:
    flow.start()
    if options.from_stream:
        await _receive_stream(session, options, flow)
        return
    from pynats_cli.subscriber.core import subscribe_core

    await subscribe_core(session, options, flow)
    await flow.wait()


async def _receive_stream(session: Session, options: SubscribeOptions, flow: Flow) -> None:
    from pynats_cli.connect.jsapi import require_api_level, stream_for_subject, stream_info
    from pynats_cli.subscriber.direct import receive_direct
    from pynats_cli.subscriber.stream import receive_from_stream

    name = options.stream or await stream_for_subject(session, options.subjects[0])
    if not name:
        raise CliError(f"no stream found with subject: {options.subjects[0]}")
    info = await stream_info(session, name)
    # Consumers of these streams would compete with the real ones for the messages.
    shared = info["config"].get("retention") in ("workqueue", "interest")
    if options.durable or not (options.direct or shared):
        await receive_from_stream(session, options, name, flow)
        return
    if not info["config"].get("allow_direct"):
        raise CliError(
            f"cannot enable direct gets: allow_direct is not set to true for stream {name}"
        )
    await require_api_level(session, 1, "subscribing using direct get requires NATS Server 2.11")
    await receive_direct(session, options, info, flow)
