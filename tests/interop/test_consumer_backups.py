"""Backups have their streams' consumers, and whoever restores one goes on where they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pynats_common.archive import Entry, encode_entry
from pynats_common.s2 import IDENTIFIER, encode_chunks

from tests.support.consumer_folders import (
    DECADES_NS,
    RETENTIONS,
    back_up,
    consumers,
    documents,
    fetched,
    fill,
    places,
    restore,
    running,
    stream_folder,
)
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded

Json = dict[str, Any]

each_retention = pytest.mark.parametrize("retention", RETENTIONS)
each_storage = pytest.mark.parametrize("storage", ["file", "memory"])


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
@each_storage
@pytest.mark.parametrize("cipher", ["plain", "aes"])
def test_we_go_on_with_a_backup_of_the_real_server(
    tmp_path: Path, recorded: Recorded, retention: str, storage: str, cipher: str
) -> None:
    """Our own backup of it says the same, also after a restart."""
    kept = tmp_path / "backup"
    expected = recorded.folder(kept, lambda: write_backup(kept, retention, storage))
    archive, begun = (kept / "archive").read_bytes(), json.loads((kept / "begun.json").read_text())
    store = tmp_path / "js"
    with running(PYNATS, store, cipher) as (server, client):
        made = restore(server.port, archive, begun)
        assert "error" not in made, made
        assert made["state"]["consumer_count"] == len(consumers(retention))
        assert documents(back_up(server.port)[0]) == expected
        assert documents(back_up(server.port, no_consumers=True)[0])["names"] == ["state.json"]
        assert fetched(server.port, "first", 1, acknowledged=1) == ["t.3"]
        before = places(client, consumers(retention))
    if storage == "memory":
        assert not list(store.rglob("obs"))
        return
    with running(PYNATS, store, cipher) as (server, client):
        assert places(client, consumers(retention)) == before
        assert fetched(server.port, "first", 9) == ["t.4"]
        if "second" in before:
            assert fetched(server.port, "second", 9) == [f"t.{n}" for n in range(5)]


@pytest.mark.reference
@each_retention
@each_storage
def test_the_real_server_goes_on_with_our_backup(
    tmp_path: Path, retention: str, storage: str
) -> None:
    with running(PYNATS, tmp_path / "ours") as (server, client):
        fill(server, client, retention, storage)
        expected = places(client, consumers(retention))
        archive, begun, ended = back_up(server.port)
        assert ended == "NATS/1.0 204"
    with running(REFERENCE, tmp_path / "real") as (server, client):
        assert "error" not in restore(server.port, archive, begun)
        assert places(client, consumers(retention)) == expected
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]


@pytest.mark.reference
@each_retention
@pytest.mark.parametrize("cipher", ["plain", "chacha"])
def test_the_real_server_goes_on_in_a_folder_that_we_restored(
    tmp_path: Path, retention: str, cipher: str
) -> None:
    with running(REFERENCE, tmp_path / "real") as (server, client):
        fill(server, client, retention)
        expected = places(client, consumers(retention))
        archive, begun, _ = back_up(server.port)
    with running(PYNATS, tmp_path / "ours", cipher) as (server, _):
        assert "error" not in restore(server.port, archive, begun)
    with running(REFERENCE, tmp_path / "ours", cipher) as (server, client):
        assert places(client, consumers(retention)) == expected
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]


@each_storage
def test_all_kinds_of_consumers_come_back(tmp_path: Path, storage: str) -> None:
    """Those in memory and named ephemerals, too, and paused ones stay paused."""
    store = tmp_path / "js"
    kinds: dict[str, Json] = {
        "named": {"inactive_threshold": DECADES_NS},
        "memory": {"durable_name": "memory", "mem_storage": True},
        "paused": {"durable_name": "paused", "pause_until": "2099-01-01T00:00:00Z"},
        "none": {"durable_name": "none", "ack_policy": "none"},
        "all": {"durable_name": "all", "ack_policy": "all"},
        "beyond": {
            "durable_name": "beyond", "deliver_policy": "by_start_sequence", "opt_start_seq": 99,
        },
    }  # fmt: skip
    names = sorted(["first", "second", *kinds])
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits", storage)
        for name, config in kinds.items():
            config = {"name": name, "ack_policy": "explicit", **config}
            made = client.api(f"CONSUMER.CREATE.T.{name}", stream_name="T", config=config)
            assert "error" not in made, made
        for name in ("named", "memory", "none", "all"):
            assert fetched(server.port, name, 3)
        before = places(client, names)
        archive, begun, _ = back_up(server.port)
        assert client.api("STREAM.DELETE.T")["success"]
        made = restore(server.port, archive, begun)
        assert made["state"]["consumer_count"] == len(names)
        assert places(client, names) == before
        assert client.api("CONSUMER.INFO.T.paused")["paused"]
        if storage == "file":
            on_disk = sorted(path.name for path in (stream_folder(store) / "obs").iterdir())
            assert on_disk == [name for name in names if name != "memory"]
        for name in ("named", "memory", "none", "all"):
            assert fetched(server.port, name, 9) == ["t.3", "t.4"]


def entries_of(*entries: Entry) -> bytes:
    end = Entry(b"", 0, 0, b"", b"")
    body = b"NATSARC1" + b"".join(map(encode_entry, [*entries, end]))
    return IDENTIFIER + encode_chunks(body)


STATE = Entry(b"state.json", 0, 0, b"", b"{}")
BEGUN = {"config": {"name": "T", "subjects": ["t.*"], "storage": "file"}, "state": {}}


def _at(floor: int, delivered: int, pending: Json | None = None) -> bytes:
    state = {
        "ack_floor": {"consumer_seq": floor, "stream_seq": floor},
        "delivered": {"consumer_seq": delivered, "stream_seq": delivered},
        "pending": pending or {},
    }
    return json.dumps({"config": {"durable_name": "a"}, "state": state}).encode()


BAD: dict[str, Entry] = {
    "path": Entry(b"consumers/../../x", 0, 0, b"", b'{"config":{},"state":{}}'),
    "folder": Entry(b"consumers/a/b", 0, 0, b"", b'{"config":{},"state":{}}'),
    "long": Entry(b"consumers/" + b"x" * 300, 0, 0, b"", b'{"config":{},"state":{}}'),
    "no name": Entry(b"consumers/", 0, 0, b"", b'{"config":{},"state":{}}'),
    "no JSON": Entry(b"consumers/a", 0, 0, b"", b"{"),
    "no object": Entry(b"consumers/a", 0, 0, b"", b"[]"),
    "no configuration": Entry(b"consumers/a", 0, 0, b"", b'{"state":{}}'),
    "no state": Entry(b"consumers/a", 0, 0, b"", b'{"config":{}}'),
    "deep": Entry(b"consumers/a", 0, 0, b"", b'{"config":' + b'{"a":' * 100_000),
    "large": Entry(b"consumers/a", 0, 0, b"", b'{"config":{},"x":"' + b"x" * (8 << 20) + b'"}'),
    "negative": Entry(
        b"consumers/a", 0, 0, b"",
        b'{"config":{},"state":{"delivered":{"consumer_seq":-1,"stream_seq":0},'
        b'"ack_floor":{"consumer_seq":0,"stream_seq":0}}}',
    ),
    "contradiction": Entry(b"consumers/a", 0, 0, b"", _at(3, 2)),
    "waits behind its place": Entry(
        b"consumers/a", 0, 0, b"", _at(1, 2, {"3": {"Sequence": 3, "Timestamp": 1}})
    ),
    "waits for what is acknowledged": Entry(
        b"consumers/a", 0, 0, b"", _at(1, 2, {"1": {"Sequence": 1, "Timestamp": 1}})
    ),
}  # fmt: skip


NEVER = 1 << 70
UNFIT: dict[str, Json] = {
    "another consumer's": {"durable_name": "b"},
    "a path": {"durable_name": "../x"},
    "lines in a name": {"durable_name": "a\r\nPING"},
    "an unknown field": {"later": 1},
    "an unknown policy": {"ack_policy": "most"},
    "a number beyond all": {"ack_wait": NEVER},
    "a text for a number": {"max_deliver": "2"},
    "metadata": {"metadata": {"x": 1}},
    "no percentage": {"sample_freq": "half"},
    "no time": {"pause_until": "soon"},
    "no subject to deliver to": {"deliver_subject": "x..y"},
    "a deliver subject with lines": {"deliver_subject": "x\r\nPING"},
    "all subjects to deliver to": {"deliver_subject": ">"},
    "a filter that is no subject": {"filter_subject": "t..x"},
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT)
@each_storage
def test_a_backup_with_a_consumer_that_cannot_run_is_refused_whole(
    tmp_path: Path, fields: Json, storage: str
) -> None:
    about = json.loads(_at(0, 0))
    about["config"].update(fields)
    entry = Entry(b"consumers/a", 0, 0, b"", json.dumps(about).encode())
    with running(PYNATS, tmp_path / "js") as (server, client):
        made = restore(server.port, entries_of(STATE, entry), BEGUN, storage=storage)
        assert made["error"]["err_code"] == 10062
        assert client.api("STREAM.NAMES")["streams"] is None
    assert not stream_folder(tmp_path / "js").exists()


@pytest.mark.parametrize("name", BAD)
@each_storage
def test_a_backup_with_a_bad_consumer_is_refused_whole(
    tmp_path: Path, name: str, storage: str
) -> None:
    with running(PYNATS, tmp_path / "js") as (server, client):
        made = restore(server.port, entries_of(STATE, BAD[name]), BEGUN, storage=storage)
        assert made["error"]["err_code"] == 10062
        assert client.api("STREAM.NAMES")["streams"] is None
    assert not stream_folder(tmp_path / "js").exists()
    assert not list(tmp_path.rglob("obs"))


@each_storage
def test_a_consumer_is_not_beyond_its_restored_stream(tmp_path: Path, storage: str) -> None:
    """A backup whose messages end earlier than its consumers were: what comes next is delivered."""
    message = Entry(b"t.0", 1, 1, b"", b"x")
    consumer = Entry(b"consumers/a", 0, 0, b"", _at(1, 5, {"4": {"Sequence": 4, "Timestamp": 1}}))
    with running(PYNATS, tmp_path / "js") as (server, client):
        archive = entries_of(STATE, consumer, message)
        assert "error" not in restore(server.port, archive, BEGUN, storage=storage)
        assert client.publish("t.1")["seq"] == 2
        assert fetched(server.port, "a", 9) == ["t.1"]


def test_an_unreadable_consumer_ends_the_backup(tmp_path: Path) -> None:
    """It is not left out in silence, and a backup without consumers still works."""
    store = tmp_path / "js"
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits")
    for file in ("meta.inf", "known.dat"):
        (stream_folder(store) / "obs" / "second" / file).write_bytes(b"hello")
    with running(PYNATS, store) as (server, client):
        _, _, ended = back_up(server.port)
        assert ended.startswith("NATS/1.0 500") and "second" in ended
        assert back_up(server.port, no_consumers=True)[2] == "NATS/1.0 204"
