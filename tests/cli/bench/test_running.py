"""How a run ends: complete, interrupted, or with an error, and what is then told."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from pynats_bench.clients.model import Share
from pynats_bench.model import LoadError
from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import load_payload
from pynats_cli.commands.bench.core import PubOptions
from pynats_cli.commands.bench.lines import check_csv
from pynats_cli.commands.bench.options import BenchOptions
from pynats_cli.commands.bench.results import Outcome
from pynats_cli.commands.bench.running import report, run
from pynats_cli.errors import CliError
from pynats_cli.signals import StopEvent

from tests.cli.bench.made import outcome, share
from tests.support.deadline import PATIENCE_S


class Fake:
    """A benchmark whose clients wait until they are stopped, or do what the test says."""

    def __init__(self, *shares: Share, fails: str = "", refused: str = "", ends: bool = True):
        self._shares, self._fails, self._refused = shares, fails, refused
        self._ended = threading.Event()
        self.running = threading.Event()
        self.closed = False
        self.warnings = ["a warning"]
        if ends:
            self._ended.set()

    def __enter__(self) -> Fake:
        if self._refused:
            raise LoadError(self._refused)
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def run(self) -> None:
        self.running.set()
        assert self._ended.wait(PATIENCE_S)
        if self._fails:
            raise LoadError(self._fails)

    def stop(self) -> None:
        self._ended.set()

    def shares(self) -> list[Share]:
        return list(self._shares)

    def progress(self) -> list[int]:
        return [share.messages for share in self._shares]


def ran(fake: Fake, interrupt: bool = False) -> Outcome:
    planned = plan.Plan.of(plan.PUB, BenchOptions(msgs=10))

    async def go() -> Outcome:
        stopped = StopEvent()
        task = asyncio.create_task(run(fake, planned, stopped, True))  # type: ignore[arg-type]
        if interrupt:
            await asyncio.to_thread(fake.running.wait, PATIENCE_S)
            stopped.set()
        return await task

    return asyncio.run(go())


def test_complete() -> None:
    fake = Fake(share(1, 10, 1.0))
    some = ran(fake)
    assert (some.error, some.interrupted, some.total.messages) == ("", False, 10)
    assert some.warnings == ["a warning"] and fake.closed and len(some.run_id) == 22


def test_interrupted() -> None:
    fake = Fake(share(1, 4, 1.0), ends=False)
    some = ran(fake, interrupt=True)
    assert some.interrupted and some.total.messages == 4 and fake.closed


def test_failed_on_the_way() -> None:
    fake = Fake(share(1, 4, 1.0), fails="client 1: lost")
    some = ran(fake)
    assert (some.error, some.total.messages, fake.closed) == ("client 1: lost", 4, True)


def test_failed_before_it_began() -> None:
    some = ran(Fake(refused="client 1: Authorization Violation"))
    assert some.error == "client 1: Authorization Violation" and list(some.shares) == []


def test_the_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    report(outcome(plan.PUB, share(1, 10, 0.5), warnings=["slow"]), BenchOptions(csv=str(file)))
    out, err = capsys.readouterr()
    assert out == (
        "\nNATS Core NATS publisher stats: 20 msgs/sec ~ 2.5 KiB/sec\n\n"
        f"Saved metric data in csv file {file}\n"
    )
    assert err.endswith(" WARNING: slow\n") and err.count("\n") == 1
    assert file.read_text().count("\n") == 2


def test_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = BenchOptions(csv=str(tmp_path / "x.csv"), json=True)
    report(outcome(plan.PUB, share(1, 10, 0.5)), options)
    out, err = capsys.readouterr()
    assert json.loads(out)["aggregate"]["messages"] == 10
    assert "Saved metric data in csv file" in err


def test_nothing_to_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    report(outcome(plan.SUB, share(1, 0, 0.0), interrupted=True), BenchOptions(csv=str(file)))
    out, err = capsys.readouterr()
    assert out == "" and "Nothing to report" in err and not file.exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    options = BenchOptions(csv=str(tmp_path / "no" / "x.csv"))
    with pytest.raises(CliError, match=r"no/x\.csv: No such file"):
        report(outcome(plan.PUB, share(1, 10, 0.5)), options)


def test_a_payload_without_end_is_refused() -> None:
    options = PubOptions(subject="foo", payload="/dev/zero")
    with pytest.raises(CliError, match="larger than any server takes"):
        load_payload(options)


def test_where_no_csv_file_can_be_is_said_before_the_run(tmp_path: Path) -> None:
    check_csv("")
    check_csv(str(tmp_path / "x.csv"))
    for name in (tmp_path, tmp_path / "no" / "x.csv"):
        with pytest.raises(CliError, match="--csv: no file can be made at"):
            check_csv(str(name))
