"""`pynats backup stream --incremental`: what is new, and on from where it was stopped."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.jetstream import reading
from pynats_cli.jetstream.backup import folder as folders
from pynats_cli.jetstream.backup import incremental
from pynats_cli.jetstream.backup.incremental import Incremental, _Open

from tests.cli.backup.test_backups import Api, api, contents, fill, on_client
from tests.cli.conftest import Cli, Result

__all__ = ["api"]


def noted(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / folders.META).read_text())["incremental"]
    return found


def take(cli: Cli, stream: str, folder: Path) -> Result:
    return cli.run("backup", "stream", stream, str(folder), "--incremental")


def take_and_stop(cli: Cli, stream: str, folder: Path) -> Result:
    """Like `take`, in a process of its own, which a signal may end."""
    return cli.start_patched("backup", "stream", stream, str(folder), "--incremental").finish()


def check_restored(cli: Cli, api: Api, stream: str, folder: Path) -> None:
    """The backup is whole, and becomes the stream as it is now."""
    before, wanted = api(f"STREAM.INFO.{stream}"), contents(cli, stream)
    assert cli.run("backup", "validate", str(folder)).code == 0
    api(f"STREAM.DELETE.{stream}")
    restored = cli.run("backup", "restore", "stream", str(folder))
    assert restored.code == 0, restored.err
    assert contents(cli, stream) == wanted
    after = api(f"STREAM.INFO.{stream}")
    assert after["config"] == before["config"]
    for key in ("messages", "first_seq", "last_seq", "num_deleted"):
        assert after["state"].get(key) == before["state"].get(key), key


def publish(cli: Cli, stream: str, count: int) -> None:
    async def work(client: Any) -> None:
        for number in range(count):
            await client.request(f"{stream}.new", b"more %d" % number)

    on_client(cli, work)


def test_each_run_adds_what_is_new(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    fill(stream_cli, "GROWS", 9)
    first = take(stream_cli, "GROWS", tmp_path / "b")
    assert first.code == 0, first.err
    assert "Received 8 messages" in first.out
    publish(stream_cli, "GROWS", 3)
    api("STREAM.MSG.DELETE.GROWS", {"seq": 2})
    second = take(stream_cli, "GROWS", tmp_path / "b")
    assert "Received 3 messages" in second.out
    assert [part["messages"] for part in noted(tmp_path / "b")["parts"]] == [8, 3]
    nothing = take(stream_cli, "GROWS", tmp_path / "b")
    assert "Received 0 messages" in nothing.out
    check_restored(stream_cli, api, "GROWS", tmp_path / "b")
    consumer = api("CONSUMER.INFO.GROWS.C")
    assert consumer["ack_floor"]["stream_seq"] == 2


def test_parts_of_which_nothing_is_left_go(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    fill(stream_cli, "SHRINKS", 6)
    take(stream_cli, "SHRINKS", tmp_path / "b")
    api("STREAM.PURGE.SHRINKS")
    publish(stream_cli, "SHRINKS", 2)
    take(stream_cli, "SHRINKS", tmp_path / "b")
    assert len(list((tmp_path / "b").glob("messages-*"))) == 1
    check_restored(stream_cli, api, "SHRINKS", tmp_path / "b")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_goes_on_where_it_was_stopped(
    number: signal.Signals, stream_cli: Cli, api: Api, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name = f"STOPS{number}"
    fill(stream_cli, name, 90)
    monkeypatch.setattr(incremental, "PART_BYTES", 100)
    monkeypatch.setattr(reading, "BATCH", 5)
    add, added = _Open.add, []

    def stop(self: _Open, message: Any) -> None:
        add(self, message)
        added.append(message.sequence)
        if len(added) == 20:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(_Open, "add", stop)
    stopped = take_and_stop(stream_cli, name, tmp_path / "b")
    assert stopped.code == (-9 if number == signal.SIGKILL else 130)
    before = noted(tmp_path / "b")
    assert not before["complete"], (stopped, before)
    assert 0 < before["upto"] < 90
    if number == signal.SIGINT:
        assert before["upto"] >= 21  # what had come was kept
    refused = stream_cli.run("backup", "restore", "stream", str(tmp_path / "b"))
    assert refused.code == 1
    monkeypatch.setattr(_Open, "add", add)
    again = take(stream_cli, name, tmp_path / "b")
    assert again.code == 0, again.err
    assert f"after sequence {before['upto']} up to 90" in again.out
    assert noted(tmp_path / "b")["parts"][: len(before["parts"])] == before["parts"]
    check_restored(stream_cli, api, name, tmp_path / "b")


def test_what_was_complete_stays_so_when_a_later_run_is_stopped(
    stream_cli: Cli, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stream_cli, "STAYS", 6)
    take(stream_cli, "STAYS", tmp_path / "b")
    wanted = contents(stream_cli, "STAYS")
    publish(stream_cli, "STAYS", 3)
    keep = Incremental._keep

    def stop(self: Incremental, *arguments: Any) -> None:
        keep(self, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(Incremental, "_keep", stop)
    assert take_and_stop(stream_cli, "STAYS", tmp_path / "b").code == -9
    api("STREAM.DELETE.STAYS")
    assert stream_cli.run("backup", "restore", "stream", str(tmp_path / "b")).code == 0
    assert contents(stream_cli, "STAYS") == wanted


@pytest.mark.parametrize("retention", ["workqueue", "interest"])
def test_messages_that_go_when_they_are_read_are_not_taken(
    retention: str, stream_cli: Cli, api: Api, tmp_path: Path
) -> None:
    name = retention.upper()

    async def work(client: Any) -> None:
        config = {"name": name, "subjects": [f"{name}.>"], "retention": retention}
        await jetstream_api(client, f"STREAM.CREATE.{name}", config)
        consumer = {"name": "C", "durable_name": "C", "ack_policy": "explicit"}
        await jetstream_api(
            client, f"CONSUMER.CREATE.{name}.C", {"stream_name": name, "config": consumer}
        )

    from tests.support.jetstream import api as jetstream_api

    on_client(stream_cli, work)
    publish(stream_cli, name, 4)
    done = take(stream_cli, name, tmp_path / "b")
    assert done.code == 0, done.err
    assert "Received 4 messages" in done.out
    assert api(f"STREAM.INFO.{name}")["state"]["messages"] == 4
    assert api(f"STREAM.INFO.{name}")["state"]["consumer_count"] == 1
    check_restored(stream_cli, api, name, tmp_path / "b")


def test_a_folder_is_for_one_stream(stream_cli: Cli, api: Api, tmp_path: Path) -> None:
    fill(stream_cli, "ONE", 6)
    fill(stream_cli, "TWO", 6)
    take(stream_cli, "ONE", tmp_path / "b")
    other = take(stream_cli, "TWO", tmp_path / "b")
    assert other.err == f'pynats: error: {tmp_path / "b"} holds a backup of stream "ONE"\n'
    api("STREAM.DELETE.ONE")
    fill(stream_cli, "ONE", 6)
    anew = take(stream_cli, "ONE", tmp_path / "b")
    assert "holds a backup of another stream" in anew.err
    stream_cli.run("backup", "stream", "TWO", str(tmp_path / "full"))
    full = take(stream_cli, "TWO", tmp_path / "full")
    assert "is not an incremental one" in full.err


def test_damage_is_found(stream_cli: Cli, tmp_path: Path) -> None:
    fill(stream_cli, "BITS", 6)
    take(stream_cli, "BITS", tmp_path / "b")
    part = next((tmp_path / "b").glob("messages-*"))
    data = bytearray(part.read_bytes())
    data[-3] ^= 1
    part.write_bytes(data)
    for line in (["validate"], ["info"], ["edit"]):
        extra = [str(tmp_path / "x")] if line == ["edit"] else []
        failed = stream_cli.run("backup", *line, str(tmp_path / "b"), *extra)
        assert failed.code == 1
        assert "digest" in failed.err
    assert "digest" in take(stream_cli, "BITS", tmp_path / "b").err


def test_two_runs_at_once_are_refused(stream_cli: Cli, tmp_path: Path) -> None:
    from pynats_common.program.filelock import hold_lock

    fill(stream_cli, "LOCKED", 6)
    (tmp_path / "b").mkdir()
    with hold_lock(tmp_path / "b" / incremental.LOCK, "another run"):
        refused = take(stream_cli, "LOCKED", tmp_path / "b")
    assert refused.code == 1
    assert "is locked by another run" in refused.err


def test_an_edit_makes_one_archive_of_it(stream_cli: Cli, tmp_path: Path) -> None:
    fill(stream_cli, "EDITS", 6)
    take(stream_cli, "EDITS", tmp_path / "b")
    publish(stream_cli, "EDITS", 2)
    take(stream_cli, "EDITS", tmp_path / "b")
    made = stream_cli.run("backup", "edit", str(tmp_path / "b"), str(tmp_path / "one"))
    assert made.code == 0, made.err
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        folders.META, folders.ARCHIVE,
    ]  # fmt: skip
    assert stream_cli.run("backup", "validate", str(tmp_path / "one")).out == (
        "OK: 10 entries, 1 consumers, 7 messages, 4 subjects, sequences 1 to 8\n"
    )
