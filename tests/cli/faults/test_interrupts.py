"""Commands that are interrupted while they wait: 130 after Ctrl-C, and no complaint."""

from __future__ import annotations

import gc
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_cli import runner

from tests.cli.conftest import Cli
from tests.cli.faults.lines import LINES
from tests.cli.faults.peer import DEAF, SILENT, FailingServer
from tests.cli.faults.runs import AT_ONCE, Runs, name_of
from tests.cli.terminal import Terminal
from tests.support.deadline import Deadline
from tests.support.process import PYNATS, ServerProcess

WAITING = (
    ("request",), ("stream", "info"), ("kv", "watch"), ("object", "put"), ("server", "list"),
    ("backup", "account"), ("server", "check", "stream"), ("subscribe",), ("events",),
    ("service", "list"), ("consumer", "next"), ("apply",),
)  # fmt: skip
LONG = ("--timeout", "1h")
NOISE = re.compile("error:|Traceback|never (retrieved|awaited)|Exception ignored")


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


PAINTED = "\x1b[H"
# What each shows at a terminal when it is at work; it goes on until it is interrupted.
ENDLESS = (
    ("sub >", "Subscribing on >"),
    ("sub s.x --stream S --all --raw", "last_one"),
    ("sub s.x --stream S --all", "last_one"),
    ("sub --stream S --durable C --no-ack", "last_one"),
    ("sub > --graph", PAINTED),
    ("sub > --report-subjects", PAINTED),
    ("sub > --report-subscriptions", PAINTED),
    ("reply a b", "Listening on"),
    ("request s.none x --replies 0 --timeout 1h", "Sending request"),
    ("publish a b --sleep 1h --count 9", "Published"),
    ("kv watch B", "last_one"),
    ("object watch O", "last_one"),
    ("events", "Listening for"),
    ("traffic", PAINTED),
    ("consumer sub S D --no-ack", "last_one"),
    ("consumer next S E --count 9 --no-ack --timeout 1h", "last_one"),
    ("stream view S 1", "Next Page?"),
    ("stream graph S", PAINTED),
    ("consumer graph S C", PAINTED),
    ("stream rm S", "Really delete"),
    ("stream info", "Select a Stream"),
    ("service serve s", "Requests Log"),
    ("server check exporter --config @H@/checks.yaml --port 0", "Serving"),
    ("server watch accounts --user s --password s", PAINTED),
    ("server watch api requests --user s --password s", PAINTED),
    ("server graph n --user s --password s", PAINTED),
    ("bench sub none.a --clients 2", "Receiving    ---"),
    ("bench pub none.b --throughput 20 --duration 1h", "Publishing    0s"),
    ("bench service serve none.c", "hit control-c to stop"),
    ("server ping 9 --timeout 1h --user s --password s", "rtt="),
)
CONFIG = """
server_name: n, jetstream { store_dir: "@FOLDER@/js" }, no_auth_user: a
accounts { A { jetstream: enabled, users: [{ user: a, password: a }] }
           SYS { users: [{ user: s, password: s }] } }
system_account: SYS
"""
SETUP = (
    "stream add S --subjects s.> --defaults", "publish s.x -- last_one", "kv add B",
    "kv put B k last_one", "object add O", "object put O @H@/last_one",
    *(f"consumer add S {name} --pull --defaults" for name in "CDE"),
)  # fmt: skip


def test_at_a_terminal(make_cli: Callable[[str], Cli], imported: None, tmp_path: Path) -> None:
    (tmp_path / "last_one").write_text("x")
    (tmp_path / "checks.yaml").write_text("checks: [{name: x, kind: connection}]")
    with ServerProcess(PYNATS, tmp_path / "server", CONFIG) as server:
        cli = make_cli(f"nats://127.0.0.1:{server.port}")

        def words(line: str) -> list[str]:
            return line.replace("@H@", str(tmp_path)).split()

        for line in SETUP:
            assert cli.run(*words(line)).code == 0, line
        for group in (ENDLESS[at : at + AT_ONCE] for at in range(0, len(ENDLESS), AT_ONCE)):
            running = [Terminal(cli, *words(line)) for line, _ in group]
            for terminal, (line, shown) in zip(running, group, strict=True):
                deadline = Deadline()
                while shown.encode() not in terminal.raw:
                    deadline.check(f"{shown!r} of {line}: {terminal.all}")
                    assert terminal.read_some(), (line, terminal.all)
                terminal.type("\x03")
            for terminal, (line, _) in zip(running, group, strict=True):
                assert terminal.finish() == 130, (line, terminal.all)
                assert not NOISE.search(terminal.all), (line, terminal.all)
                assert b"\x1b[?1049h" not in terminal.raw and terminal.raw.endswith(b"\n"), line


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
