"""Changing consumers: edit, pause, resume, reset, unpin, rm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.consumer.conftest import Stage


@pytest.fixture
def consumer(stage: Stage) -> Stage:
    stage.done("add", "S", "C", "--defaults")
    return stage


def test_nothing_to_change(consumer: Stage) -> None:
    assert consumer.done("edit", "S", "C") == "No difference in configuration\n"
    assert consumer.done("edit", "S", "C", "--dry-run") == ""


def test_a_dry_run_shows_the_differences_and_exits_with_1(consumer: Stage) -> None:
    result = consumer.run("edit", "S", "C", "--max-pending", "50", "--metadata", "a=b", "--dry-run")
    assert result.code == 1 and result.err == ""
    assert result.out == (
        "Differences (-old +new):\n- max_ack_pending: 1000\n+ max_ack_pending: 50\n"
        "+ metadata.a: b\n"
    )
    assert consumer.info("C")["config"]["max_ack_pending"] == 1000


def test_changes_need_a_yes(consumer: Stage) -> None:
    result = consumer.run("edit", "S", "C", "--max-pending", "50")
    assert result.code == 1 and "+ max_ack_pending: 50" in result.out
    assert "cannot ask for confirmation without a terminal" in result.err
    assert consumer.info("C")["config"]["max_ack_pending"] == 1000


def test_changes_are_made_with_force(consumer: Stage) -> None:
    subjects = [f"{consumer.stream}.b", f"{consumer.stream}.c"]
    out = consumer.done(
        "edit", "S", "C", "-f", "--description", "x", "--metadata", "z=1", "--filter",
        ",".join(subjects), "--sample", "10", "--max-deliver", "5", "--headers-only",
        "--max-pull-batch", "5", "--max-pull-expire", "3s", "--max-pull-bytes", "100",
        "--inactive-threshold", "5m", "--replicas", "1", "--wait", "9s",
    )  # fmt: skip
    assert "Information for Consumer" in out
    config = consumer.info("C")["config"]
    assert config["filter_subjects"] == subjects and config["metadata"]["z"] == "1"
    expected = {
        "description": "x", "sample_freq": "10", "max_deliver": 5, "headers_only": True,
        "max_batch": 5, "max_expires": 3_000_000_000, "max_bytes": 100, "num_replicas": 1,
        "inactive_threshold": 300_000_000_000, "ack_wait": 9_000_000_000,
    }  # fmt: skip
    assert expected.items() <= config.items()
    consumer.done("edit", "S", "C", "-f", "--filter", "", "--no-headers-only")
    config = consumer.info("C")["config"]
    assert "filter_subjects" not in config and "headers_only" not in config


def test_a_backoff_rules_the_wait(consumer: Stage) -> None:
    consumer.done("edit", "S", "C", "-f", "--backoff", "linear", "--backoff-steps", "2")
    assert len(consumer.info("C")["config"]["backoff"]) == 2
    assert consumer.failed("edit", "S", "C", "-f", "--wait", "5s") == (
        "consumers with backoff policies do not support editing Ack Wait"
    )
    consumer.done("edit", "S", "C", "-f", "--backoff", "none")
    assert "backoff" not in consumer.info("C")["config"]


def test_a_file_of_what_is_there_makes_no_difference(consumer: Stage, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    saved.write_text(consumer.done("info", "S", "C", "--json"))
    assert consumer.done("edit", "S", "C", "--config", str(saved), "--dry-run") == ""
    config = json.loads(saved.read_text())["config"] | {"description": "new"}
    saved.write_text(json.dumps(config))
    assert "+ description: new" in consumer.run(
        "edit", "S", "C", "--config", str(saved), "--dry-run"
    ).out  # fmt: skip


def test_what_a_file_leaves_out_is_what_servers_take(consumer: Stage, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    saved.write_text('{"durable_name": "C", "ack_policy": "explicit"}')
    assert consumer.done("edit", "S", "C", "--config", str(saved), "--dry-run") == ""
    saved.write_text("{}")
    result = consumer.run("edit", "S", "C", "--config", str(saved), "--dry-run")
    assert "- ack_policy: explicit\n+ ack_policy: none\n" in result.out


def test_the_editor_gets_json(consumer: Stage, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/"max_deliver": -1/"max_deliver": 7/\' "$1"\n')
    editor.chmod(0o755)
    stream = consumer.stream
    result = consumer.cli.run("consumer", "edit", stream, "C", "-i", "-f", EDITOR=str(editor))
    assert result.code == 0, result.err
    assert "+ max_deliver: 7" in result.out
    assert consumer.info("C")["config"]["max_deliver"] == 7
    result = consumer.cli.run("consumer", "edit", stream, "C", "-i", "-f", EDITOR="")
    assert result.code == 1 and "set EDITOR environment variable" in result.err


def test_json_leaves_the_differences_to_stderr(consumer: Stage) -> None:
    result = consumer.run("edit", "S", "C", "-f", "--max-pending", "5", "--json")
    assert json.loads(result.out)["config"]["max_ack_pending"] == 5
    assert "+ max_ack_pending: 5" in result.err


def test_only_durable_consumers_are_edited(stage: Stage) -> None:
    stage.done("add", "S", "E", "--ephemeral", "--inactive-threshold", "5m", "--defaults")
    assert stage.failed("edit", "S", "E", "--max-pending", "5", "-f") == (
        "only durable consumers can be edited"
    )


def test_what_the_server_refuses_is_said(consumer: Stage) -> None:
    result = consumer.run("edit", "S", "C", "--target", "x.y", "-f")
    assert result.code == 1 and "(10080)" in result.err


def test_pause_and_resume(consumer: Stage) -> None:
    out = consumer.done("pause", "S", "C", "1h", "-f")
    assert out.startswith(f"Paused {consumer.stream} > C until 2") and out.endswith(" (1h0m0s)\n")
    assert "Paused Until: " in consumer.done("state", "S", "C")
    out = consumer.done("resume", "S", "C", "-f")
    assert "was resumed while previously paused until 2" in out
    assert consumer.failed("resume", "S", "C", "-f") == "consumer is not paused"


def test_pause_until_a_local_time(consumer: Stage) -> None:
    out = consumer.done("pause", "S", "C", "2090-01-31 08:00:00", "-f")
    assert out.startswith(f"Paused {consumer.stream} > C until 2090-01-31 08:00:00 (")


def test_times_until_which_nothing_is_paused(consumer: Stage) -> None:
    past = "pause request failed, perhaps due to a time in the past"
    assert consumer.failed("pause", "S", "C", "2020-01-01 00:00:00", "-f") == past
    for until in ("2090-01-31", "soon"):
        assert consumer.failed("pause", "S", "C", until, "-f") == (
            "could not parse the pause time as either timestamp or duration"
        )
    assert not consumer.info("C").get("paused")


def test_reset(consumer: Stage) -> None:
    consumer.done("next", "S", "C", "--count", "3", "--raw")
    consumer.done("next", "S", "C", "--no-ack", "--raw")
    out = consumer.done("reset", "S", "C", "-f")
    assert out.startswith(f"State for Consumer {consumer.stream} > C created ")
    assert "Last Delivered Message: Consumer sequence: 0 Stream sequence: 3" in out
    assert consumer.done("next", "S", "C", "--raw") == "hello 4\n"
    consumer.done("reset", "S", "C", "--sequence", "2", "-f")
    assert consumer.done("next", "S", "C", "--raw") == "hello 2\n"


def test_unpin(stage: Stage) -> None:
    stage.done("add", "S", "PIN", "--pinned-groups", "jobs", "--defaults")
    assert stage.failed("unpin", "S", "PIN", "-f") == "no priority groups have pinned clients"
    # Two messages in one run: the second pull has to name the pin that the first one got.
    assert stage.done("next", "S", "PIN", "--count", "2", "--raw") == "hello 1\nhello 2\n"
    pinned = stage.info("PIN")["priority_groups"][0]["pinned_client_id"]
    assert f"Priority Groups: jobs: pinned {pinned} at 2" in stage.done("info", "S", "PIN")
    assert stage.failed("unpin", "S", "PIN", "other", "-f") == (
        'priority group "other" has no pinned client'
    )
    assert stage.done("unpin", "S", "PIN", "jobs", "-f") == (
        f"Unpinned client {pinned} from Priority Group {stage.stream} > PIN > jobs\n"
    )
    assert "Priority Groups: jobs: No client" in stage.done("state", "S", "PIN")


def test_only_pinned_consumers_are_unpinned(consumer: Stage) -> None:
    assert consumer.failed("unpin", "S", "C", "-f") == "consumer is not a pinned priority consumer"


def test_rm(consumer: Stage) -> None:
    assert consumer.failed("rm", "S", "-f") == "--force requires a stream and consumer name"
    assert consumer.failed("rm", "-f") == "--force requires a stream and consumer name"
    assert consumer.done("rm", "S", "C", "-f") == ""
    assert consumer.failed("rm", "S", "C", "-f") == "consumer not found (10014)"


def test_without_a_terminal_nothing_is_done(consumer: Stage) -> None:
    before = consumer.info("C")["config"]
    for command, *more in (("rm",), ("pause", "1h"), ("reset",), ("edit", "--sample", "5")):
        result = consumer.run(command, "S", "C", *more)
        assert result.code == 1
        assert "cannot ask for confirmation without a terminal" in result.err
    assert consumer.info("C")["config"] == before


def test_what_is_not_clustered(consumer: Stage) -> None:
    name = f'"{consumer.stream}" > "C"'
    assert consumer.failed("cluster", "step-down", "S", "C") == (
        f"consumer {name} is not clustered"
    )
    assert consumer.failed("cluster", "evacuate", "S", "C", "n1", "-f") == (
        'consumer "C" is not clustered'
    )
    assert consumer.failed("cluster", "balance", "S").endswith('consumer "C" has no cluster info')
    assert consumer.done("cluster", "balance", "S", "--push") == (
        f"No consumers on {consumer.stream}\n"
    )
