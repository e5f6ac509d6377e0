"""`pynats bench compare`, and plots of whole runs, against a server."""

from __future__ import annotations

import csv
import io
import json
import signal

import pytest
from pynats_bench.clients.storing import PutKeys
from pynats_bench.judging.serverprocess import Place, ServerProcess
from pynats_bench.model import LoadError
from pynats_cli.commands.bench.comparing.contender import Contender
from pynats_cli.commands.bench.comparing.sides import Side
from pynats_cli.global_options import GlobalOptions

from tests.cli.conftest import Cli

LOAD = ("kv", "put", "--msgs", "300", "--storage", "memory", "--size", "16")


def compare(cli: Cli, *more: str, load: tuple[str, ...] = LOAD) -> tuple[str, ...]:
    """A comparison of the server with itself."""
    url = cli.environment["NATS_URL"]
    return ("bench", "compare", url, url, "--warm-up", "1", *more, "--", *load)


def buckets(cli: Cli) -> list[str]:
    return cli.run("kv", "ls", "--names").out.split()


def test_a_server_is_compared_with_itself(stream_cli: Cli) -> None:
    before = buckets(stream_cli)
    done = stream_cli.run(*compare(stream_cli, "--rounds", "3", "--json"))
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert [each["round"] for each in document["rounds"]] == [0, 1, 2, 3]
    assert [each["order"] for each in document["rounds"]] == ["AB", "BA", "AB", "BA"]
    for each in document["rounds"]:
        for side in ("a", "b"):
            run = each["runs"][side]
            assert run["loads"][0]["messages"] == 300
            assert 0 < run["loads"][0]["p50_ns"] <= run["loads"][0]["p99_ns"]
    figures = {row["figure"]: row for row in document["figures"]}
    assert list(figures)[:4] == ["messages_per_second", "p50_ns", "p90_ns", "p99_ns"]
    assert "cannot be seen" not in done.out  # its process was found
    rate = figures["messages_per_second"]
    assert rate["low"] < rate["ratio"] < rate["high"]
    assert rate["pairs"] == 3
    assert document["loads"] == ["kv put --msgs 300 --storage memory --size 16"]
    for text in ("Warm-up: A ", "Round 1 of 3: A ", "Round 3 of 3: A "):
        assert text in done.err
    assert buckets(stream_cli) == before  # the one that the load made is gone


def test_what_was_there_before_stays(stream_cli: Cli) -> None:
    assert stream_cli.run("kv", "add", "benchbucket", "--storage", "memory").code == 0
    stream_cli.run("kv", "put", "benchbucket", "mine", "1")
    load = ("kv", "put", "--msgs", "5", "--bucket", "benchbucket", "--storage", "memory")
    done = stream_cli.run(*compare(stream_cli, "--rounds", "1", load=load[:4]))
    try:
        # Another configuration: the load fails, and says on which side.
        assert done.code == 1
        assert "pynats: error: A (nats://127.0.0.1:" in done.err
        assert "already in use" in done.err
        assert stream_cli.run("kv", "get", "benchbucket", "mine", "--raw").out.strip() == "1"
    finally:
        stream_cli.run("kv", "rm", "benchbucket", "-f")


def test_a_rate_that_is_too_low_fails(stream_cli: Cli) -> None:
    path = stream_cli.home / "runs.csv"
    flags = ("--rounds", "2", "--fail-below", "1000", "--csv", str(path))
    done = stream_cli.run(*compare(stream_cli, *flags))
    assert done.code == 1
    assert "below 1000" in done.err.splitlines()[-1]
    assert "Messages a second" in done.out  # the figures are there all the same
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [(row["Round"], row["Side"]) for row in rows] == [
        ("0", "A"), ("0", "B"), ("1", "B"), ("1", "A"), ("2", "A"), ("2", "B"),
    ]  # fmt: skip
    assert {row["Messages"] for row in rows} == {"300"}
    assert stream_cli.run(*compare(stream_cli, "--rounds", "1", "--fail-below", "0.0001")).code == 0


def test_an_interrupt_shows_what_there_is(stream_cli: Cli) -> None:
    before = buckets(stream_cli)
    running = stream_cli.start(*compare(stream_cli, "--rounds", "1000"))
    running.wait_for("Round 2 of 1000")
    running.signal(signal.SIGINT)
    done = running.finish()
    assert done.code == 130
    assert " of 1000 rounds were finished" in done.out
    assert "Messages a second" in done.out
    assert buckets(stream_cli) == before


def test_loads_run_beside_the_measured_one(cli: Cli) -> None:
    done = cli.run(
        *compare(
            cli, "--rounds", "2", "--json", "--with", "service serve bench.echo",
            load=("service request bench.echo --msgs 200",),
        )
    )  # fmt: skip
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["loads"] == [
        "service request bench.echo --msgs 200", "service serve bench.echo",
    ]  # fmt: skip
    for each in document["rounds"]:
        assert [load["messages"] for load in each["runs"]["a"]["loads"]] == [200, 200]


