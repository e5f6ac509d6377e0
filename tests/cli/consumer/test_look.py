"""Looking at consumers: ls, find, info, state, report, graph; and names that are none."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pynats_cli.commands.consumer.looking.report import report_table

from tests.cli.conftest import Cli
from tests.cli.consumer.conftest import Stage


@pytest.fixture
def three(stage: Stage) -> Stage:
    stage.done("add", "S", "B", "--description", "the b", "--defaults")
    stage.done("add", "S", "A", "--ack", "none", "--defaults")
    stage.done("add", "S", "P", "--target", "x.y", "--defaults")
    stage.done("next", "S", "B", "--count", "9", "--raw")
    return stage


def test_ls_is_sorted_by_name(three: Stage) -> None:
    lines = three.done("ls", "S").splitlines()
    firsts = [line.split("│")[1].strip() for line in lines if "│" in line]
    assert firsts == ["Consumers", "Name", "A", "B", "P"]
    (row,) = [line for line in lines if "the b" in line]
    assert [cell.strip() for cell in row.split("│")[4:6]] == ["0", "5"]
    assert three.done("ls", "S", "--names") == "A\nB\nP\n"
    assert json.loads(three.done("ls", "S", "--json")) == ["A", "B", "P"]


def test_other_forms_of_ls_hold_everything(three: Stage) -> None:
    lines = three.done("ls", "S", "--output", "jsonl").splitlines()
    assert [json.loads(line)["num_pending"] for line in lines] == [14, 5, 14]
    rows = list(csv.DictReader(io.StringIO(three.done("ls", "S", "--output", "csv"))))
    assert [row["config.ack_policy"] for row in rows] == ["none", "explicit", "none"]


def test_a_stream_without_consumers(stage: Stage) -> None:
    result = stage.run("ls", "S")
    assert (result.code, result.out, result.err) == (0, "", "No Consumers defined\n")
    assert json.loads(stage.done("ls", "S", "--json")) == []
    assert stage.done("ls", "S", "--names") == ""
    assert stage.done("find", "S") == ""
    assert "with 0 consumers" in stage.done("report", "S")


def test_find(three: Stage) -> None:
    assert three.done("find", "S") == "A\nB\nP\n"
    assert three.done("find", "S", "--pull", "--invert") == "P\n"
    assert three.done("find", "S", "--replicas", "1", "--pending", "6") == "B\n"
    expression = 'info.num_pending > 6 and config.ack_policy == "none"'
    assert json.loads(three.done("find", "S", "--expression", expression, "--json")) == ["A", "P"]


def test_find_names_what_is_wrong_with_an_expression(three: Stage) -> None:
    assert "(1:" in three.failed("find", "S", "--expression", "config.max_ack_pending ==")


def test_info_and_state(three: Stage) -> None:
    out = three.done("state", "S", "B")
    assert out.startswith(f"State for Consumer {three.stream} > B created ")
    assert "Configuration" not in out
    for row in ("Last Delivered Message: Consumer sequence: 9 Stream sequence: 9 Last delivery: ",
                "Acknowledgment Floor: Consumer sequence: 9 Stream sequence: 9 Last Ack: ",
                "Redelivered Messages: 0", "Unprocessed Messages: 5"):  # fmt: skip
        assert row in out
    assert "Acknowledgment" not in three.done("state", "S", "A")
    assert "Configuration:" in three.done("info", "S", "B")
    found = json.loads(three.done("state", "S", "B", "--json"))
    assert found["stream_name"] == three.stream and "type" not in found


def test_report(three: Stage) -> None:
    out = three.done("report", "S")
    assert f"Consumer report for {three.stream} with 3 consumers" in out
    (row,) = [line for line in out.splitlines() if line.startswith("│ B ")]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "B", "Pull", "Explicit", "30.00s", "0", "0", "5 / 35%", "9", "0", "",
    ]  # fmt: skip
    assert "RAFT Leader Report" not in three.done("report", "S", "--leaders")
    raw = three.done("report", "S", "--raw")
    assert "│ 30s " in raw and "35%" not in raw
    assert len(json.loads(three.done("report", "S", "--json"))) == 3


def test_an_unknown_consumer(stage: Stage) -> None:
    for command in ("info", "state", "pause", "reset", "unpin", "rm", "edit"):
        assert stage.failed(command, "S", "nope") == (
            f'could not select Consumer: unknown consumer "{stage.stream}" > "nope"'
        )


def test_an_unknown_stream(stage: Stage) -> None:
    for words in (("info", "nope", "C"), ("rm", "nope", "C"), ("ls", "nope"), ("report", "nope")):
        assert stage.failed(*words) == 'stream "nope" not found'


def test_names_that_are_missing(stage: Stage) -> None:
    for command in ("info", "state", "reset", "sub"):
        assert stage.failed(command, "S") == (
            "could not select Consumer: cannot pick a Consumer without a terminal and no Consumer "
            "name supplied"
        )
        assert "cannot pick a Stream without a terminal" in stage.failed(command)


def test_no_select_never_asks(stage: Stage) -> None:
    assert stage.failed("info", "S", "--no-select") == (
        "could not select Consumer: no Consumer name supplied"
    )
    assert stage.failed("ls", "--no-select") == "could not select Stream: no Stream name supplied"


def test_without_jetstream_one_sentence_says_so(cli: Cli) -> None:
    for words in (("consumer", "ls", "S"), ("consumer", "next", "S", "C"), ("counter", "ls", "x")):
        result = cli.run(*words)
        assert (result.code, result.out, result.err) == (
            1, "", "pynats: error: JetStream is not enabled on this server or account\n",
        )  # fmt: skip


def test_graphs_need_a_terminal(stage: Stage) -> None:
    assert stage.failed("graph", "S", "C") == ("can only graph data on an interactive terminal")


@pytest.mark.parametrize(
    ("messages", "shown"), [(0, "5"), (6, "5 / 83%"), (5, "5 / 100%"), (1_000_000, "5 / 0%")]
)
def test_a_report_shows_shares_of_streams_that_hold_something(
    messages: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", "csv")
    info = {"name": "C", "config": {}, "num_pending": 5}
    assert report_table("S", messages, [info]).splitlines()[1].split(",")[6] == shown
