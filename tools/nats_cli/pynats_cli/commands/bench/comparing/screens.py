"""What a comparison shows: a table of figures, a line for each round, and what it proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_bench.judging.contest import NAMES, A, B, Judged, judge
from pynats_bench.judging.disturbance import disturbance
from pynats_bench.judging.ratios import CONFIDENCE

from pynats_cli.commands.bench.plots.terminal import latency_text, rate_text
from pynats_cli.screen.tables import Table

if TYPE_CHECKING:
    from pynats_bench.judging.contest import Round, Run
    from pynats_bench.judging.ratios import Ratio

NOTHING = "-"
RATE = "messages_per_second"


@dataclass(frozen=True)
class Figure:
    """A line of the table: its title, its name in JSON, which load it is of (None: of the run),
    how it is read and written."""

    title: str
    name: str
    load: int | None
    pick: Callable[[Run], float | None]
    text: Callable[[float], str]


@dataclass
class Comparison:
    """What was measured. `loads` are the command lines, the measured one first; `sides` the names
    of both; `unseen` says what of the machine could not be seen, and if not `watched` nobody could
    look what others did."""

    loads: list[str]
    sides: tuple[str, str]
    wanted: int
    rounds: list[Round]
    unseen: list[str] = field(default_factory=list)
    watched: bool = True


def figures(loads: int) -> Iterator[Figure]:
    """Every figure that there may be."""
    for load in range(loads):
        yield Figure("Messages a second", RATE, load, _of(load, "rate"), rate_text)
        for name in ("p50", "p90", "p99"):
            yield Figure(f"Latency {name}", f"{name}_ns", load, _of(load, name), latency_text)
    yield Figure(
        "Server CPU per message", "server_cpu_us_per_message", None, lambda run: run.server_us,
        lambda us: latency_text(us * 1e3),
    )  # fmt: skip


def _of(load: int, name: str) -> Callable[[Run], float | None]:
    return lambda run: getattr(run.loads[load], name)


def screen(comparison: Comparison) -> str:
    """All of it."""
    parts = [f"{letter}: {name}" for letter, name in zip(NAMES, comparison.sides, strict=True)]
    counted = _counted(comparison)
    if not counted:
        return "\n".join([*parts, "", "No round was finished: there is nothing to compare"])
    parts += ["", _figures_table(comparison).render(), "", _rounds_table(counted).render(), ""]
    return "\n".join([*parts, *verdict(comparison)])


def _counted(comparison: Comparison) -> list[Round]:
    return [each for each in comparison.rounds if each.number and each.complete]


def _figures_table(comparison: Comparison) -> Table:
    table = Table("", ("", "A", "B", "A / B", f"{CONFIDENCE:.0%} interval", "Spread A", "Spread B"))
    for figure in figures(len(comparison.loads)):
        judged = judge(comparison.rounds, figure.pick)
        if judged.medians == (None, None):
            continue
        if figure.name == RATE:
            assert figure.load is not None
            table.add(comparison.loads[figure.load], *[""] * 6)
        table.add(
            f"  {figure.title}" if figure.load is not None else figure.title,
            *(NOTHING if value is None else figure.text(value) for value in judged.medians),
            _ratio_text(judged.ratio.value) if judged.ratio else NOTHING,
            interval_text(judged.ratio),
            *(NOTHING if value is None else f"{value:.1%}" for value in judged.spreads),
        )
    return table


def _rounds_table(rounds: Sequence[Round]) -> Table:
    table = Table("", ("Round", "Order", "A msgs/s", "B msgs/s", "A / B", "Others' CPU", ""))
    for each in rounds:
        rates = [each.runs[side].loads[0].rate for side in (A, B)]
        table.add(
            each.number,
            " ".join(NAMES[side] for side in each.order),
            *map(rate_text, rates),
            f"{rates[A] / rates[B]:.3f}" if rates[B] else NOTHING,
            NOTHING if each.foreign is None else f"{each.foreign:.0%}",
            "disturbed" if each.disturbed else "",
        )
    return table


def interval_text(ratio: Ratio | None) -> str:
    """`1.021 to 1.094`."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return NOTHING
    return f"{ratio.low:.3f} to {_ratio_text(ratio.high)}"


def _ratio_text(value: float) -> str:
    return f"{value:.3f}" if value < 10_000 else f"{value:.2g}"


def rate_of(comparison: Comparison) -> Judged:
    """The figure that the comparison is about."""
    return judge(comparison.rounds, _of(0, "rate"))


