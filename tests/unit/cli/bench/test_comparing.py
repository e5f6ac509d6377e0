"""What a comparison says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pynats_bench.judging.contest import Figures, Round, Run
from pynats_cli.commands.bench.comparing.command import CompareOptions
from pynats_cli.commands.bench.comparing.screens import (
    Comparison,
    records,
    screen,
    to_json,
    verdict,
)
from pynats_cli.commands.bench.comparing.sides import sides_of
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions, split_global_options
from pynats_common.commandline.parse import BadUsageError, parse
from pynats_common.contexts import Context, ContextStore

OPTIONS = GlobalOptions()


def run(rate: float, foreign: float | None = 0.01, beside: float = 0.0) -> Run:
    loads = [Figures(rate, 1_000, 1_000 / rate, 20_000, 30_000, 90_000)]
    if beside:
        loads.append(Figures(beside, 500, 500 / beside))
    return Run(tuple(loads), foreign, 1.5)


def comparison(*pairs: tuple[Run, Run], wanted: int = 0) -> Comparison:
    rounds = [
        Round(number, (0, 1) if number % 2 else (1, 0), {0: a, 1: b})
        for number, (a, b) in enumerate(pairs)
    ]  # number 0 warms up
    beside = len(pairs[0][0].loads) if pairs else 1
    return Comparison(
        ["pub foo", "sub foo"][:beside], ("nats://a:4222", "ctx"), wanted or len(pairs) - 1,
        rounds,
    )  # fmt: skip


QUIET = comparison(
    (run(1.0), run(1.0)), (run(200.0), run(100.0)), (run(220.0), run(100.0)),
    (run(180.0), run(100.0)),
)  # fmt: skip


def rows(text: str) -> dict[str, list[str]]:
    """Lines of tables by their first cell."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return {line[0]: line[1:] for line in cells if line}


def test_the_screen_has_medians_ratios_intervals_and_rounds() -> None:
    text = screen(QUIET)
    assert text.startswith("A: nats://a:4222\nB: ctx\n")
    found = rows(text)
    assert found["Messages a second"] == ["200", "100", "1.993", "1.553 to 2.558", "20.0%", "0.0%"]
    assert found["Latency p99"][:4] == ["90µs", "90µs", "1.000", "1.000 to 1.000"]
    assert found["Server CPU per message"][:3] == ["1.5µs", "1.5µs", "1.000"]
    assert found["1"] == ["A B", "200", "100", "2.000", "1%", ""]
    assert found["2"][0] == "B A"
    assert "0" not in found
    assert text.endswith("A is faster than B: A / B is 1.993, with 95% confidence 1.553 to 2.558")


def test_the_slower_side_is_named_as_that() -> None:
    line = verdict(comparison(*[(run(1.0), run(1.0))] + [(run(90.0 + n), run(100.0 + n))
                                                           for n in range(4)]))[0]  # fmt: skip
    assert line.startswith("B is faster than A: A / B is 0.90")


def test_no_difference_is_no_difference() -> None:
    line = verdict(comparison((run(1.0), run(1.0)), (run(99.0), run(100.0)),
                              (run(101.0), run(100.0))))[0]  # fmt: skip
    assert line.startswith("No difference is shown: A / B is 1.000")


def test_one_round_proves_nothing() -> None:
    lines = verdict(comparison((run(1.0), run(1.0)), (run(99.0), run(100.0))))
    assert lines == ["A / B is 0.990; one round proves nothing, run more of them"]


def test_disturbed_rounds_are_named() -> None:
    text = screen(
        comparison((run(1.0, 0.9), run(1.0)), (run(99.0), run(100.0)),
                   (run(50.0, 0.31), run(100.0)), (run(99.0), run(100.0)))
    )  # fmt: skip
    assert (
        "1 of 3 rounds were disturbed: other processes used up to 31% of the machine meanwhile "
        "(rounds: 2); measure on a quiet machine\n"
        "The quiet rounds alone: B is faster than A: A / B is 0.990, with 95% confidence "
        "0.990 to 0.990"
    ) in text
    assert rows(text)["2"][-2:] == ["31%", "disturbed"]
    assert rows(text)["3"][-2:] == ["1%", ""]


def test_a_machine_that_others_used_proves_nothing() -> None:
    rounds = [(run(1.0), run(1.0))] + [(run(90.0 + n, 0.4), run(100.0 + n)) for n in range(4)]
    shaken = comparison(*rounds)
    assert verdict(shaken)[0].startswith(
        "B seems faster than A, which others' load may have caused: A / B is 0.90"
    )
    assert to_json(shaken)["faster"] is None
    assert to_json(comparison(*rounds[:2], *[(run(90.0), run(100.0))] * 2))["faster"] == "b"


