"""`pynats subscribe`: shows messages of subjects and streams."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import typer
from pynats_common.subjects import split_subjects

from pynats_cli.app import CONTEXT_SETTINGS, GlobalFlagsCommand, command_app
from pynats_cli.errors import CliError
from pynats_cli.flags import TranslateFlag
from pynats_cli.global_options import GlobalOptions
from pynats_cli.runner import run_async
from pynats_cli.subscriber import flags
from pynats_cli.subscriber.options import SubscribeOptions

if TYPE_CHECKING:
    from pynats_cli.connect.connection import Session
    from pynats_cli.subscriber.flow import Flow
    from pynats_cli.subscriber.report import RateGraphs, SubjectReport

app = command_app()


@app.command(cls=GlobalFlagsCommand, context_settings=CONTEXT_SETTINGS)
def subscribe(
    ctx: typer.Context,
    subjects: flags.Subjects = None,
    queue: flags.Queue = "",
    durable: flags.Durable = "",
    raw: flags.Raw = False,
    translate: TranslateFlag = "",
    ack: flags.Ack = False,
    match_replies: flags.MatchReplies = False,
    inbox: flags.Inbox = False,
    count: flags.Count = 0,
    dump: flags.Dump = "",
    headers_only: flags.HeadersOnly = False,
    subjects_only: flags.SubjectsOnly = False,
    start_sequence: flags.StartSequence = 0,
    deliver_all: flags.All = False,
    new: flags.New = False,
    last: flags.Last = False,
    since: flags.Since = 0,
    last_per_subject: flags.LastPerSubject = False,
    terminate_at_end: flags.TerminateAtEnd = False,
    stream: flags.Stream = "",
    ignore_subject: flags.IgnoreSubject = [],  # noqa: B006 - Typer copies defaults
    wait: flags.Wait = 0,
    report_subjects: flags.ReportSubjects = False,
    report_subscriptions: flags.ReportSubscriptions = False,
    report_top: flags.ReportTop = 10,
    timestamp: flags.Timestamp = False,
    delta_time: flags.DeltaTime = False,
    graph: flags.Graph = False,
    direct: flags.Direct = False,
) -> None:
    """Show the messages of subjects, or of a stream.

    \b
    A stream is read when one of --stream, --durable, --all, --new, --last, --since,
    --start-sequence, --last-per-subject or --direct is given.
    """
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
    """Redraws until cancelled; an error while drawing ends receiving."""
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
    # A consumer on these streams would take messages from the real consumers.
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
