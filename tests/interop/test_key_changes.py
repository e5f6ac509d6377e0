"""Servers whose key or cipher changes between two starts: what they serve, as the real server does,
and what they say where they cannot."""

from __future__ import annotations

import contextlib
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.support.consumer_folders import back_up, fetched, health, restore, stream_folder
from tests.support.keyed_folders import digest
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

Json = dict[str, Any]
MESSAGES = 60
CLEAR = ""


def crypt(key: str, cipher: str = "aes", prev: str = "") -> str:
    more = f', prev_key: "{prev}"' if prev else ""
    return f', key: "{key}", cipher: {cipher}{more}'


@contextlib.contextmanager
def running(kind: str, store: Path, keys: str) -> Iterator[tuple[ServerProcess, Oracle]]:
    """A server with its files in `store`, and a client."""
    config = f'jetstream {{ store_dir: "{store}"{keys} }}\n'
    folder = Path(mkdtemp(prefix=kind, dir=store.parent))
    with (
        ServerProcess(kind, folder, config, monitor=True) as server,
        Oracle(server.port) as client,
    ):
        yield server, client


def make(server: ServerProcess, client: Oracle, name: str = "T") -> None:
    """A stream of several blocks, with a consumer that has acknowledged five messages."""
    subjects = [f"{name.lower()}.*"]
    made = client.create(name, storage="file", subjects=subjects, max_bytes=100_000, discard="new")
    assert "error" not in made, made
    consumer = {"durable_name": "first", "ack_policy": "explicit"}
    made = client.api(f"CONSUMER.DURABLE.CREATE.{name}.first", stream_name=name, config=consumer)
    assert "error" not in made, made
    for number in range(MESSAGES):
        client.publish(f"{name.lower()}.{number % 3}", b"message %d " % number * 60)
    if name == "T":
        assert len(fetched(server.port, "first", 5, acknowledged=5)) == 5


def seen(client: Oracle) -> Json:
    """What is served of the stream, and where the consumer is."""
    info = client.api("STREAM.INFO.T")
    if "error" in info:
        return {"error": info["error"]["description"]}
    consumer = client.api("CONSUMER.INFO.T.first")
    return {
        "messages": info["state"]["messages"],
        "consumer": consumer["ack_floor"]["stream_seq"] if "error" not in consumer else None,
    }


# Name: how the server is configured at one start after the other. The real server leaves consumers
# under the previous key and serves them no more; ours go on.
STARTS: dict[str, list[str]] = {
    "encrypted, aes": [CLEAR, crypt("A"), crypt("A")],
    "encrypted, chacha": [CLEAR, crypt("A", "chacha"), crypt("A", "chacha")],
    "another cipher and back": [crypt("A"), crypt("A", "chacha"), crypt("A", "aes")],
    "another key": [crypt("A"), crypt("B", prev="A"), crypt("B")],
    "another key and cipher": [crypt("A"), crypt("B", "chacha", "A"), crypt("B", "chacha")],
    "the previous key is the same": [crypt("A"), crypt("A", prev="A")],
    "the same key, another cipher": [crypt("A"), crypt("A", "chacha", "A")],
    "in the clear, with a previous key": [CLEAR, crypt("B", prev="A"), crypt("B")],
    "previous key alone, encrypted": [crypt("A"), ', prev_key: "A"', crypt("A")],
    "previous key alone, in the clear": [CLEAR, ', prev_key: "A"'],
    "wrong key": [crypt("A"), crypt("B"), crypt("A")],
    "wrong key, wrong previous key": [crypt("A"), crypt("C", prev="B"), crypt("A")],
    "no key": [crypt("A"), CLEAR, crypt("A")],
    "a key of an earlier change": [crypt("A"), crypt("B", prev="A"), crypt("A"), crypt("B")],
}
LOST_BY_IT = {"another key", "another key and cipher", "a key of an earlier change"}


def played(kind: str, store: Path, starts: list[str]) -> list[Json]:
    told = []
    for number, keys in enumerate(starts):
        with running(kind, store, keys) as (server, client):
            if not number:
                make(server, client)
            told.append(seen(client))
    return told


