"""`--report-subjects`, `--report-subscriptions` and `--graph`: figures instead of messages."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import sys
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from pynats_common.sizes import format_size

from pynats_cli.errors import CliError
from pynats_cli.messages.subscriber.messages import Received
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.screen.human import thousands
from pynats_cli.screen.live import live_screen
from pynats_cli.screen.output import line
from pynats_cli.screen.tables import table
from pynats_cli.screen.terminal import terminal_size

REFRESH_S = 1.0
TERMINAL_MIN = 20
"""Smallest width and height of a graph, in characters."""
_LEVELS = " ▁▂▃▄▅▆▇█"


@dataclass
class _Traffic:
    messages: int = 0
    bytes: int = 0


class SubjectReport:
    """Counts messages by subject, or by the pattern subscribed to."""

    def __init__(self, options: SubscribeOptions, scheme: str) -> None:
        self._by_pattern = options.report_subscriptions
        self._top = options.report_top
        self._scheme = scheme
        self._traffic: defaultdict[str, _Traffic] = defaultdict(_Traffic)

    def take(self, message: Received, _number: int, _reply: Received | None = None) -> None:
        """Counts one message."""
        traffic = self._traffic[message.pattern if self._by_pattern else message.subject]
        traffic.messages += 1
        traffic.bytes += len(message.data)

    def render(self) -> str:
        """The table of the busiest subjects."""
        order = sorted(self._traffic.items(), key=lambda item: (-item[1].messages, item[0]))
        shown = order[: self._top]
        rows = [
            (name, thousands(traffic.messages), format_size(traffic.bytes))
            for name, traffic in shown
        ]
        messages = sum(traffic.messages for _, traffic in shown)
        size = sum(traffic.bytes for _, traffic in shown)
        title = (
            "Top Subject Report" if self._top == 1 else (f"Top {self._top} Active Subjects Report")
        )
        footer = ("Totals", thousands(messages), format_size(size))
        headers = ("Subject", "Message Count", "Bytes")
        return table(title, headers, rows, footer, self._scheme)


class RateGraphs:
    """One graph of messages a second for each subscription."""

    def __init__(self, patterns: Sequence[str]) -> None:
        width, height = _terminal_size()
        if min(width, height) < TERMINAL_MIN:
            raise CliError("please increase terminal dimensions")
        self._counts = dict.fromkeys(patterns, 0)
        self._rates = {pattern: deque([0] * width, maxlen=1_000) for pattern in patterns}

    def take(self, message: Received, _number: int, _reply: Received | None = None) -> None:
        """Counts one message."""
        self._counts[message.pattern] += 1

    def render(self) -> str:
        """Ends the current second and draws the graphs."""
        width, height = _terminal_size()
        blocks = []
        for pattern, rates in self._rates.items():
            rates.append(self._counts[pattern])
            self._counts[pattern] = 0
            rows = max(height // (len(self._rates) + 1) - 1, 2)
            graph = draw_graph(list(rates)[-max(width - 14, 10) :], rows)
            blocks.append(f"{graph}\n{pattern} / second\n")
        return "\n".join(blocks)


def draw_graph(values: Sequence[int], rows: int) -> str:
    """Columns of block characters with the scale on the left."""
    top = max([*values, 1])
    lines = []
    for row in range(rows - 1, -1, -1):
        cells = []
        for value in values:
            eighths = round(value * rows * 8 / top) - row * 8
            cells.append(_LEVELS[max(0, min(eighths, 8))])
        label = thousands(round(top * (row + 1) / rows))
        same = row < rows - 1 and label == thousands(round(top * (row + 2) / rows))
        lines.append(f"{'' if same else label:>11} ┤{''.join(cells)}".rstrip())
    return "\n".join(lines)


def _terminal_size() -> tuple[int, int]:
    if not sys.stdout.isatty():
        raise CliError("failed to get terminal dimensions: output is not a terminal")
    size = terminal_size()
    return size.columns, size.lines


async def refresh(screen: SubjectReport | RateGraphs) -> None:
    """Redraws a terminal every second until cancelled. Elsewhere nothing is drawn meanwhile; raises
    BrokenPipeError when the reader of a pipe has gone."""
    with live_screen() as shown:
        while True:
            await asyncio.sleep(REFRESH_S)
            if sys.stdout.isatty():
                shown.paint(screen.render())
            elif _unread(sys.stdout.fileno()):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def draw(screen: SubjectReport | RateGraphs) -> None:
    """Draws the result, below what is there."""
    line(screen.render())


def _unread(pipe: int) -> bool:
    if not hasattr(select, "poll"):  # Windows: writing the last table fails then
        return False
    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