def test_both_ends_are_measured(cli: Cli) -> None:
    done = cli.run(
        *compare(
            cli, "--rounds", "1", "--json", "--with", "sub both.ends --msgs 5k",
            load=("pub", "both.ends", "--msgs", "5k", "--size", "16"),
        )
    )  # fmt: skip
    assert done.code == 0, done.err
    for each in json.loads(done.out)["rounds"]:
        assert [load["messages"] for load in each["runs"]["b"]["loads"]] == [5_000, 5_000]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prod", "localhost", "--", "pub", "x"), 'A is neither a context nor a server: "prod"'),
        (("a:1", "b:1"), "required argument 'workload' not provided"),
        (("a:1", "b:1", "--", "nope"), "workload \"nope\": No such command 'nope'"),
        (("a:1", "b:1", "--", "js"), 'workload "js" is no command of pynats bench'),
        (("a:1", "b:1", "--", "compare", "a", "b", "x"), "is no command of pynats bench that can"),
        (("a:1", "b:1", "--", "pub"), "required argument 'subject' not provided"),
        (("a:1", "b:1", "--", "pub x --json"), "--json belongs to compare: write it before --"),
        (("a:1", "b:1", "--", "pub", "x", "--plot"), "--plot belongs to compare"),
        (("a:1", "b:1", "--", "pub x 'y"), "workload: No closing quotation"),
        (("a:1", "b:1", "--rounds", "0", "--", "pub x"), "--rounds: must be between 1 and 1000"),
        (("a:1", "b:1", "--fail-below", "0", "--", "pub x"), "--fail-below: must be a ratio above"),
        (("a:1", "b:1", "--server", "c:1", "--", "pub x"), "--server says which server"),
    ],
)
def test_what_cannot_be_compared(lone_cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = lone_cli.run("bench", "compare", *words)
    assert done.code == 1
    assert said in done.err
    assert done.out == ""


def test_a_server_that_is_not_there_is_named(cli: Cli) -> None:
    url = cli.environment["NATS_URL"]
    done = cli.run("bench", "compare", url, "127.0.0.1:1", "--", "pub x --msgs 1")
    assert done.code == 1
    assert "pynats: error: B (nats://127.0.0.1:1): " in done.err


def test_a_run_is_plotted(stream_cli: Cli) -> None:
    path = stream_cli.home / "run.svg"
    done = stream_cli.run("bench", *LOAD, "--json", "--plot", str(path))
    assert done.code == 0, done.err
    timeline = json.loads(done.out)["timeline"]
    assert timeline["clients"] == 1
    assert f"Plotted into {path}" in done.err
    assert 'id="throughput"' in path.read_text()
    done = stream_cli.run("bench", "kv", "get", "--msgs", "300", "--plot")
    assert done.code == 0, done.err
    assert "Messages a second" in done.out or "too short for a plot" in done.out
    stream_cli.run("kv", "rm", "benchbucket", "-f")
    done = stream_cli.run("bench", *LOAD, "--json", "--plot")
    assert (done.code, done.out) == (1, "")
    assert "--plot needs a file beside --json" in done.err


def test_a_warning_of_a_load_is_shown_once_for_each_side(
    stream_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(bench: PutKeys) -> None:
        bench.warnings.append("something to know")

    monkeypatch.setattr(PutKeys, "finish", finish)
    done = stream_cli.run(*compare(stream_cli, "--rounds", "2"))
    assert done.code == 0, done.err
    warnings = [line.partition(" ")[2] for line in done.err.splitlines() if "WARNING" in line]
    assert warnings == [f"WARNING: {side}: something to know" for side in "AB"]


def test_what_was_measured_before_a_failure_is_shown(
    stream_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[PutKeys] = []

    def finish(bench: PutKeys) -> None:
        runs.append(bench)
        if len(runs) == 6:  # a warm-up and a round before it
            raise LoadError("client 1: the server closed the connection")

    monkeypatch.setattr(PutKeys, "finish", finish)
    done = stream_cli.run(*compare(stream_cli, "--rounds", "7"))
    assert done.code == 1
    assert "Only 1 of 7 rounds were finished" in done.out
    last = done.err.splitlines()[-1]
    assert last.startswith("pynats: error: B (nats://127.0.0.1:")
    assert last.endswith("): client 1: the server closed the connection")


@pytest.mark.parametrize(
    ("place", "said", "seen"),
    [(Place.SEEN, "", True), (Place.HIDDEN, "process cannot be seen", False),
     (Place.REMOTE, "runs on another machine", True)],
)  # fmt: skip
def test_what_cannot_be_seen_of_a_server_is_said(place: Place, said: str, seen: bool) -> None:
    side = Side("B", "nats://b:4222", GlobalOptions())
    contender = Contender(side, None, ServerProcess(place), [])  # type: ignore[arg-type]
    assert contender.seen == seen
    lines = list(contender.unseen())
    assert len(lines) == bool(said)
    assert all(said in line and line.startswith("B") for line in lines)
