"""A run over time as charts of text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pynats_cli.screen.graph import in_ascii, whole_chart
from pynats_cli.screen.terminal import terminal_size

if TYPE_CHECKING:
    from pynats_bench.clients.timeline import Timeline

HEIGHT = 8
WIDTH_MIN, WIDTH_MAX = 30, 160
TOO_SHORT = "The run was too short for a plot over time: raise --msgs\n"


def shown(timeline: Timeline, title: str) -> str:
    """The charts for the terminal that standard output is."""
    text = charts(timeline, title, terminal_size().columns)
    encoding = sys.stdout.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return in_ascii(text)
    return text


def charts(timeline: Timeline, title: str, columns: int) -> str:
    """Throughput, and latencies if there are any, below each other."""
    if len(timeline.rates) < 2:
        return TOO_SHORT
    width = max(WIDTH_MIN, min(columns, WIDTH_MAX)) - 1
    span = f"{timeline.spent:.3g} s"
    parts = [title, ""]

    def chart(values: Sequence[float], caption: str, label: Callable[[float], str]) -> None:
        parts.append(whole_chart(values, width, HEIGHT, f"{caption}, {span}", label))
        parts.append("")

    chart([rate.total for rate in timeline.rates], "Messages a second", rate_text)
    if timeline.clients > 1:
        slowest = sum(rate.slowest for rate in timeline.rates) / len(timeline.rates)
        fastest = sum(rate.fastest for rate in timeline.rates) / len(timeline.rates)
        parts[-1:] = [
            f"{timeline.clients} clients, on average from {rate_text(slowest)} "
            f"to {rate_text(fastest)} messages a second each",
            "",
        ]
    if len(timeline.latencies) > 1:
        for name in ("p50", "p99"):
            values = [getattr(latency, name) for latency in timeline.latencies]
            chart(values, f"Latency {name}", latency_text)
    return "\n".join(parts)


def rate_text(value: float) -> str:
    """Messages a second."""
    return f"{value:,.0f}"


def latency_text(ns: float) -> str:
    """`850ns`, `12.3µs`, `1.05ms`, `2s`: three digits."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= size * 0.9995:
            return f"{ns / size:.3g}{unit}" if ns < size * 999.5 else f"{ns / size:,.0f}{unit}"
    return f"{ns:.0f}ns"
