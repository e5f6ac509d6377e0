"""A run over time as a PNG or an SVG file, drawn by matplotlib, which is imported here only."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynats_bench.clients.timeline import Timeline

SIZE_INCHES = (10.0, 6.5)
DOTS_PER_INCH = 120
TITLE_MAX = 90
SCALE_LOG_FROM = 20  # largest / smallest latency that one linear axis can show
PERCENTILES = (("p50", "tab:blue"), ("p90", "tab:green"), ("p99", "tab:orange"), ("max", "tab:red"))
# Words stay words in an SVG; no display is looked for.
STYLE: Any = {"svg.fonttype": "none", "axes.grid": True, "grid.alpha": 0.3, "font.size": 10}


def draw(timeline: Timeline, title: str, path: Path) -> None:
    """Writes the file; its ending says what it is. Raises OSError."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        rows = 2 if timeline.latencies else 1
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        figure.suptitle(shorten(title, TITLE_MAX, placeholder="…"), parse_math=False)
        _throughput(axes[0], timeline)
        if rows == 2:
            _latency(axes[1], timeline)
        axes[-1].set_xlim(0, timeline.spent * 1.01)  # the last point whole
        axes[-1].set_xlabel("Time since the first message (s)")
        figure.savefig(path, dpi=DOTS_PER_INCH, format=path.suffix[1:].lower())


def _throughput(axis: Any, timeline: Timeline) -> None:
    from matplotlib.ticker import EngFormatter

    times = [rate.seconds for rate in timeline.rates]
    clients = timeline.clients
    axis.plot(
        times,
        [rate.total for rate in timeline.rates],
        color="tab:blue",
        gid="throughput",
        label="all clients" if clients > 1 else "messages",
        marker="." if len(times) < 40 else None,
    )
    if clients > 1:
        axis.fill_between(
            times,
            [rate.slowest * clients for rate in timeline.rates],
            [rate.fastest * clients for rate in timeline.rates],
            color="tab:blue",
            alpha=0.15,
            linewidth=0,
            gid="clients",
            label=f"slowest to fastest client, times {clients}",
        )
        axis.legend(loc="best")
    axis.set_title("Throughput")
    axis.set_ylabel("Messages a second")
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(EngFormatter())


def _latency(axis: Any, timeline: Timeline) -> None:
    from matplotlib.ticker import EngFormatter

    times = [latency.seconds for latency in timeline.latencies]
    for name, color in PERCENTILES:
        values = [getattr(latency, name) / 1e9 for latency in timeline.latencies]
        marker = "." if len(times) < 40 else None
        axis.plot(times, values, color=color, gid=f"latency-{name}", label=name, marker=marker)
    smallest = min(latency.p50 for latency in timeline.latencies)
    if smallest > 0 and max(latency.max for latency in timeline.latencies) > (
        smallest * SCALE_LOG_FROM
    ):
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0)
    axis.set_title("Latency")
    axis.set_ylabel("Latency")
    axis.yaxis.set_major_formatter(EngFormatter(unit="s"))
    axis.legend(loc="best")