def test_what_was_not_seen_is_not_shown() -> None:
    measured = comparison((run(1.0), run(1.0)), (run(99.0, None), run(100.0, None)))
    measured.unseen.append("A runs elsewhere")
    assert "1 of 1 rounds were too short to see what others did" in screen(measured)
    measured.watched = False
    text = screen(measured)
    assert "too short" not in text
    assert rows(text)["1"][-2:] == ["-", ""]
    assert text.endswith("\nA runs elsewhere")


def test_an_interrupted_comparison_shows_what_there_is() -> None:
    cut = comparison((run(1.0), run(1.0)), (run(99.0), run(100.0)), (run(99.0), run(100.0)),
                     wanted=7)  # fmt: skip
    del cut.rounds[2].runs[0]
    assert "Only 1 of 7 rounds were finished" in verdict(cut)
    assert screen(comparison(wanted=7)).endswith(
        "No round was finished: there is nothing to compare"
    )
    json.dumps(to_json(comparison(wanted=7)))


def test_loads_beside_have_figures_of_their_own() -> None:
    both = comparison(*[(run(100.0, beside=80.0), run(50.0, beside=40.0))] * 3)
    text = screen(both)
    assert text.index("pub foo") < text.index("sub foo")
    document = to_json(both)
    rates = {
        row["load"]: row for row in document["figures"] if row["figure"] == "messages_per_second"
    }
    assert (rates[0]["a"], rates[1]["b"], rates[1]["ratio"]) == (100.0, 40.0, pytest.approx(2.0))
    latencies = [row["load"] for row in document["figures"] if row["figure"] == "p99_ns"]
    assert latencies == [0]


def test_the_document_has_all_that_was_measured() -> None:
    document = json.loads(json.dumps(to_json(QUIET)))
    assert (document["a"], document["b"], document["loads"]) == (
        "nats://a:4222",
        "ctx",
        ["pub foo"],
    )
    figure = document["figures"][0]
    assert (figure["figure"], figure["a"], figure["b"], figure["pairs"]) == (
        "messages_per_second", 200, 100, 3,
    )  # fmt: skip
    assert figure["low"] < figure["ratio"] < figure["high"]
    assert document["faster"] == "a"
    assert [each["round"] for each in document["rounds"]] == [0, 1, 2, 3]
    assert document["rounds"][1]["runs"]["a"]["loads"][0]["messages_per_second"] == 200.0
    assert len(document["verdict"]) == 1


def test_a_record_for_each_load_of_each_run() -> None:
    found = records(QUIET)
    assert len(found) == 8
    assert [(row["Round"], row["Side"], row["MsgsPerSec"]) for row in found[2:4]] == [
        (1, "A", 200.0), (1, "B", 100.0),
    ]  # fmt: skip


def test_sides_are_contexts_or_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ContextStore().save(Context(url="nats://x:1"), "dev.1")
    options = GlobalOptions(server="nats://from-env:1", user="u")
    a, b = sides_of(options, ["dev.1", "nats://me:secret@localhost:4333"])
    assert (a.name, a.options.context, a.options.server) == ("dev.1", "dev.1", "")
    assert b.name == "nats://localhost:4333"
    assert b.options.server == "nats://me:secret@localhost:4333"
    assert (b.options.context, b.options.no_context, b.options.user) == ("", True, "u")
    assert sides_of(OPTIONS, ["localhost", "127.0.0.1"])[1].name == "nats://127.0.0.1:4222"
    with pytest.raises(CliError, match='B is neither a context nor a server: "prod"'):
        sides_of(OPTIONS, ["localhost", "prod"])
    with pytest.raises(CliError, match="A: "):
        sides_of(OPTIONS, ["nats://x:99999999", "localhost"])


def test_flags_of_the_workload_without_the_dashes_before_it() -> None:
    with pytest.raises(BadUsageError, match=r"--msgs \(flags of the workload stand behind --\)"):
        parse(CompareOptions, ["a", "b", "pub", "foo", "--msgs", "5"])
    assert parse(CompareOptions, ["a", "b", "--", "pub", "--msgs", "5"]).workload == [
        "pub", "--msgs", "5",
    ]  # fmt: skip


def test_no_other_flag_says_which_server() -> None:
    for flag in ("--server", "--context"):
        options, _ = split_global_options([flag, "x"], {})
        with pytest.raises(CliError, match=f"{flag} says which server, and so do A and B"):
            sides_of(options, ["a:1", "b:1"])


def test_an_interval_that_says_nothing_is_short_all_the_same() -> None:
    text = screen(comparison((run(1.0), run(1.0)), (run(1.0), run(900.0)), (run(900.0), run(1.0))))
    assert rows(text)["Messages a second"][3] == "0.000 to 3.4e+37"
