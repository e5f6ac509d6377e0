"""`pynats bench compare`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import FLOAT, UNSIGNED, Kind, in_range

from pynats_cli.commands.bench.comparing.workload import Workload, read_workload
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import log, show

if TYPE_CHECKING:
    from pynats_bench.judging.contest import Round

    from pynats_cli.commands.bench.comparing.screens import Comparison
    from pynats_cli.commands.bench.comparing.sides import Side
    from pynats_cli.signals import StopEvent

ROUNDS_MAX = 1_000


def _ratio(text: str) -> float:
    value: float = FLOAT.parse(text)
    if not 0 < value < float("inf"):
        raise ValueError(f"must be a ratio above 0, got {text}")
    return value


RATIO = Kind("RATIO", _ratio)


@dataclass(kw_only=True)
class CompareOptions(Shown):
    """What is compared, and how often."""

    a: Annotated[str, arg("A context or server", placeholder="A")]
    b: Annotated[str, arg("Another one", placeholder="B")]
    workload: Annotated[
        list[str], arg("What to run: a command line of pynats bench",
                       placeholder="workload", behind=True)
    ]  # fmt: skip
    rounds: Annotated[
        int,
        opt(
            "--rounds",
            kind=in_range(UNSIGNED, 1, ROUNDS_MAX),
            help="Runs on each side",
        ),
    ] = 7
    warm_up: Annotated[
        int, opt("--warm-up", kind=in_range(UNSIGNED, 0, ROUNDS_MAX),
                 help="Rounds before those, which do not count")
    ] = 1  # fmt: skip
    beside: Annotated[
        list[str], opt("--with", placeholder="WORKLOAD",
                       help="Run this beside it: 'sub foo --msgs 1M'; may be repeated")
    ] = field(default_factory=list)  # fmt: skip
    fail_below: Annotated[
        float | None, opt("--fail-below", kind=RATIO,
                          help="Exit code 1 when A's rate is less than so much of B's")
    ] = None  # fmt: skip
    csv: Annotated[
        str, opt("--csv", placeholder="FILE", help="Write the figures of each run to a file",
                 panel="Output")
    ] = ""  # fmt: skip


async def compare(global_options: GlobalOptions, options: CompareOptions) -> int | None:
    """Run the same load on two servers in turn, and say which is faster and how sure that is.

    A and B are contexts or servers; flags for the login are for both. They take turns A B, B A,
    A B, so that what changes on the machine meanwhile hits both alike. The ratio has a 95 %
    confidence interval from the pairs of rounds. Rounds in which others used more than 5 % of this
    machine are named.
    """
    loads = [read_workload(options.workload), *(read_workload([text]) for text in options.beside)]
    from pynats_cli.commands.bench.comparing import screens
    from pynats_cli.commands.bench.comparing.sides import sides_of
    from pynats_cli.commands.bench.running import refuse_other_systems
    from pynats_cli.signals import stop_event

    refuse_other_systems()
    sides = sides_of(global_options, (options.a, options.b))
    comparison = screens.Comparison(
        [load.text for load in loads], (sides[0].name, sides[1].name), options.rounds, []
    )
    error: CliError | None = None
    with stop_event() as stopped:
        try:
            await _measure(sides, loads, options, comparison, stopped)
        except CliError as failure:  # what was measured before is shown, too
            error = failure
    if error is None or comparison.rounds:
        _report(comparison, options)
    if error is not None:
        raise error
    return stopped.code or _gate(comparison, options)


async def _measure(
    sides: tuple[Side, Side],
    loads: list[Workload],
    options: CompareOptions,
    comparison: Comparison,
    stopped: StopEvent,
) -> None:
    from pynats_bench.judging.contest import NAMES, turns

    from pynats_cli.commands.bench.comparing.contender import Contender
    from pynats_cli.connect.opening import open_session

    async with AsyncExitStack() as stack:
        contenders = []
        for side in sides:
            try:
                session = await stack.enter_async_context(open_session(side.options))
                contenders.append(await Contender.of(side, session, loads))
            except CliError as error:
                raise CliError(f"{side.letter} ({side.name}): {error}") from None
        comparison.unseen = [text for each in contenders for text in each.unseen()]
        comparison.watched = any(each.seen for each in contenders)
        for current, which in turns(options.rounds, options.warm_up):
            contender = contenders[which]
            try:
                run = await contender.run(loads, stopped)
            except CliError as error:
                where = f"{NAMES[which]} ({contender.side.name})"
                raise CliError(f"{where}: {error}") from None
            if run is None:
                return
            current.runs[which] = run
            if current.complete:
                comparison.rounds.append(current)
                log(_told(current, options))


def _told(current: Round, options: CompareOptions) -> str:
    from pynats_cli.commands.bench.plots.terminal import rate_text

    name = f"Round {current.number} of {options.rounds}" if current.number else "Warm-up"
    a, b = (rate_text(current.runs[side].loads[0].rate) for side in (0, 1))
    return f"{name}: A {a}, B {b} msgs/sec{', disturbed' if current.disturbed else ''}"


def _report(comparison: Comparison, options: CompareOptions) -> None:
    from pynats_cli.commands.bench.comparing import screens

    show(options, screens.to_json(comparison), lambda: screens.screen(comparison))
    if options.csv:
        from pynats_cli.commands.bench.lines import save_csv
        from pynats_cli.screen.forms import encoded

        save_csv(options.csv, encoded("csv", screens.records(comparison)), options.structured)


def _gate(comparison: Comparison, options: CompareOptions) -> int:
    """Raises CliError when A is too slow."""
    from pynats_cli.commands.bench.comparing.screens import interval_text, rate_of

    if options.fail_below is None:
        return 0
    ratio = rate_of(comparison).ratio
    if ratio is None:
        raise CliError("--fail-below: there is no ratio")
    if ratio.value < options.fail_below:
        raise CliError(
            f"A / B is {ratio.value:.3f} ({interval_text(ratio)}), below {options.fail_below:g}"
        )
    return 0
