"""Runs many command lines, and judges how they ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.conftest import Cli, Running
from tests.cli.faults.lines import LINES, Line
from tests.support.deadline import PATIENCE_S, pause

AT_ONCE = 12
_POLL_S = 0.01
_NOISE = ("Traceback", "never retrieved", "never awaited", "Exception ignored", ">>> ")
_NOTED = {
    # What these say before they begin, on stderr.
    ("request",): "Sending request on",
    ("subscribe",): "Subscribing on",
    ("reply",): "Listening on",
    ("events",): "Listening for",
    ("audit", "gather"): "Broadcasting PING",
    ("latency",): "",
    ("server", "report", "downgrade"): "Obtaining",
    ("rtt",): "Failed to compute",
    ("account", "backup"): "WARNING: ",
    ("account", "restore"): "WARNING: ",
    ("stream", "backup"): "WARNING: ",
    ("stream", "restore"): "WARNING: ",
    ("stream", "cluster", "peer-remove"): "WARNING: ",
}


@dataclass(frozen=True)
class Ended:
    """One run that has ended."""

    line: Line
    code: int
    out: str
    err: str

    def faults(self) -> list[str]:
        """What is wrong with it as the end of a command that could not do its work."""
        found = [f"says {word!r}" for word in _NOISE if word in self.err]
        if self.line.command.bad_usage == 3:  # `server check`: the result is the output
            if self.code not in (1, 2, 3):
                found.append(f"code {self.code}")
            return found if self.out.count("\n") == 1 else [*found, "not one line on stdout"]
        if self.code != 1:
            found.append(f"code {self.code}")
        benchmark = self.line.path[0] == "bench"  # says what it begins, and what was done before
        if self.out and self.line.path != ("rtt",) and not benchmark:
            found.append("writes to stdout")
        *notes, last = [row for row in self.err.splitlines() if row] or [""]
        note = "Starting" if benchmark else _NOTED.get(self.line.path)
        if notes and (note is None or not all(note in row for row in notes)):
            found.append("more than one line on stderr")
        if not last.startswith("pynats: error: ") and self.line.path != ("request",):
            found.append("no error")
        return found

    def __str__(self) -> str:
        return f"{self.line}: code {self.code}, {self.out[:200]!r}, {self.err[-800:]!r}"


@dataclass
class _Active:
    line: Line
    running: Running
    began: float = field(default_factory=time.monotonic)
    signalled: bool = False


class Runs:
    """Runs command lines, each with a folder of its own below the home of `cli`."""

    def __init__(self, cli: Cli, files: Path, extra: tuple[str, ...] = ()) -> None:
        self._cli = cli
        self._files = files
        self._extra = extra

    def all(
        self, lines: Iterable[Line], ready: Callable[[Line], bool] | None = None,
        number: signal.Signals = signal.SIGINT,
    ) -> list[Ended]:  # fmt: skip
        """The ends of all, a few at a time, each in a process of its own. Each gets the signal as
        soon as it is `ready`."""
        waiting, active, ended = list(lines), [], []
        while waiting or active:
            while waiting and len(active) < AT_ONCE:
                active.append(self._start(waiting.pop(0)))
            for item in list(active):
                code = item.running.exit_code()
                if code is not None:
                    active.remove(item)
                    ended.append(Ended(item.line, code, item.running.out(), item.running.err()))
                    continue
                assert time.monotonic() - item.began < PATIENCE_S, f"{item.line} does not end"
                if ready is not None and not item.signalled and ready(item.line):
                    item.signalled = True
                    item.running.signal(number)
            pause(_POLL_S)
        return ended

    def in_turn(self, lines: Iterable[Line]) -> list[Ended]:
        """The ends of all, one after the other in this process: costs less where none waits."""
        ended = []
        for line in lines:
            words, folder = self._words(line)
            result = self._cli.run(*words, TMPDIR=folder)
            ended.append(Ended(line, result.code, result.out, result.err))
        return ended

    def _start(self, line: Line) -> _Active:
        words, folder = self._words(line)
        return _Active(line, self._cli.start(*words, TMPDIR=folder))

    def _words(self, line: Line) -> tuple[list[str], str]:
        """The command line, and its folder."""
        folder = self._cli.home / "work" / name_of(line)
        folder.mkdir(parents=True)
        words = line.filled(
            D=str(self._files), H=str(folder), URL=self._cli.environment.get("NATS_URL", "")
        )
        return [*words, *self._extra, "--connection-name", name_of(line)], str(folder)


def name_of(line: Line) -> str:
    """The name of its connection and folder."""
    return "_".join(line.path)


def served(*, but: Iterable[tuple[str, ...]] = ()) -> list[Line]:
    """The lines of all commands that need a server."""
    return [line for line in LINES.values() if not line.alone and line.path not in set(but)]


def failed(ended: Iterable[Ended]) -> list[str]:
    """What is wrong, by command."""
    return [f"{faults} {run}" for run in ended if (faults := run.faults())]
