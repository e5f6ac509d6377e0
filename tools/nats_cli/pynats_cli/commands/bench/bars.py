"""How far each client is: bars on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from pynats_cli.commands.bench.plan import Plan
from pynats_cli.screen.human import thousands
from pynats_cli.screen.terminal import terminal_size

PERIOD_S = 0.1
_MOST_LINES = 20
_FREE = 3  # room for `^C`, which would wrap
_BESIDES = len("Publishing    2s [] 100%")
_WIDEST, _NARROWEST = 64, 8


def bar(doing: str, seconds: int | None, done: int, wanted: int, columns: int) -> str:
    """`Publishing    2s [===>----]  46%`. `seconds` None: it has not begun."""
    share = min(done / wanted, 1.0) if wanted else 0.0
    state = "Finished" if share >= 1 else doing
    passed = "---" if seconds is None else f"{seconds}s"
    text = f"{state:<12}{passed:>4}"
    width = min(columns - _BESIDES, _WIDEST)
    if width >= _NARROWEST:
        filled = int(share * width)
        drawn = "=" * filled
        if 0 < filled < width:
            drawn = drawn[:-1] + ">"
        text += f" [{drawn:-<{width}}]"
    return f"{text} {int(share * 100):>3}%"[: max(columns, 1)]


class Bars:
    """A bar for each client; one for all when the screen has no room for so many."""

    def __init__(self, plan: Plan, shown: bool) -> None:
        self._plan = plan
        self._shown = shown and not plan.kind.endless and sys.stderr.isatty()
        self._drawn = 0
        self._began: list[float | None] = [None] * plan.clients
        self._ended: list[float | None] = [None] * plan.clients

    @property
    def shown(self) -> bool:
        return self._shown

    def draw(self, progress: Sequence[int]) -> None:
        """Draws over what was drawn before."""
        if not self._shown:
            return
        lines = self._lines(progress, time.monotonic())
        again = "\x1b[1A\x1b[2K" * self._drawn
        sys.stderr.write(again + "".join(f"{line}\n" for line in lines))
        sys.stderr.flush()
        self._drawn = len(lines)

    def _lines(self, progress: Sequence[int], now: float) -> list[str]:
        size = terminal_size(sys.stderr)
        columns = size.columns - _FREE
        shares = self._plan.shares
        if len(progress) > min(_MOST_LINES, size.lines - 2):
            most = [min(done, wanted) for done, wanted in zip(progress, shares, strict=True)]
            more = f" ({thousands(len(progress))} clients)"
            room = columns - len(more)
            return [self._line(0, sum(most), sum(shares), now, room) + more]
        return [self._line(at, done, shares[at], now, columns) for at, done in enumerate(progress)]

    def _line(self, at: int, done: int, wanted: int, now: float, columns: int) -> str:
        began, ended = self._began, self._ended
        if done and began[at] is None:
            began[at] = now
        if done >= wanted and ended[at] is None:
            ended[at] = now
        since, until = began[at], ended[at]
        seconds = None if since is None else int((until or now) - since)
        return bar(self._plan.kind.doing, seconds, done, wanted, columns)