def verdict(comparison: Comparison) -> list[str]:
    """What the figures prove, and what they do not."""
    counted, judged = _counted(comparison), rate_of(comparison)
    lines = [_claim(judged.ratio, _doubtful(counted))]
    if len(counted) < comparison.wanted:
        lines.append(f"Only {len(counted)} of {comparison.wanted} rounds were finished")
    if said := disturbance([each.foreign for each in counted], "rounds"):
        which = ", ".join(str(each.number) for each in counted if each.disturbed)
        lines.append(f"{said} (rounds: {which}); measure on a quiet machine")
        if judged.quiet is not None:
            lines.append(f"The quiet rounds alone: {_claim(judged.quiet)}")
    blind = [each for each in counted if each.foreign is None]
    if blind and comparison.watched:
        lines.append(
            f"{len(blind)} of {len(counted)} rounds were too short to see what others did "
            "meanwhile: more messages make them longer"
        )
    return lines + comparison.unseen


def _doubtful(counted: Sequence[Round]) -> bool:
    """Whether most rounds were disturbed: what others do is not evenly spread, and an interval
    from such rounds is too narrow."""
    return 2 * sum(each.disturbed for each in counted) > len(counted)


def _claim(ratio: Ratio | None, doubtful: bool = False) -> str:
    if ratio is None:
        return "No messages: there is nothing to compare"
    if ratio.low is None:
        return f"A / B is {ratio.value:.3f}; one round proves nothing, run more of them"
    figures = f"A / B is {ratio.value:.3f}, with {CONFIDENCE:.0%} confidence {interval_text(ratio)}"
    if not ratio.shown:
        return f"No difference is shown: {figures}"
    faster, slower = NAMES if ratio.value > 1 else NAMES[::-1]
    if doubtful:
        return f"{faster} seems faster than {slower}, which others' load may have caused: {figures}"
    return f"{faster} is faster than {slower}: {figures}"


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The document."""
    return {
        "a": comparison.sides[A],
        "b": comparison.sides[B],
        "loads": comparison.loads,
        "confidence": CONFIDENCE,
        "rounds_wanted": comparison.wanted,
        "faster": _faster(comparison),
        "figures": [
            {"figure": figure.name, "load": figure.load, **_judged_json(judged)}
            for figure in figures(len(comparison.loads))
            if (judged := judge(comparison.rounds, figure.pick)).medians != (None, None)
        ],
        "rounds": [
            {
                "round": each.number,
                "order": "".join(NAMES[side] for side in each.order),
                "disturbed": each.disturbed,
                "others_cpu": each.foreign,
                "runs": {NAMES[side].lower(): _run_json(run) for side, run in each.runs.items()},
            }
            for each in comparison.rounds
        ],
        "verdict": verdict(comparison) if _counted(comparison) else [],
    }


def _judged_json(judged: Judged) -> dict[str, Any]:
    ratio = judged.ratio
    return {
        "a": judged.medians[A],
        "b": judged.medians[B],
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "pairs": ratio.pairs if ratio else 0,
    }


def _faster(comparison: Comparison) -> str | None:
    """The side that is shown to be faster."""
    ratio = rate_of(comparison).ratio
    if ratio is None or not ratio.shown or _doubtful(_counted(comparison)):
        return None
    return NAMES[A if ratio.value > 1 else B].lower()


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "loads": [
            {
                RATE: load.rate,
                "messages": load.messages,
                "seconds": load.seconds,
                "p50_ns": load.p50,
                "p90_ns": load.p90,
                "p99_ns": load.p99,
            }
            for load in run.loads
        ],
        "others_cpu": run.foreign,
        "server_cpu_us_per_message": run.server_us,
    }


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """A record for each load of each run: what `--csv` writes."""
    return [
        {
            "Round": each.number,
            "Side": NAMES[side],
            "Load": comparison.loads[index],
            "MsgsPerSec": round(load.rate, 3),
            "Messages": load.messages,
            "Seconds": round(load.seconds, 6),
            "P50Ns": load.p50,
            "P90Ns": load.p90,
            "P99Ns": load.p99,
            "ServerMicrosPerMsg": run.server_us,
            "OthersCPU": run.foreign,
            "Disturbed": each.disturbed,
        }
        for each in comparison.rounds
        for side, run in each.runs.items()
        for index, load in enumerate(run.loads)
    ]
