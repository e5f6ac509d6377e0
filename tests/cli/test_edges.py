"""Behaviours at the edges that went wrong in the field and belong to no single command."""

from __future__ import annotations

import json

import pytest
from pynats_cli.messages.publisher.source import MessageSource
from pynats_cli.screen.output import compact_body
from pynats_common.commandline.kinds import DURATION, SIZE, SUBJECTS
from pynats_common.go.durations import SECOND_NS, human_duration_ns

from tests.cli.conftest import Cli


def test_a_given_body_leaves_standard_input_alone() -> None:
    assert not MessageSource("s", "body", True, "eof", True).uses_stdin
    assert not MessageSource("s", "", True, "eof", True).uses_stdin
    assert MessageSource("s", None, True, "eof", True).uses_stdin


def test_a_body_that_cannot_be_translated_is_told_and_the_next_one_follows(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert compact_body(b"x", "false") is None
    assert capfd.readouterr().out == '""\nError while translating msg body: exit status 1\n\n'


@pytest.mark.parametrize(
    "text, seconds, shown",
    [
        ("1M", 30 * 86_400, "30d0h0m0s"),
        ("1m", 60, "1m0s"),
        ("1d12h", 129_600, "1d12h0m0s"),
        ("1w", 7 * 86_400, "7d0h0m0s"),
        ("1y", 365 * 86_400, "1y0d0h0m0s"),
        ("1.5h", 5_400, "1h30m0s"),
    ],
)
def test_durations_are_read_and_shown(text: str, seconds: int, shown: str) -> None:
    assert DURATION.parse(text) == seconds * SECOND_NS
    assert human_duration_ns(seconds * SECOND_NS) == shown


@pytest.mark.parametrize("text", ["5", "1day", "1mo", "abc"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        DURATION.parse(text)


@pytest.mark.parametrize(
    "text, size", [("512", 512), ("1k", 1024), ("1K", 1024), ("1MiB", 1 << 20), ("1mb", 1 << 20)]
)
def test_sizes(text: str, size: int) -> None:
    assert SIZE.parse(text) == size
    with pytest.raises(ValueError, match="invalid size"):
        SIZE.parse("10X")


def test_subjects_are_split_at_commas_and_blanks() -> None:
    assert SUBJECTS.parse("a,b c\td") == ["a", "b", "c", "d"]


def test_the_first_server_may_be_dead_and_a_login_may_stand_in_the_address(cli: Cli) -> None:
    server = cli.environment["NATS_URL"].removeprefix("nats://")
    assert cli.run("pub", "a", "b", "-s", f"127.0.0.1:1,nats://u:p@{server}").code == 0


def test_a_body_over_the_limit_is_refused_before_it_is_sent(cli: Cli) -> None:
    done = cli.run("pub", "a", stdin=bytes((1 << 20) + 1))
    assert done.code == 1
    assert done.err.endswith("nats: maximum payload exceeded\n")


def test_screens_of_contexts_warn_of_the_environment(lone_cli: Cli) -> None:
    warning = "WARNING: Shell environment overrides in place using NATS_URL\n"
    for command in (("add", "one", "-s", "x:1"), ("info", "one"), ("select", "one"), ("validate",)):
        assert warning in lone_cli.run("context", *command, NATS_URL="y:2").out
    assert "WARNING" not in lone_cli.run("context", "info", "one").out


def test_an_unknown_colour_is_an_error_of_every_command(lone_cli: Cli) -> None:
    done = lone_cli.run("context", "ls", NATS_COLOR="pink")
    assert (done.code, done.out) == (1, "")
    assert "$NATS_COLOR: enum value must be one of" in done.err


def test_buckets_are_streams_and_mirrors_write_to_their_origin(stream_cli: Cli) -> None:
    assert stream_cli.run("kv", "add", "EDGE").code == 0
    assert stream_cli.run("kv", "add", "EDGE_M", "--mirror", "EDGE").code == 0
    assert stream_cli.run("kv", "put", "EDGE_M", "k", "v").code == 0
    assert stream_cli.run("kv", "get", "EDGE", "k", "--raw").out == "v"
    same = stream_cli.run("stream", "edit", "KV_EDGE", "--dry-run")
    assert (same.code, same.out) == (0, "No difference in configuration\n")
    other = stream_cli.run("stream", "edit", "KV_EDGE", "--dry-run", "--max-msgs", "9")
    assert (other.code, "+ max_msgs: 9" in other.out) == (1, True)


def test_an_edit_from_a_file_is_compared_with_what_the_server_makes_of_it(stream_cli: Cli) -> None:
    made = ("--subjects", "edge_d.>", "--defaults", "--max-age", "30s")
    assert stream_cli.run("stream", "add", "EDGE_D", *made).code == 0
    file = stream_cli.home / "d.json"
    config = {"name": "EDGE_D", "subjects": ["edge_d.>"], "allow_direct": True, "max_msgs": 0}
    file.write_text(json.dumps({**config, "max_age": 30 * SECOND_NS}))
    edit = ("stream", "edit", "EDGE_D", "--config", str(file))
    same = stream_cli.run(*edit, "--dry-run")
    assert (same.code, same.out) == (0, "No difference in configuration\n")
    file.write_text(json.dumps(config))
    other = stream_cli.run(*edit, "--dry-run")
    assert other.code == 1
    assert other.out.split("\n")[1:5] == [
        "- max_age:          30.00s", "+ max_age:          unlimited",
        "- duplicate_window: 30.00s", "+ duplicate_window: 2m0s",
    ]  # fmt: skip
    assert stream_cli.run(*edit, "-f").code == 0
    info = json.loads(stream_cli.run("stream", "info", "EDGE_D", "--json").out)
    assert info["config"]["duplicate_window"] == 120 * SECOND_NS


def test_names_are_all_and_what_is_found_is_in_order_of_size(stream_cli: Cli) -> None:
    assert stream_cli.run("kv", "add", "EDGE_A").code == 0
    assert stream_cli.run("kv", "put", "EDGE_A", "k", "v" * 50).code == 0
    assert stream_cli.run("stream", "add", "EDGE_Z", "--subjects", "z", "--defaults").code == 0
    assert "KV_EDGE_A\n" in stream_cli.run("stream", "ls", "-n").out
    assert "KV_EDGE_A" not in stream_cli.run("stream", "ls").out
    rows = stream_cli.run("stream", "find", NATS_TABLE_FORMAT="csv").out.splitlines()
    names = [row.split(",")[0] for row in rows]
    assert names.index("EDGE_Z") < names.index("KV_EDGE_A")


def test_progress_is_for_terminals(stream_cli: Cli) -> None:
    assert stream_cli.run("object", "add", "EDGE").code == 0
    put = stream_cli.run("object", "put", "EDGE", "--name", "big", stdin=bytes(100_000))
    assert put.code == 0
    assert put.out.startswith("Object information for EDGE > big\n")
    target = stream_cli.home / "got"
    got = stream_cli.run("object", "get", "EDGE", "big", "-O", str(target))
    assert got.out.startswith("Wrote: 98 KiB to ")
    assert (put.err, got.err) == ("", "")
