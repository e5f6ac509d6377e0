"""`consumer add` and `consumer copy`: from flags, from files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.consumer.conftest import Stage


def test_a_pull_consumer_by_default(stage: Stage) -> None:
    out = stage.done("add", "S", "C", "--defaults")
    assert out.startswith(f"Information for Consumer {stage.stream} > C created ")
    for row in ("Pull Mode: true", "Deliver Policy: All", "Ack Policy: Explicit",
                "Ack Wait: 30.00s", "Replay Policy: Instant", "Max Ack Pending: 1,000",
                "Max Waiting Pulls: 512", "Unprocessed Messages: 14",
                "Waiting Pulls: 0 of maximum 512"):  # fmt: skip
        assert row in out
    assert stage.info("C")["config"]["durable_name"] == "C"


def test_every_flag_of_a_push_consumer(stage: Stage) -> None:
    stage.done(
        "add", "S", "P", "--target", "push.x", "--deliver-group", "g1", "--ack", "all",
        "--flow-control", "--heartbeat", "5s", "--filter", f"{stage.stream}.a",
        "--filter", f"{stage.stream}.b,{stage.stream}.c", "--sample", "50", "--bps", "1000",
        "--replay", "original", "--deliver", "5", "--description", "a desc", "--headers-only",
        "--max-deliver", "4", "--wait", "20s", "--max-pending", "77", "--metadata", "a=b",
        "--metadata", "c=d", "--inactive-threshold", "1h", "--replicas", "1", "--memory",
        "--defaults",
    )  # fmt: skip
    config = stage.info("P")["config"]
    own = {key: value for key, value in config.pop("metadata").items() if key[0] != "_"}
    assert own == {"a": "b", "c": "d"}
    assert config == {
        "durable_name": "P", "name": "P", "description": "a desc", "deliver_subject": "push.x",
        "deliver_group": "g1", "ack_policy": "all", "ack_wait": 20_000_000_000, "max_deliver": 4,
        "filter_subjects": [f"{stage.stream}.{token}" for token in "abc"],
        "replay_policy": "original", "sample_freq": "50", "rate_limit_bps": 1000,
        "max_ack_pending": 77, "idle_heartbeat": 5_000_000_000, "flow_control": True,
        "headers_only": True, "inactive_threshold": 3_600_000_000_000, "num_replicas": 1,
        "mem_storage": True, "deliver_policy": "by_start_sequence", "opt_start_seq": 5,
        "pause_until": "0001-01-01T00:00:00Z",
    }  # fmt: skip
    out = stage.done("info", "S", "P")
    for row in ("Delivery Subject: push.x", "Deliver Policy: From Sequence 5",
                "Deliver Queue Group: g1", "Rate Limit: 125 B / second", "Idle Heartbeat: 5.00s",
                "Flow Control: true", "Headers Only: true", "Maximum Deliveries: 4",
                "Sampling Rate: 50", "Active Interest: No interest",
                "Outstanding Acks: 0 out of maximum 77"):  # fmt: skip
        assert row in out


# `--deliver`, what the server is told, and how that is shown.
STARTS: list[tuple[str, dict[str, object], str]] = [
    ("all", {"deliver_policy": "all"}, "All"),
    ("new", {"deliver_policy": "new"}, "New"),
    ("last", {"deliver_policy": "last"}, "Last"),
    ("subject", {"deliver_policy": "last_per_subject", "filter_subject": ">"},
     "Last Per Subject"),
    ("7", {"deliver_policy": "by_start_sequence", "opt_start_seq": 7}, "From Sequence 7"),
    ("2026-01-01T00:00:00Z",
     {"deliver_policy": "by_start_time", "opt_start_time": "2026-01-01T00:00:00Z"},
     "Since 2026-01-01 00:00:00"),
    ("2026-01-02 03:04:05",
     {"deliver_policy": "by_start_time", "opt_start_time": "2026-01-02T03:04:05Z"},
     "Since 2026-01-02 03:04:05"),
]  # fmt: skip


def test_start_policies(stage: Stage) -> None:
    for number, (deliver, policy, shown) in enumerate(STARTS):
        out = stage.done("add", "S", f"C{number}", "--deliver", deliver, "--defaults")
        assert f"Deliver Policy: {shown}\n" in out
        assert policy.items() <= stage.info(f"C{number}")["config"].items()


def test_a_pause_and_a_start_that_is_a_while_ago(stage: Stage) -> None:
    out = stage.done("add", "S", "C", "--deliver", "1h", "--pause", "2h", "--defaults")
    assert "Deliver Policy: Since 2" in out
    assert "(2h0m0s remaining)" in out
    assert stage.info("C")["paused"] is True


def test_backoff_limits_and_priority_groups(stage: Stage) -> None:
    out = stage.done(
        "add", "S", "C", "--backoff", "linear", "--backoff-steps", "4", "--backoff-min", "1s",
        "--backoff-max", "1m", "--max-deliver", "10", "--max-pull-batch", "10",
        "--max-pull-expire", "5s", "--max-pull-bytes", "1000", "--max-waiting", "7",
        "--pinned-groups", "jobs", "--pinned-ttl", "1m", "--defaults",
    )  # fmt: skip
    for row in ("Backoff: 1s, 15.75s, 30.5s, 45.25s", "Max Pull Batch: 10",
                "Max Pull Expire: 5.00s", "Max Pull MaxBytes: 1,000",
                "Waiting Pulls: 0 of maximum 7", "Priority Policy: Pinned Client",
                "Pinned TTL: 1m0s", "Priority Groups: jobs: No client"):  # fmt: skip
        assert row in out


def test_overflow_groups_are_those_that_were_given(stage: Stage) -> None:
    stage.done("add", "S", "C", "--overflow-groups", "jobs", "--defaults")
    config = stage.info("C")["config"]
    assert (config["priority_policy"], config["priority_groups"]) == ("overflow", ["jobs"])


def test_an_ephemeral_consumer_needs_no_name(stage: Stage) -> None:
    stage.done("add", "S", "--ephemeral", "--inactive-threshold", "5m", "--defaults")
    (name,) = json.loads(stage.done("ls", "S", "--json"))
    assert "durable_name" not in stage.info(name)["config"]


# Arguments, and the complaint about them.
REFUSED: list[tuple[list[str], str]] = [
    (["a.b"], "durable name can not contain '.', '*', '>'"),
    (["C", "--heartbeat", "5s"], "pull subscribers does not support idle heartbeats"),
    (["C", "--bps", "5"], "rate limits are only possible on Push consumers"),
    (["C", "--sample", "500"], "sample percent is not between 0 and 100"),
    (["C", "--overflow-groups", "a", "--pinned-groups", "b"],
     "setting both overflow and pinned groups are not supported"),
    (["C", "--pinned-ttl", "1m"], "--pinned-ttl needs --pinned-groups"),
    (["C", "--pause", "soon"],
     "could not parse the pause time as either timestamp or duration"),
    (["C", "--backoff", "linear", "--backoff-min", "1h", "--backoff-max", "1m"],
     "--backoff-max must be greater than --backoff-min"),
    (["C", "--backoff", "foo"], '--backoff: must be one of linear, none, got "foo"'),
    (["C", "--ack", "foo"],
     '--ack: must be one of none, all, explicit, flow_control, got "foo"'),
    (["C", "--wait", "5"], '--wait: invalid duration "5"'),
    (["C", "--config", "missing.json"], "--config: path 'missing.json' does not exist"),
    (["C", "--target", "x", "--flow-control"],
     "Consumer creation failed: consumer with flow control also needs heartbeats (10108)"),
    ([], "could not request durable name: the consumer's name or --ephemeral is missing"),
]  # fmt: skip


def test_refused(stage: Stage) -> None:
    complaints = [stage.failed("add", "S", *words, "--defaults") for words, _ in REFUSED]
    assert complaints == [complaint for _, complaint in REFUSED]
    assert stage.done("ls", "S", "--names") == ""


def test_a_start_policy_that_is_none_names_those_there_are(stage: Stage) -> None:
    complaint = stage.failed("add", "S", "C", "--deliver", "bogus", "--defaults")
    assert 'invalid start policy "bogus"' in complaint and "a time" in complaint


def test_an_existing_consumer_is_not_changed(stage: Stage) -> None:
    stage.done("add", "S", "C", "--filter", f"{stage.stream}.a", "--defaults")
    stage.done("add", "S", "C", "--filter", f"{stage.stream}.a", "--defaults")
    complaint = stage.failed("add", "S", "C", "--filter", f"{stage.stream}.b", "--defaults")
    assert "already exists with other settings" in complaint and "(10148)" in complaint
    assert stage.info("C")["config"]["filter_subject"] == f"{stage.stream}.a"


def test_the_second_consumer_of_a_work_queue(stage: Stage) -> None:
    stage.cli.run("pub", "unused", "x")
    queue = f"{stage.stream}Q"
    request = json.dumps({"name": queue, "subjects": [queue], "retention": "workqueue"})
    made = stage.cli.run("req", "--raw", f"$JS.API.STREAM.CREATE.{queue}", request)
    assert '"error"' not in made.out
    stage.done("add", queue, "A", "--defaults")
    assert "(10099)" in stage.failed("add", queue, "B", "--defaults")


def test_a_file_is_written_and_read(stage: Stage, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    out = stage.done("add", "S", "C", "--description", "d", "--defaults", "--output", str(saved))
    assert out == "" and stage.done("ls", "S", "--names") == ""
    assert json.loads(saved.read_text()) == {
        "ack_policy": "explicit", "deliver_policy": "all", "durable_name": "C", "max_deliver": -1,
        "replay_policy": "instant", "num_replicas": 0, "description": "d",
        "pause_until": "0001-01-01T00:00:00Z",
    }  # fmt: skip
    stage.done("add", "S", "OTHER", "--config", str(saved), "--max-pending", "9")
    config = stage.info("OTHER")["config"]
    assert config["durable_name"] == "OTHER"
    assert (config["description"], config["max_ack_pending"]) == ("d", 9)


def test_a_file_may_be_what_info_shows_and_holds_the_name(stage: Stage, tmp_path: Path) -> None:
    stage.done("add", "S", "C", "--metadata", "a=b", "--defaults")
    saved = tmp_path / "c.json"
    saved.write_text(json.dumps(stage.info("C") | {"config": stage.info("C")["config"]}))
    stage.done("rm", "S", "C", "-f")
    stage.done("add", "S", "--config", str(saved))
    assert stage.info("C")["config"]["metadata"]["a"] == "b"


def test_an_empty_file_is_an_ephemeral_consumer(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    stage.done("add", "S", "--config", str(tmp_path / "c.json"), "--inactive-threshold", "5m")
    (name,) = json.loads(stage.done("ls", "S", "--json"))
    assert "durable_name" not in stage.info(name)["config"]


# A file, and the complaint about it.
BAD_FILES = [
    ('{"ack_policy": "foo"}',
     'ack_policy must be one of none, all, explicit, flow_control, got "foo"'),
    ('{"max_deliver": "x"}', "max_deliver must be a whole number"),
    ('{"headers_only": 1}', "headers_only must be true or false"),
    ('{"backoff": 3}', "backoff must be a list of durations"),
    ("[]", "a consumer's configuration is a JSON object"),
]  # fmt: skip


def test_a_bad_file_names_what_is_wrong(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for text, complaint in BAD_FILES:
        path.write_text(text)
        assert stage.failed("add", "S", "C", "--config", str(path)) == f"{path}: {complaint}"


def test_unknown_fields_of_a_file_are_named_and_left_out(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"durable_name": "C", "ack_policy": "explicit", "bogus": 1}')
    result = stage.run("add", "S", "--config", str(path))
    assert result.code == 0 and f"{path}: unknown field bogus is ignored" in result.err


def test_validate_creates_nothing(stage: Stage) -> None:
    result = stage.run("add", "S", "C", "--defaults", "--validate")
    assert json.loads(result.out)["durable_name"] == "C"
    assert result.err == "Configuration is a valid Consumer\n"
    assert stage.done("ls", "S", "--names") == ""


def test_json_is_one_document(stage: Stage) -> None:
    assert json.loads(stage.done("add", "S", "C", "--defaults", "--json"))["name"] == "C"


def test_copy_changes_what_flags_say(stage: Stage) -> None:
    stage.done("add", "S", "C", "--max-pending", "5", "--metadata", "a=b", "--defaults")
    subject = f"{stage.stream}.a"
    out = stage.done("copy", "S", "C", "D", "--filter", subject, "--ack", "all", "--wait", "5s")
    assert out.startswith(f"Information for Consumer {stage.stream} > D created ")
    config = stage.info("D")["config"]
    assert config["durable_name"] == "D" and config["metadata"]["a"] == "b"
    assert (config["filter_subject"], config["ack_policy"]) == (subject, "all")
    assert (config["max_ack_pending"], config["ack_wait"]) == (5, 5_000_000_000)
    assert stage.info("C")["config"].get("filter_subject") is None


def test_copies_of_the_other_kind(stage: Stage) -> None:
    stage.done("add", "S", "PULL", "--max-pull-batch", "4", "--defaults")
    stage.done("copy", "S", "PULL", "PUSH", "--target", "x.y")
    assert stage.info("PUSH")["config"]["deliver_subject"] == "x.y"
    stage.done("copy", "S", "PUSH", "AGAIN", "--pull")
    assert "deliver_subject" not in stage.info("AGAIN")["config"]


def test_an_ephemeral_copy_leaves_the_source_alone(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    stage.done("copy", "S", "C", "D", "--ephemeral", "--inactive-threshold", "5m")
    assert "durable_name" not in stage.info("D")["config"]
    assert stage.info("C")["config"]["durable_name"] == "C"


def test_copies_that_cannot_be(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    stage.done("add", "S", "D", "--defaults")
    assert stage.failed("copy", "S", "C", "C").startswith("source and destination must be diff")
    assert stage.failed("copy", "S", "C", "D") == 'consumer "D" already exists'
    missing = "could not load source Consumer: consumer not found (10014)"
    assert stage.failed("copy", "S", "nope", "E") == missing
