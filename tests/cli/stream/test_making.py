"""`stream add`, `copy`, `edit`, `seal`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., str]
Json = Callable[..., Any]


def test_add_shows_the_stream_and_may_be_repeated(run: Run, fails: Run, name: str) -> None:
    arguments = ("add", name, "--subjects", f"{name}.a,{name}.b {name}.c", "--defaults")
    shown = run(*arguments)
    assert shown.startswith(f"Stream {name} was created\n\nInformation for Stream {name} created")
    assert f"Subjects: {name}.a, {name}.b, {name}.c\n" in shown
    assert "\n\nOptions:\n\n" in shown and "Duplicate Window: 2m0s" in shown
    assert run(*arguments).startswith(f"Stream {name} was created")
    assert fails(*arguments, "--max-msgs", "5") == (
        "could not create Stream: stream name already in use with a different configuration (10058)"
    )


def test_every_flag_reaches_the_configuration(read: Json, name: str) -> None:
    config = read(
        "add", name, "--subjects", name, "--defaults", "--description", "why", "--storage", "m",
        "--retention", "work", "--discard-per-subject", "--max-msgs", "5",
        "--max-msgs-per-subject=4", "--max-bytes", "1M", "--max-age", "1h", "--max-msg-size", "1k",
        "--max-consumers", "3", "--dupe-window", "1m", "--no-ack", "--first-sequence", "50",
        "--limit-consumer-inactive", "5s", "--limit-consumer-max-pending", "7", "--allow-msg-ttl",
        "--subject-del-markers-ttl", "5s", "--allow-rollup", "--no-allow-direct", "--deny-delete",
        "--republish-source", name, "--republish-destination", "rp", "--republish-headers",
        "--transform-source", name, "--transform-destination", name, "--metadata", "a=b",
        "--allow-batch", "--replicas", "1",
    )["config"]  # fmt: skip
    wanted = {
        "description": "why", "storage": "memory", "retention": "workqueue", "discard": "new",
        "discard_new_per_subject": True, "max_msgs": 5, "max_msgs_per_subject": 4,
        "max_bytes": 1 << 20, "max_age": 3600 * 10**9, "max_msg_size": 1024, "max_consumers": 3,
        "duplicate_window": 60 * 10**9, "no_ack": True, "first_seq": 50, "allow_msg_ttl": True,
        "consumer_limits": {"inactive_threshold": 5 * 10**9, "max_ack_pending": 7},
        "subject_delete_marker_ttl": 5 * 10**9, "allow_rollup_hdrs": True, "allow_direct": False,
        "deny_delete": True, "republish": {"src": name, "dest": "rp", "headers_only": True},
        "subject_transform": {"src": name, "dest": name}, "allow_atomic": True,
    }  # fmt: skip
    assert {key: config.get(key) for key in wanted} == wanted
    assert config["metadata"]["a"] == "b"


def test_mirrors_and_sources_by_name_or_as_json(run: Run, read: Json, made: str) -> None:
    assert read("add", f"{made}_m", "--mirror", made, "--defaults")["config"]["mirror"] == {
        "name": made
    }
    source = json.dumps({"name": made, "filter_subject": f"{made}.a", "opt_start_seq": 4})
    shown = run("add", f"{made}_s", "--source", source, "--source", f"{made}_m", "--defaults")
    assert f"Sources: {made}, Start Seq: 4\n" in shown and f" {made}_m\n" in shown


def test_a_duplicate_window_is_no_longer_than_the_age(read: Json, name: str) -> None:
    config = read("add", name, "--subjects", name, "--defaults", "--max-age", "30s")["config"]
    assert config["duplicate_window"] == config["max_age"] == 30 * 10**9


def test_what_is_missing_is_named(fails: Run, name: str) -> None:
    assert "the stream's name is missing" in fails("add", "--subjects", name)
    assert "--subjects, --mirror or --source is missing" in fails("add", name, "--defaults")
    assert "--storage or --defaults is missing" in fails("add", name, "--subjects", name)
    assert fails("add", "a.b", "--subjects", name, "--defaults").startswith("validation failed")
    fault = fails("add", name, "--subjects", name, "--defaults", "--storage", "foo")
    assert "--storage" in fault and "must be one of file, memory" in fault


def test_files_are_completed_and_flags_go_before_them(
    read: Json, run: Run, fails: Run, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "stream.json"
    path.write_text(json.dumps({"name": "other", "subjects": ["no"], "bogus": 1}))
    config = read("add", name, "--config", str(path), "--subjects", name)["config"]
    assert (config["name"], config["subjects"], config["num_replicas"]) == (name, [name], 1)
    path.write_text(run("info", name, "--json"))
    again = read("add", f"{name}2", "--config", str(path), "--subjects", f"{name}2")["config"]
    assert again["name"] == f"{name}2"
    path.write_text('{"name": "X", "retention": "foo"}')
    assert fails("add", "--config", str(path)).endswith(
        'retention: must be one of limits, interest, workqueue, got "foo"'
    )
    path.write_text('{"name": "X", "max_msgs": "many"}')
    assert 'max_msgs: must be a whole number, got "many"' in fails("add", "--config", str(path))
    path.write_text("{")
    assert "not valid JSON" in fails("add", "--config", str(path))


def test_a_configuration_is_validated_or_written_without_a_stream(
    run: Run, fails: Run, name: str, tmp_path: Path
) -> None:
    arguments = ("add", name, "--subjects", name, "--defaults")
    shown = run(*arguments, "--validate")
    config, _, last = shown.rpartition("\n\n")
    assert json.loads(config)["name"] == name and last.startswith("Configuration is a valid Stream")
    path = tmp_path / "out.json"
    assert run(*arguments, "--output", str(path)) == ""
    assert json.loads(path.read_text())["subjects"] == [name]
    assert not path.read_text().endswith("\n")
    assert fails("info", name) == f'stream "{name}" not found'
    assert "num_replicas" in fails(*arguments, "--replicas", "9", "--validate")


def test_copy_is_headed_with_the_new_name(run: Run, read: Json, fails: Run, made: str) -> None:
    new = f"{made}_2"
    assert fails("copy", made, new) == (
        "could not create Stream: subjects overlap with an existing stream (10065)"
    )
    shown = run("copy", made, new, "--subjects", new, "--max-msgs", "7")
    assert shown.startswith(f"Stream {new} was created\n\nInformation for Stream {new} created")
    config = read("info", new)["config"]
    assert (config["max_msgs"], config["storage"]) == (7, "memory")
    assert "cannot be the same" in fails("copy", made, made)
    assert fails("copy", "nope", new) == 'stream "nope" not found'


def test_an_edit_shows_fields_and_only_changes_what_was_given(
    run: Run, read: Json, fails: Run, made: str
) -> None:
    before = read("info", made)["config"]
    assert run("edit", made) == "No difference in configuration\n"
    assert run("edit", made, "--dry-run") == "No difference in configuration\n"
    shown = run("edit", made, "--max-age", "1d", "--tag", "a", "--dry-run", code=1)
    assert shown == (
        "Differences (-old +new):\n"
        "- max_age:   unlimited\n+ max_age:   1d0h0m0s\n"
        '+ placement: {"tags": ["a"]}\n\n'
    )
    assert read("info", made)["config"] == before
    assert "without a terminal" in fails_after_output(run, made)
    changed = run("edit", made, "--max-msgs", "5", "--metadata", "x=y", "--force")
    assert "+ max_msgs: 5\n" in changed and f"Stream {made} was updated" in changed
    after = read("info", made)["config"]
    assert after["metadata"].pop("x") == "y"
    assert after == {**before, "max_msgs": 5}


def fails_after_output(run: Run, stream: str) -> str:
    return "without a terminal" if run("edit", stream, "--max-msgs", "9", code=1) else ""


def test_json_of_an_edit_is_one_document(read: Json, made: str) -> None:
    assert read("edit", made, "--max-msgs", "6", "--dry-run", code=1) == [
        {"field": "max_msgs", "old": -1, "new": 6}
    ]
    assert read("edit", made, "--dry-run") == []
    assert read("edit", made, "--max-msgs", "6", "--force")["config"]["max_msgs"] == 6


def test_saved_information_changes_nothing(run: Run, made: str, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(run("info", made, "--json"))
    assert run("edit", made, "--config", str(path)) == "No difference in configuration\n"
    config = json.loads(path.read_text())["config"]
    path.write_text(json.dumps({**config, "max_msgs": 3}))
    assert "+ max_msgs: 3" in run("edit", made, "--config", str(path), "--dry-run", code=1)


def test_what_cannot_be_edited_is_said(run: Run, fails: Run, stream_cli: Any, made: str) -> None:
    assert "No such option: --storage" in fails("edit", made, "--storage", "file")
    assert fails("edit", made, "--mirror", "x").startswith("cannot edit mirrors, or sources")
    assert fails("edit", "nope", "--max-msgs", "1", "-f") == 'stream "nope" not found'
    result = stream_cli.run("stream", "edit", made, "--retention", "workq", "--force")
    assert result.code == 1 and f"could not edit Stream {made}: " in result.err
    assert "(10052)" in result.err


def test_a_mirror_becomes_a_stream(run: Run, read: Json, made: str) -> None:
    mirror = f"{made}_m"
    run("add", mirror, "--mirror", made, "--defaults")
    run("edit", mirror, "--no-mirror", "--subjects", f"{mirror}.>", "--force")
    config = read("info", mirror)["config"]
    assert "mirror" not in config and config["subjects"] == [f"{mirror}.>"]


def test_republishing_and_renaming_end(run: Run, read: Json, name: str) -> None:
    run("add", name, "--subjects", name, "--defaults", "--republish-source", name,
        "--republish-destination", "rp", "--transform-source", name,
        "--transform-destination", name)  # fmt: skip
    run("edit", name, "--no-republish", "--no-transform", "--force")
    config = read("info", name)["config"]
    assert "republish" not in config and "subject_transform" not in config


def test_an_editor_changes_a_stream(
    run: Run, read: Json, fails: Run, made: str, tmp_path: Path
) -> None:
    editor = tmp_path / "edit.py"
    editor.write_text(
        "import json, sys\n"
        "config = json.load(open(sys.argv[1]))\n"
        "config['max_msgs'] = 9\n"
        "json.dump(config, open(sys.argv[1], 'w'))\n"
    )
    run("edit", made, "-i", "-f", EDITOR=f"{sys.executable} {editor}")
    assert read("info", made)["config"]["max_msgs"] == 9
    assert fails("edit", made, "-i", EDITOR="") == (
        "set EDITOR environment variable to your chosen editor"
    )
    editor.write_text("import sys\nopen(sys.argv[1], 'w').write('no')\n")
    assert "not valid JSON" in fails("edit", made, "-i", EDITOR=f"{sys.executable} {editor}")


def test_a_bucket_of_values_is_edited_like_any_stream(run: Run, name: str) -> None:
    stream = f"KV_{name}"
    run("add", stream, "--subjects", f"$KV.{name}.>", "--defaults", "--max-msgs-per-subject", "1",
        "--allow-rollup", "--deny-delete")  # fmt: skip
    shown = run("edit", stream, "--max-age", "1h", "--dry-run", code=1)
    assert "+ max_age: 1h0m0s" in shown


def test_a_sealed_stream_changes_no_more(run: Run, fails: Run, read: Json, filled: str) -> None:
    assert "--force is missing" in fails("seal", filled)
    assert "Sealed: true" in run("seal", filled, "-f")
    assert read("info", filled)["config"]["sealed"] is True
    assert fails("purge", filled, "-f").endswith(")")


@pytest.mark.parametrize("flags", [("--transform-source", "a"), ("--republish-headers",)])
def test_halves_of_pairs_are_refused(fails: Run, name: str, flags: tuple[str, ...]) -> None:
    assert "needs --" in fails("add", name, "--subjects", name, "--defaults", *flags)
