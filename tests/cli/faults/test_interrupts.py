"""Commands that are interrupted while they wait: 130 after Ctrl-C, and no complaint."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable

import pytest
from pynats_cli import runner

from tests.cli.faults.lines import LINES
from tests.cli.faults.peer import DEAF, SILENT, FailingServer
from tests.cli.faults.runs import Runs, name_of

WAITING = (
    ("request",), ("stream", "info"), ("kv", "watch"), ("object", "put"), ("server", "list"),
    ("backup", "account"), ("server", "check", "stream"), ("subscribe",), ("events",),
    ("service", "list"), ("consumer", "next"), ("apply",),
)  # fmt: skip
LONG = ("--timeout", "1h")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_while_waiting_for_an_answer(
    number: signal.Signals, code: int, make_runs: Callable[..., Runs], failing: FailingServer
) -> None:
    for file in failing.folder.iterdir():
        file.unlink()
    ended = make_runs(failing.url(DEAF), *LONG).all(
        (LINES[path] for path in WAITING),
        lambda line: (failing.folder / name_of(line)).exists(),
        number,
    )
    for run in ended:
        assert run.code == code, run
        assert "error" not in run.err, run
        assert "Traceback" not in run.err, run
        assert run.out == "", run


def test_while_connecting(make_runs: Callable[..., Runs], failing: FailingServer) -> None:
    accepted = failing.folder / SILENT
    accepted.unlink(missing_ok=True)
    for path in (("stream", "ls"), ("server", "list"), ("rtt",)):
        runs = make_runs(failing.url(SILENT), *LONG)
        (run,) = runs.all([LINES[path]], lambda _: accepted.exists())
        assert (run.code, run.err) == (130, ""), run
        accepted.unlink()


def test_before_the_work_begins(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    async def work() -> None: ...

    monkeypatch.setattr(runner, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run_async(work())
    gc.collect()
    assert not recwarn.list
