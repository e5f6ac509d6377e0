"""`stream info`, `state`, `subjects`, `get`, `view`, `gaps`, and lists."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

Run = Callable[..., str]
Json = Callable[..., Any]


def test_info_and_state_have_the_rows_of_the_original(run: Run, filled: str) -> None:
    shown = run("info", filled)
    labels = re.findall(r"^ *([A-Z][^:\n]*):", shown.partition("\n")[2], re.MULTILINE)
    wanted = [
        "Subjects", "Replicas", "Storage", "Options", "Retention", "Acknowledgments",
        "Discard Policy", "Duplicate Window", "Direct Get", "Allows Atomic Batch Publish",
        "Allows Fast Batch Publish", "Allows Counters", "Allows Msg Delete",
        "Allows Per-Message TTL", "Allows Purge", "Allows Schedules", "Allows Rollups", "Limits",
        "Maximum Messages", "Maximum Per Subject", "Maximum Bytes", "Maximum Age",
        "Maximum Message Size", "Maximum Consumers", "State", "Host Version", "Required API Level",
        "Messages", "Bytes", "First Sequence", "Last Sequence", "Active Consumers",
        "Number of Subjects",
    ]  # fmt: skip
    assert labels == wanted
    state = run("state", filled)
    assert state.startswith(f"State for Stream {filled} created ")
    assert run("info", filled, "--state") == state
    assert "Messages: 4\n" in state and "First Sequence: 1 @ 20" in state


def test_state_as_json_is_the_whole_information(read: Json, filled: str) -> None:
    whole = read("info", filled)
    assert list(whole)[:3] == ["config", "created", "state"]
    assert read("state", filled)["config"] == whole["config"]
    assert read("info", filled, "--state")["state"]["messages"] == 4


def test_a_given_name_is_never_picked_again(fails: Run) -> None:
    for command in ("info", "state", "subjects", "purge", "get", "view", "gaps", "rm", "edit"):
        assert fails(command, "nope") == 'stream "nope" not found', command
    assert fails("info", "nope", "--no-select") == 'stream "nope" not found'
    assert fails("info", "a b") == '"a b" is not a valid stream name'
    assert fails("info") == "cannot pick a Stream without a terminal and no Stream name supplied"
    assert fails("state", "--no-select") == "no Stream name supplied"


def test_subjects_are_shown_with_the_rarest_first(run: Run, read: Json, filled: str) -> None:
    shown = run("subjects", filled)
    assert f"2 Subjects in stream {filled}" in shown
    assert shown.index(f"{filled}.b") < shown.index(f"{filled}.a")
    other = run("subjects", filled, "--reverse")
    assert other.index(f"{filled}.a") < other.index(f"{filled}.b")
    assert run("subjects", filled, "--names") == f"{filled}.a\n{filled}.b\n"
    assert read("subjects", filled) == {f"{filled}.a": 3, f"{filled}.b": 1}
    assert read("subjects", filled, f"{filled}.b") == {f"{filled}.b": 1}
    assert read("subjects", filled, "nope") == {}
    assert run("subjects", filled, "nope") == "No subjects found matching nope\n"


def test_get_by_sequence_and_by_subject(run: Run, fails: Run, read: Json, filled: str) -> None:
    shown = run("get", filled, "4")
    head, _, rest = shown.partition("\n\n")
    assert re.fullmatch(
        rf"Item: {filled}#4 received \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC \(.+\) "
        rf"on Subject {filled}\.b", head
    )  # fmt: skip
    assert rest == "Headers:\n  K: V\n\nm4\n\n"
    assert f"{filled}#3 " in run("get", filled, "-S", f"{filled}.a")
    assert f"{filled}#4 " in run("get", filled, "--last-for", f"{filled}.*")
    assert run("get", filled, "1", "--translate", "wc -c").endswith("\n\n2\n\n\n")
    message = read("get", filled, "4")
    assert list(message) == ["subject", "seq", "hdrs", "data", "time"]
    assert base64.b64decode(message["data"]) == b"m4"
    assert fails("get", filled, "-S", "nope") == (
        f"could not retrieve {filled} > nope: no message found (10037)"
    )
    assert fails("get", filled, "99") == (
        f"could not retrieve {filled}#99: no message found (10037)"
    )
    assert fails("get", filled, "0").endswith("bad request (10003)")
    assert fails("get", filled, "abc").endswith('message id must be a number, got "abc"')
    assert "the sequence or --last-for is missing" in fails("get", filled)


def test_bodies_that_no_terminal_shows_are_base64(run: Run, made: str, stream_cli: Cli) -> None:
    body = bytes(range(256))
    assert stream_cli.run("pub", f"{made}.x", "-J", stdin=body).code == 0
    shown = run("get", made, "1")
    assert "(binary, 256 bytes, base64)\n" + base64.b64encode(body).decode() in shown


def test_view_without_a_terminal_prints_everything(run: Run, stream_cli: Cli, filled: str) -> None:
    shown = run("view", filled, "2")
    numbers = re.findall(r"^\[(\d)\] Subject: (\S+) Received: 20", shown, re.MULTILINE)
    assert numbers == [("1", f"{filled}.a"), ("2", f"{filled}.a"), ("3", f"{filled}.a"),
                       ("4", f"{filled}.b")]  # fmt: skip
    assert shown.endswith("\n\n  K: V\nm4\n\n")
    assert run("view", filled, "--raw") == "m1\nm2\nm3\nm4\n"
    assert run("view", filled, "--raw", "--id", "3") == "m3\nm4\n"
    assert run("view", filled, "--raw", "--subject", f"{filled}.b") == "m4\n"
    assert run("view", filled, "--raw", "--since", "1h") == "m1\nm2\nm3\nm4\n"
    assert run("view", filled, "--raw", "--id", "4", "--translate", "wc -c") == "2\n\n"
    result = stream_cli.run("stream", "view", filled, "--raw")
    assert result.err.rstrip().endswith("Reached apparent end of data")


def test_streams_of_every_retention_can_be_viewed(run: Run, name: str, stream_cli: Cli) -> None:
    run("add", name, "--subjects", name, "--defaults", "--retention", "work", "--no-allow-direct")
    stream_cli.run("pub", name, "job", "-J", "-q")
    assert run("view", name, "--raw") == "job\n"
    assert run("view", name, "--raw") == "job\n"


def test_gaps(run: Run, fails: Run, read: Json, filled: str) -> None:
    assert run("gaps", filled) == f"No deleted messages in {filled}\n"
    assert read("gaps", filled) == []
    for sequence in ("2", "3"):
        assert run("rmm", filled, sequence, "-f") == ""
    result = fails("gaps", filled)
    assert "--force is missing" in result
    shown = run("gaps", filled, "-f")
    assert f"1 gap found in Stream {filled}" in shown and "First Message" in shown
    assert read("gaps", filled, "-f") == [[2, 3]]


def test_ls(run: Run, read: Json, filled: str) -> None:
    shown = run("ls", "--subject", f"{filled}.a")
    assert f"Streams matching {filled}.a" in shown
    assert re.search(rf"│ {filled} +│ +│ 20\S+ \S+ │ +4 │", shown)
    assert run("ls", "--subject", f"{filled}.a", "--names") == f"{filled}\n"
    assert read("ls", "--subject", f"{filled}.a") == [filled]
    assert read("ls", "--subject", "no.such") == []
    assert run("ls", "--subject", "no.such") == "No Streams defined\n"


def test_streams_of_buckets_are_listed_with_all(run: Run, read: Json, name: str) -> None:
    run("add", f"KV_{name}", "--subjects", f"$KV.{name}.>", "--defaults")
    assert f"KV_{name}" not in read("ls") and f"KV_{name}" in read("ls", "--all")
    assert "pass -a" in run("ls", "--subject", f"$KV.{name}.>")
    assert f"KV_{name}" in run("-a", "ls", "--subject", f"$KV.{name}.>")


def test_reports(run: Run, read: Json, filled: str, tmp_path: Path) -> None:
    run("add", f"{filled}_m", "--mirror", filled, "--defaults")
    path = tmp_path / "flow.dot"
    shown = run("report", "--dot", str(path), "--name", "--raw", "--leaders")
    row = next(line for line in shown.splitlines() if line.startswith(f"│ {filled} "))
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:5] == [filled, "Memory", "", "0", "4"] and cells[5].isdecimal()
    assert "Replication Report" in shown and re.search(rf"│ {filled}_m +│ Mirror +│", shown)
    graph = path.read_text()
    assert graph.startswith("digraph {") and f'label="{filled}_m"' in graph
    assert '[color="blue",label="Mirror"]' in graph
    infos = read("report", "--name")
    assert filled in [info["config"]["name"] for info in infos]
    assert [info["config"]["name"] for info in infos] == sorted(
        info["config"]["name"] for info in infos
    )
    sizes = [info["state"]["bytes"] for info in read("report")]
    assert sizes == sorted(sizes)
    assert run("report", "--subject", "no.such") == "No Streams defined\n"
    assert run("report", "--cluster", "no-such") == "No Streams defined\n"


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (("--empty",), "E"),
        (("--empty", "--invert"), "FM"),
        (("--mirrored",), "M"),
        (("--sourced",), ""),
        (("--replicas", "1", "--consumers", "0"), "EFM"),
        (("--created", "1h"), ""),
        (("--created", "1h", "--invert"), "EFM"),
        (("--idle", "1h"), "E"),
        (("--subject", "NAME_E.>"), "E"),
        (("--subject", "NAME_F.>", "--empty", "--invert"), "EFM"),
        (("--api-level", "9"), ""),
        (("--leader", "x"), ""),
        (("--expression", "state.messages == 4 && not (config.mirror != nil)"), "F"),
        (("--expression", "Info.State.Msgs == 4 and Info.Config.MaxMsgsPer == 44"), "F"),
        (("--expression", 'config.name endsWith "E" or state.messages > 1'), "EFM"),
        (("--expression", 'config.max_age > duration("30m")'), "E"),
        (("--expression", "state.last_ts > now() - duration('1h')"), "FM"),
        (("--expression", 'any(config.subjects, # endsWith "F.>")', "--invert"), "EM"),
    ],
)  # fmt: skip
def test_find(three: str, run: Run, flags: tuple[str, ...], found: str) -> None:
    arguments = [flag.replace("NAME", three) for flag in flags]
    names = run("find", "--names", *arguments).split()
    own = [name.removeprefix(f"{three}_") for name in names if name.startswith(f"{three}_")]
    assert "".join(own) == found


@pytest.fixture
def three(run: Run, stream_cli: Cli) -> str:
    """Streams <name>_E (empty), _F (four messages) and _M, a mirror of F; made once."""
    name = "find_three"
    if f"{name}_F" not in run("ls", "--names").split():
        run("add", f"{name}_E", "--subjects", f"{name}_E.>", "--defaults", "--max-age", "1h")
        run("add", f"{name}_F", "--subjects", f"{name}_F.>", "--defaults",
            "--max-msgs-per-subject", "44")  # fmt: skip
        run("add", f"{name}_M", "--mirror", f"{name}_F", "--defaults")
        published = stream_cli.run("pub", f"{name}_F.a", "m", "--count", "4", "-J", "-q")
        assert published.code == 0, published
        wait_for_copy(run, f"{name}_M")
    return name


def wait_for_copy(run: Run, mirror: str) -> None:
    from tests.support.deadline import wait_until

    wait_until(
        lambda: json.loads(run("info", mirror, "--json"))["state"]["messages"] == 4, "the mirror"
    )


def test_find_shows_a_table_and_refuses_bad_expressions(
    run: Run, fails: Run, read: Json, made: str
) -> None:
    assert made in run("find", "--expression", f"config.name == '{made}'")
    assert [each["config"]["name"] for each in read("find", "--subject", f"{made}.>")] == [made]
    assert read("find", "--expression", "1 == 2") == []
    assert fails("find", "--expression", "config.name ==") == (
        "invalid expression: unexpected token EOF (1:15)"
    )
    assert "(1:1)" in fails("find", "--expression", "conf.name == 1")


def test_graph_needs_a_terminal(fails: Run, made: str) -> None:
    assert fails("graph", made) == "can only graph data on an interactive terminal"
