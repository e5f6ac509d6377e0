"""Running a benchmark: its clients work in threads; what it has done is told at the end, after an
interrupt or an error, too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pynats_cli.commands.bench.bars import PERIOD_S, Bars
from pynats_cli.commands.bench.lines import check_csv, csv_text, result_lines, save_csv
from pynats_cli.commands.bench.options import BenchOptions
from pynats_cli.commands.bench.plan import Plan
from pynats_cli.commands.bench.plots.flag import check as check_plot
from pynats_cli.commands.bench.plots.flag import show as show_plot
from pynats_cli.commands.bench.results import Outcome
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, log, show
from pynats_cli.signals import StopEvent, stop_event

if TYPE_CHECKING:
    from pynats_bench.clients.bench import Bench
    from pynats_bench.clients.model import Target

    from pynats_cli.connect.session import Session

Result = TypeVar("Result")
Making = Callable[["Session"], Awaitable["Bench"]]


class Stage(Protocol):
    """Where a benchmark runs together with others, instead of alone."""

    async def take(self, make: Making) -> None: ...


STAGE: ContextVar[Stage | None] = ContextVar("STAGE", default=None)
"""Set where a benchmark is one of several."""


async def measure(
    global_options: GlobalOptions, options: BenchOptions, plan: Plan, make: Making
) -> int | None:
    """Connects, lets `make` prepare the server and say what runs, runs it, prints the figures.
    The exit code. Raises CliError."""
    from pynats_cli.connect.opening import open_session

    refuse_other_systems()
    stage = STAGE.get()
    if stage is not None:
        await stage.take(make)
        return None
    check_plot(options, options.structured)
    check_csv(options.csv)
    over_time = bool(options.plot) or options.structured
    async with open_session(global_options) as session:
        log(plan.banner())
        bench = await make(session)
        with stop_event() as stopped:
            outcome = await run(bench, plan, stopped, options.progress, over_time)
    report(outcome, options)
    if outcome.error:
        raise CliError(outcome.error)
    return stopped.code or None


def target_of(session: Session) -> Target:
    """Where the clients of a benchmark connect: as the session did."""
    from pynats_cli.connect.benchclients import target

    return target(session)


def refuse_other_systems() -> None:
    """Raises CliError where clients cannot run."""
    try:
        from pynats_bench.clients import bench  # noqa: F401
    except ImportError:
        raise CliError("bench needs Linux, and the compiled modules of pynats") from None


async def run(
    bench: Bench, plan: Plan, stopped: StopEvent, progress: bool, over_time: bool = False
) -> Outcome:
    """Runs it to its end, or until `stopped`; `over_time` takes samples meanwhile."""
    from pynats_bench.clients.timeline import Sampler
    from pynats_bench.model import LoadError
    from pynats_common.ids.nuid import new_nuid

    outcome = Outcome(plan, new_nuid(), [])
    bars = Bars(plan, progress)
    waiting = asyncio.create_task(stopped.wait())
    try:
        await _unless(waiting, in_thread(bench.__enter__))
        if stopped.is_set():  # nobody waits for connections that are on their way
            outcome.interrupted = True
            return outcome
        for text in plan.starts():  # now others may begin: everybody has subscribed
            log(text)
        sampler = Sampler(bench)
        try:
            with sampler if over_time else nullcontext():
                await _running(bench, waiting, bars)
        finally:
            outcome.timeline = sampler.timeline() if over_time else None
            outcome.shares = bench.shares()
            outcome.warnings = list(bench.warnings)
            bench.__exit__(None, None, None)
    except LoadError as error:
        outcome.error = str(error)
    finally:
        waiting.cancel()
    outcome.interrupted = stopped.is_set()
    return outcome


async def _running(bench: Bench, waiting: asyncio.Task[bool], bars: Bars) -> None:
    running = in_thread(bench.run)
    period = PERIOD_S if bars.shown else None
    try:
        while not running.done() and not waiting.done():
            both: set[asyncio.Future[Any]] = {running, waiting}
            await asyncio.wait(both, timeout=period, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():  # after `^C` they would be drawn a line too low
                bars.draw(bench.progress())
    finally:
        bench.stop()
        await asyncio.wait({running})
    running.result()


async def _unless(waiting: asyncio.Task[bool], work: asyncio.Future[Result]) -> None:
    """Waits for the one or the other, and raises what the work has raised."""
    both: set[asyncio.Future[Any]] = {waiting, work}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()


def in_thread(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Runs in a thread that the program's end does not wait for: servers may keep clients waiting
    long."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not future.done():
            act()

    def go() -> None:
        try:
            result = work()
        except BaseException as error:
            failure = error
            act = lambda: settle(lambda: future.set_exception(failure))  # noqa: E731
        else:
            act = lambda: settle(lambda: future.set_result(result))  # noqa: E731
        try:
            loop.call_soon_threadsafe(act)
        except RuntimeError:  # the loop has ended
            pass

    threading.Thread(target=go, daemon=True, name="bench").start()
    return future


def report(outcome: Outcome, options: BenchOptions) -> None:
    """Prints the figures and writes the file. Raises CliError."""
    for text in outcome.warnings:
        log(f"WARNING: {text}")
    lines = result_lines(outcome)
    if options.structured:
        show(options, outcome.to_json(), str)
    elif lines:
        line("\n".join(lines))
    elif not outcome.error:
        log("Nothing to report: no messages yet")
    if options.csv and lines:
        save_csv(options.csv, csv_text(outcome), options.structured)
    if outcome.timeline is not None and lines:
        show_plot(options, outcome.timeline, outcome.plan.title())
