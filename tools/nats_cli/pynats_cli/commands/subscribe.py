"""`pynats subscribe`: shows messages of subjects and streams."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.runner import run_async
from pynats_cli.signals import before_sigterm

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.messages.subscriber.flow import Flow
    from pynats_cli.messages.subscriber.quick import QuickView
    from pynats_cli.messages.subscriber.report import RateGraphs, SubjectReport


def subscribe(global_options: GlobalOptions, options: SubscribeOptions) -> None:
    """Show the messages of subjects, or of a stream.

    A stream is read when one of --stream, --durable, --all, --new, --last, --since,
    --start-sequence, --last-per-subject or --direct is given.
    """
    options.validate()
    run_async(_subscribe(global_options, options))


async def _subscribe(global_options: GlobalOptions, options: SubscribeOptions) -> None:
    from pynats_cli.connect.opening import open_session
    from pynats_cli.messages.subscriber.flow import Flow
    from pynats_cli.messages.subscriber.quick import QuickView, is_enough
    from pynats_cli.messages.subscriber.report import RateGraphs, SubjectReport
    from pynats_cli.messages.subscriber.view import MessageView

    async with open_session(global_options) as session:
        if options.inbox and not options.subjects:
            options = replace(options, subjects=[session.inbox])
        screen: SubjectReport | RateGraphs | None = None
        quick: QuickView | None = None
        drawing: asyncio.Task[None] | None = None
        if options.graph:
            screen = RateGraphs(options.subjects)
        elif options.reports:
            screen = SubjectReport(options, session.context.color_scheme)
        if screen is not None:
            flow = Flow(options, screen.take)
            drawing = asyncio.create_task(_draw(screen, flow))
        else:
            view = MessageView(options, global_options.trace)
            if not global_options.trace and is_enough(options):
                quick = QuickView(options)
            try:
                view.prepare()
            except OSError as error:
                raise CliError(f"cannot create {options.dump}: {error.strerror}") from None
            flow = Flow(options, view.show)
        try:
            with before_sigterm(partial(_draw_last, screen)) if options.reports else nullcontext():
                await _receive(session, options, flow, quick)
        except asyncio.CancelledError:
            _draw_last(screen)
            raise
        finally:
            flow.stop()
            if drawing is not None:
                drawing.cancel()
        _draw_last(screen)


def _draw_last(screen: SubjectReport | RateGraphs | None) -> None:
    """A report's result, once all messages are counted; a graph has none."""
    from pynats_cli.messages.subscriber.report import SubjectReport, draw

    if isinstance(screen, SubjectReport):
        draw(screen)


async def _draw(screen: SubjectReport | RateGraphs, flow: Flow) -> None:
    """Redraws until cancelled; an error while drawing ends receiving."""
    from pynats_cli.messages.subscriber.report import refresh

    try:
        await refresh(screen)
    except Exception as error:
        flow.fail(error)


async def _receive(
    session: Session, options: SubscribeOptions, flow: Flow, quick: QuickView | None
) -> None:
    flow.start()
    if options.from_stream:
        await _receive_stream(session, options, flow)
        return
    from pynats_cli.messages.subscriber.core import subscribe_core

    await subscribe_core(session, options, flow, quick)
    await flow.wait()


async def _receive_stream(session: Session, options: SubscribeOptions, flow: Flow) -> None:
    from pynats_cli.messages.subscriber.direct import receive_direct
    from pynats_cli.messages.subscriber.stream import receive_from_stream

    name = options.stream or await session.js.stream_for_subject(options.subjects[0])
    if not name:
        raise CliError(f"no stream found with subject: {options.subjects[0]}")
    info = await session.js.stream_info(name)
    # A consumer on these streams would take messages from the real consumers.
    shared = info["config"].get("retention") in ("workqueue", "interest")
    if options.durable or not (options.direct or shared):
        await receive_from_stream(session, options, name, flow)
        return
    if not info["config"].get("allow_direct"):
        raise CliError(
            f"cannot enable direct gets: allow_direct is not set to true for stream {name}"
        )
    await session.js.require_level(1, "subscribing using direct get requires NATS Server 2.11")
    await receive_direct(session, options, info, flow)
