"""What changes: only what is declared, in an order that is possible, and marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_cli.jetstream.apply.document import Document, read_document
from pynats_cli.jetstream.apply.export import export
from pynats_cli.jetstream.apply.fields import duration_text
from pynats_cli.jetstream.apply.plan import MARK, Plan, Present, make_plan
from pynats_cli.jetstream.apply.screens import plan_screen


def document(tmp_path: Path, text: str) -> Document:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    return read_document(str(file))


def stream(name: str, mark: str = "", messages: int = 0, **config: Any) -> dict[str, Any]:
    metadata = {"_nats.ver": "2.15.1", **({MARK: mark} if mark else {})}
    return {
        "config": {"name": name, "storage": "file", "max_msgs": -1, "metadata": metadata, **config},
        "state": {"messages": messages},
    }


def plan(tmp_path: Path, text: str, *streams: dict[str, Any], prune: bool = False) -> Plan:
    present = Present({each["config"]["name"]: each for each in streams}, {})
    return make_plan(document(tmp_path, text), present, prune)


def test_what_is_as_declared_stays(tmp_path: Path) -> None:
    there = stream("S", "default", subjects=["b", "a"], max_age=3600_000_000_000)
    text = "streams: {S: {subjects: [a, b], max_age: 1h, max_msgs: 0, no_ack: false}}\n"
    found = plan(tmp_path, text, there)
    assert (found.changes, found.same) == ([], 1)


def test_only_declared_fields_change(tmp_path: Path) -> None:
    there = stream("S", "default", subjects=["a"], max_age=3600_000_000_000, max_bytes=5)
    (change,) = plan(tmp_path, "streams: {S: {max_age: 2h}}\n", there).changes
    assert change.action == "change"
    assert [(each.name, each.before, each.after) for each in change.fields] == [
        ("max_age", 3600_000_000_000, 7200_000_000_000)
    ]
    # The server gets what it had, with what changes.
    assert (change.config["max_bytes"], change.config["subjects"]) == (5, ["a"])


def test_what_is_not_marked_yet_is_marked_visibly(tmp_path: Path) -> None:
    (change,) = plan(tmp_path, "streams: {S: {}}\n", stream("S")).changes
    assert [each.name for each in change.fields] == [f"metadata.{MARK}"]
    assert change.config["metadata"] == {"_nats.ver": "2.15.1", MARK: "default"}


def test_origins_come_before_their_copies(tmp_path: Path) -> None:
    text = "streams: {A: {mirror: {name: B}}, B: {subjects: [b]}, C: {sources: [{name: B}]}}\n"
    assert [change.stream for change in plan(tmp_path, text).changes] == ["B", "A", "C"]


def test_nothing_is_removed_without_prune_and_only_what_this_set_has_marked(tmp_path: Path) -> None:
    there = (stream("OLD", "default", 7), stream("OTHER", "team"), stream("BARE"))
    assert plan(tmp_path, "streams: {}\n", *there).changes == []
    found = plan(tmp_path, "streams: {}\n", *there, prune=True)
    assert [(change.action, change.stream) for change in found.changes] == [("remove", "OLD")]
    assert plan_screen(found) == (
        "- stream OLD with 7 messages\n\n"
        "0 to create, 0 to change, 1 to remove, 0 unchanged"
    )  # fmt: skip


def test_consumers_are_pruned_unless_their_stream_goes(tmp_path: Path) -> None:
    marked = {"config": {"durable_name": "c", "metadata": {MARK: "default"}}}
    present = Present(
        {"S": stream("S", "default"), "OLD": stream("OLD", "default")},
        {("S", "c"): marked, ("OLD", "c"): marked},
    )
    found = make_plan(document(tmp_path, "streams: {S: {}}\n"), present, True)
    assert [change.title for change in found.changes] == ["consumer S > c", "stream OLD"]


def test_what_the_server_will_refuse_is_said_before(tmp_path: Path) -> None:
    found = plan(tmp_path, "streams: {S: {storage: memory}}\n", stream("S", "default"))
    assert "storage: file → memory  (cannot be changed: the server will refuse)" in plan_screen(
        found
    )


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (604800_000_000_000, "7d"),
        (5400_000_000_000, "1h30m"),
        (30_000_000_000, "30s"),
        (120_000_000_000, "2m"),
        (10_000_000_000, "10s"),
        (1_500_000_000, "1.5s"),
        (36000_000_000_000, "10h"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert duration_text(ns) == text


@pytest.mark.parametrize("form", ["yaml", "toml", "json"])
def test_what_is_exported_declares_what_is_there(tmp_path: Path, form: str) -> None:
    consumer = {
        "config": {
            "durable_name": "c", "ack_policy": "explicit", "ack_wait": 60_000_000_000,
            "metadata": {MARK: "default"},
        }
    }  # fmt: skip
    kv = {
        "subjects": ["$KV.CFG.>"], "max_msgs_per_subject": 5, "max_age": 3600_000_000_000,
        "duplicate_window": 120_000_000_000, "discard": "new", "allow_rollup_hdrs": True,
        "allow_direct": True, "deny_delete": True, "max_bytes": -1,
    }  # fmt: skip
    present = Present(
        {
            "S": stream("S", "default", subjects=["s.>"], max_age=86400_000_000_000),
            "KV_CFG": stream("KV_CFG", "default", **kv),
            "KV_ODD": stream("KV_ODD", "default", subjects=["other.>"]),
        },
        {("S", "c"): consumer},
    )
    file = tmp_path / f"out.{form}"
    file.write_text(export(present, form))
    again = read_document(str(file))
    assert [declared.title for declared in again.streams] == [
        "stream KV_ODD", "stream S", "kv CFG",
    ]  # fmt: skip
    assert make_plan(again, present, True).changes == []
