"""Consumers of the real server in our hands, and ours in its: they go on where they were, from
folders and from backups."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.recovery import read_consumers
from pynats_server.jetstream.store.errors import CorruptRecord
from pynats_server.jetstream.store.format.archive import read_archive
from pynats_server.jetstream.store.format.consumer_state import state_to_json
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.consumer_folders import (
    CIPHERS,
    RETENTIONS,
    back_up,
    consumers,
    fetched,
    fill,
    health,
    restore,
    running,
    stream_folder,
)
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded

Json = dict[str, Any]
each_retention = pytest.mark.parametrize("retention", RETENTIONS)
each_cipher = pytest.mark.parametrize("cipher", CIPHERS)


def places(client: Oracle, retention: str) -> Json:
    """How far the consumers are."""
    found = {}
    for name in consumers(retention):
        info = client.api(f"CONSUMER.INFO.T.{name}")
        for position in ("delivered", "ack_floor"):
            info[position].pop("last_active", None)
        kept = ("config", "delivered", "ack_floor", "num_ack_pending", "num_pending")
        found[name] = {key: info[key] for key in kept}
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("obs/**/*"))
        if path.is_file()
    }


def documents(archive: bytes) -> dict[str, Any]:
    """What an archive says besides messages, without the times of messages."""
    found = {}
    for entry in read_archive(io.BytesIO(archive), 1 << 24):
        if entry is not None and not entry.seq:
            found[entry.name.decode()] = json.loads(entry.payload)
    return {"names": list(found), **{name: _without_times(about) for name, about in found.items()}}


def _without_times(about: Json) -> Json:
    for pending in about.get("state", {}).get("pending", {}).values():
        pending["Timestamp"] = pending["Timestamp"] > 0
    return {key: value for key, value in about.items() if key not in ("first_ts", "last_ts")}


def write_folder(store: Path, retention: str, cipher: str) -> Json:
    """By the real server; what its own backup says of the consumers."""
    with running(REFERENCE, store, cipher) as (server, client):
        fill(server, client, retention)
        archive, _, _ = back_up(server.port)
        return documents(archive)


def left(retention: str, consumer: str) -> list[str]:
    """What a consumer of `fill` has not got yet."""
    return [f"t.{number}" for number in range(5)][3 if consumer == "first" else 0 :]


@each_retention
@each_cipher
def test_consumers_of_a_folder_go_on_where_they_were(
    tmp_path: Path, recorded: Recorded, retention: str, cipher: str
) -> None:
    store = tmp_path / "js"
    expected = recorded.folder(store, lambda: write_folder(store, retention, cipher))
    with running(PYNATS, store, cipher) as (server, client):
        archive, _, ended = back_up(server.port)
        assert ended == "NATS/1.0 204"
        assert documents(archive) == expected
        assert documents(back_up(server.port, no_consumers=True)[0])["names"] == ["state.json"]
        assert client.api("CONSUMER.NAMES.T")["consumers"] == consumers(retention)
        assert client.publish("t.8", b"x")["seq"] == 6
        for name in consumers(retention):
            assert fetched(server.port, name, 9, 9) == [*left(retention, name), "t.8"]
        assert health(server, details=False) == (200, {"status": "ok"})
        told = places(client, retention)
    with running(PYNATS, store, cipher) as (server, client):
        assert places(client, retention) == told
        for name in consumers(retention):
            assert fetched(server.port, name, 9) == []


@pytest.mark.reference
@each_retention
@each_cipher
def test_consumers_go_on_where_they_were_when_the_folder_comes_back(
    tmp_path: Path, retention: str, cipher: str
) -> None:
    store = tmp_path / "js"
    with running(REFERENCE, store, cipher) as (server, client):
        fill(server, client, retention)
        before = places(client, retention)
    with running(PYNATS, store, cipher) as (server, client):
        assert places(client, retention) == before
        assert fetched(server.port, "first", 1, acknowledged=1) == ["t.3"]
        assert client.publish("t.8", b"x")["seq"] == 6
        told = places(client, retention)
    with running(REFERENCE, store, cipher) as (server, client):
        assert places(client, retention) == told
        assert fetched(server.port, "first", 9) == ["t.4", "t.8"]
        if "second" in before:
            assert fetched(server.port, "second", 9) == [*left(retention, "second"), "t.8"]


def write_backup(folder: Path, retention: str, storage: str) -> Json:
    """By the real server, into a folder."""
    with running(REFERENCE, folder.parent / "real") as (server, client):
        fill(server, client, retention, storage)
        archive, begun, _ = back_up(server.port)
    folder.mkdir()
    (folder / "archive").write_bytes(archive)
    (folder / "begun.json").write_text(json.dumps(begun))
    return documents(archive)


@each_retention
@pytest.mark.parametrize("storage", ["file", "memory"])
@pytest.mark.parametrize("cipher", ["plain", "aes"])
def test_a_restored_backup_has_its_consumers(
    tmp_path: Path, recorded: Recorded, retention: str, storage: str, cipher: str
) -> None:
    kept = tmp_path / "backup"
    expected = recorded.folder(kept, lambda: write_backup(kept, retention, storage))
    archive, begun = (kept / "archive").read_bytes(), json.loads((kept / "begun.json").read_text())
    store = tmp_path / "js"
    with running(PYNATS, store, cipher) as (server, client):
        made = restore(server.port, archive, begun)
        assert "error" not in made, made
        assert documents(back_up(server.port)[0]) == expected
        assert client.api("CONSUMER.NAMES.T")["consumers"] == consumers(retention)
        if storage == "memory":
            assert not files(store)
            for consumer in consumers(retention):
                assert fetched(server.port, consumer, 9) == left(retention, consumer)
            return
    keys = Keys("secret", "$G", "aes") if cipher == "aes" else None
    found = read_consumers(FileConfig("T", stream_folder(store), keys=keys))
    assert [consumer.name for consumer in found] == consumers(retention)
    for stored in found:
        about = {"config": stored.config, "state": state_to_json(stored.state)}
        assert _without_times(about) == expected[f"consumers/{stored.name}"]
    with running(PYNATS, store, cipher) as (server, _):
        told = documents(back_up(server.port)[0])
    for name in told["names"]:
        if name != "state.json":
            assert told[name] == expected[name]


@pytest.mark.reference
@each_retention
@pytest.mark.parametrize("cipher", ["plain", "chacha"])
def test_the_real_server_finds_the_consumers_of_our_backups_and_restores(
    tmp_path: Path, retention: str, cipher: str
) -> None:
    with running(REFERENCE, tmp_path / "real") as (server, client):
        fill(server, client, retention)
        expected = places(client, retention)
        archive, begun, _ = back_up(server.port)
    ours = tmp_path / "ours"
    with running(PYNATS, ours, cipher) as (server, _):
        assert "error" not in restore(server.port, archive, begun)
        again, begun_again, _ = back_up(server.port)
    with running(REFERENCE, ours, cipher) as (server, client):
        assert places(client, retention) == expected
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]
    with running(REFERENCE, tmp_path / "other") as (server, client):
        assert "error" not in restore(server.port, again, begun_again)
        assert places(client, retention) == expected
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]


def test_an_unreadable_consumer_is_told_and_ends_the_backup(
    tmp_path: Path, recorded: Recorded
) -> None:
    """It is not left out in silence, its files stay, and a backup without consumers still works."""
    store = tmp_path / "js"
    recorded.folder(store, lambda: write_folder(store, "limits", "plain"))
    meta = stream_folder(store) / "obs" / "second" / "meta.inf"
    meta.write_bytes(meta.read_bytes().replace(b"explicit", b"EXPLICIT"))
    with running(PYNATS, store) as (server, client):
        _, _, ended = back_up(server.port)
        assert ended.startswith("NATS/1.0 500") and "second" in ended
        assert back_up(server.port, no_consumers=True)[2] == "NATS/1.0 204"
        status, short = health(server, details=False)
        assert (status, short["status"]) == (503, "unavailable")
        assert short["error"] == "JetStream consumer '$G > T > second' could not be recovered"
        told = health(server, details=True)[1]["errors"][0]
        assert (told["type"], told["consumer"]) == ("CONSUMER", "second")
        assert "meta.inf" in told["error"]
        assert "second" in server.log()
        about = client.api("CONSUMER.INFO.T.second")
        assert about["error"]["err_code"] == 10014
    assert meta.exists()


def test_a_consumer_whose_files_do_not_match_is_not_read(tmp_path: Path) -> None:
    config = FileConfig("T", tmp_path)
    assert read_consumers(config) == []
    folder = tmp_path / "obs" / "c"
    folder.mkdir(parents=True)
    (folder / "meta.inf").write_text("{}")
    with pytest.raises(CorruptRecord):
        read_consumers(config)