@pytest.mark.parametrize("name", STARTS)
def test_a_changed_key_serves_what_the_real_server_serves(
    tmp_path: Path, recorded: Recorded, name: str
) -> None:
    expected = recorded.of(lambda: played(REFERENCE, tmp_path / "theirs", STARTS[name]))
    if name in LOST_BY_IT:
        served = {"messages": MESSAGES, "consumer": None}
        assert served in expected
        expected = [served | {"consumer": 5} if each == served else each for each in expected]
    assert plain(played(PYNATS, tmp_path / "ours", STARTS[name])) == expected


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        pytest.param(CLEAR, "meta.key: encrypted, but no jetstream.key is configured", id="none"),
        pytest.param(
            crypt("B"), "meta.key: encrypted with another key than jetstream.key, or damaged",
            id="wrong",
        ),
        pytest.param(
            crypt("C", "chacha", "B"),
            "meta.key: encrypted with another key than jetstream.key and prev_key, or damaged",
            id="both wrong",
        ),
    ],
)  # fmt: skip
def test_without_its_key_a_stream_is_named_and_not_touched(
    tmp_path: Path, keys: str, reason: str
) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store, crypt("A")) as (server, client):
        make(server, client)
    whole = digest(stream_folder(store))
    with running(PYNATS, store, keys) as (server, client):
        made = client.create("U", storage="file", subjects=["u"])
        assert "error" not in made
        assert "error" in client.create("T", storage="file", subjects=["t"])
        assert client.publish("u", b"served")["seq"] == 1
        [line] = re.findall(r"\[ERR\].*", server.log())
        assert "'$G > T'" in line and line.endswith(f": {reason}")
        code, told = health(server, details=True)
        assert code == 503
        assert [each["error"] for each in told["errors"]] == [
            f"JetStream stream '$G > T' could not be recovered: {reason}"
        ]
    with running(PYNATS, store, keys) as (_, client):  # and again
        assert client.api("STREAM.INFO.U")["state"]["messages"] == 1
    assert digest(stream_folder(store)) == whole
    with running(PYNATS, store, crypt("A")) as (_, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}


def test_streams_under_several_keys_are_served_as_far_as_their_key_is_there(
    tmp_path: Path,
) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store, crypt("A")) as (server, client):
        make(server, client)
    with running(PYNATS, store, crypt("B", "chacha")) as (server, client):
        make(server, client, "U")
    with running(PYNATS, store, crypt("C")) as (server, client):
        make(server, client, "V")
    with running(PYNATS, store, crypt("C", prev="B")) as (server, client):
        names = [each["config"]["name"] for each in client.api("STREAM.LIST")["streams"]]
        assert names == ["U", "V"]
        assert "Converting to AES-GCM for stream '$G > U'" in server.log()
        assert "stream '$G > V'" not in "".join(re.findall("Converting.*", server.log()))
    with running(PYNATS, store, crypt("C", prev="A")) as (_, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}


def test_a_full_disk_keeps_a_stream_from_its_new_key_until_there_is_room(tmp_path: Path) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store, crypt("A")) as (server, client):
        make(server, client)
    small = 4096  # bytes that a file may have: less than a block, more than a key
    folder = store.parent / "limited"
    config = f'jetstream {{ store_dir: "{store}"{crypt("B", prev="A")} }}\n'
    limited = ServerProcess(PYNATS, folder, config, monitor=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (small, before[1]))
    try:
        limited.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    try:
        code, told = health(limited, details=True)
        assert code == 503
        [error] = told["errors"]
        assert "it is not under jetstream.key yet" in error["error"]
        assert "file too large" in error["error"]
        assert len(re.findall(r"\[ERR\]", limited.log())) == 1
    finally:
        limited.stop()
    with running(PYNATS, store, crypt("C")) as (_, client):
        assert seen(client) == {"error": "stream not found"}
    with running(PYNATS, store, crypt("A", prev="B")) as (_, client):  # the way back
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}
    with running(PYNATS, store, crypt("B", prev="A")) as (_, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}


@pytest.mark.parametrize("before", [CLEAR, crypt("A", "chacha")], ids=["clear", "encrypted"])
def test_backups_from_before_a_change_are_restored_after_it(tmp_path: Path, before: str) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store, before) as (server, client):
        make(server, client)
        archive, begun, _ = back_up(server.port)
        assert begun["state"]["messages"] == MESSAGES
    with running(PYNATS, store, crypt("B", prev="A")) as (server, client):
        assert back_up(server.port)[1]["state"] == begun["state"]
        assert client.api("STREAM.DELETE.T")["success"]
        made = restore(server.port, archive, begun)
        assert "error" not in made, made
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}
    for path in stream_folder(store).rglob("*"):
        assert not path.is_file() or b"message 1" not in path.read_bytes()
    with running(PYNATS, store, crypt("B")) as (server, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}


@pytest.mark.reference
@pytest.mark.parametrize(
    "starts",
    [[CLEAR, crypt("B")], [crypt("A"), crypt("A", "chacha")], [crypt("A"), crypt("B", prev="A")]],
    ids=["encrypted", "another cipher", "another key"],
)
def test_the_real_server_goes_on_with_a_folder_whose_key_we_changed(
    tmp_path: Path, starts: list[str]
) -> None:
    store = tmp_path / "js"
    assert played(PYNATS, store, starts)[-1] == {"messages": MESSAGES, "consumer": 5}
    keys = starts[-1].partition(", prev_key")[0]
    with running(REFERENCE, store, keys) as (server, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 5}
        assert len(fetched(server.port, "first", 100, acknowledged=1)) == MESSAGES - 5
        assert "[WRN]" not in server.log()
    with running(PYNATS, store, keys) as (_, client):
        assert seen(client) == {"messages": MESSAGES, "consumer": 6}
