"""Folders with consumers pass from server to server and through kills: whoever opens one goes on
where the other stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import MARK
from pynats_server.jetstream.store.consumers.recovery import read_consumers

from tests.support.client import Client
from tests.support.consumer_folders import (
    CIPHERS,
    DECADES_NS,
    RETENTIONS,
    back_up,
    consumers,
    documents,
    fetched,
    fill,
    health,
    places,
    running,
    stream_folder,
)
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

Json = dict[str, Any]

each_retention = pytest.mark.parametrize("retention", RETENTIONS)
each_cipher = pytest.mark.parametrize("cipher", CIPHERS)
each_end = pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])


def write_folder(store: Path, retention: str, cipher: str, killed: bool = False) -> Json:
    """By the real server; where it left the consumers, and what its own backup says of them."""
    with running(REFERENCE, store, cipher) as (server, client):
        fill(server, client, retention)
        told = places(client, consumers(retention)), documents(back_up(server.port)[0])
        if killed:
            server.kill()
    return {"places": told[0], "backup": told[1]}


def create(client: Oracle, name: str, **config: Any) -> None:
    config = {"name": name, "ack_policy": "explicit", **config}
    made = client.api(f"CONSUMER.CREATE.T.{name}", stream_name="T", config=config)
    assert "error" not in made, made


@each_retention
@each_cipher
def test_we_go_on_where_the_real_server_stopped(
    tmp_path: Path, recorded: Recorded, retention: str, cipher: str
) -> None:
    store = tmp_path / "js"
    expected = recorded.folder(store, lambda: write_folder(store, retention, cipher))
    names = consumers(retention)
    with running(PYNATS, store, cipher) as (server, client):
        assert client.api("CONSUMER.NAMES.T")["consumers"] == names
        assert places(client, names) == expected["places"]
        assert documents(back_up(server.port)[0]) == expected["backup"]
        assert health(server, details=False) == (200, {"status": "ok"})
        if retention == "workqueue":
            assert client.api("STREAM.INFO.T")["state"]["messages"] == 4
        with Client(server.port) as acks:  # of what the other has delivered
            for seq in (2, 3):
                assert acks.request(f"$JS.ACK.T.first.1.{seq}.{seq}.1.2", b"+ACK") is not None
        assert client.publish("t.8", b"x")["seq"] == 6
        assert fetched(server.port, "first", 9, acknowledged=9) == ["t.3", "t.4", "t.8"]
        if "second" in names:
            assert fetched(server.port, "second", 9) == [*(f"t.{n}" for n in range(5)), "t.8"]
        left = places(client, names)
        assert left["first"]["ack_floor"] == {"consumer_seq": 6, "stream_seq": 6}
        assert left["first"]["num_ack_pending"] == 0
    with running(PYNATS, store, cipher) as (server, client):
        assert places(client, names) == left
        for name in names:
            assert fetched(server.port, name, 9) == []


@each_retention
def test_we_go_on_where_the_real_server_was_killed(
    tmp_path: Path, recorded: Recorded, retention: str
) -> None:
    """As far as it had saved: the folder tells, and nothing is left out."""
    store = tmp_path / "js"
    recorded.folder(store, lambda: write_folder(store, retention, "plain", killed=True))
    saved = {one.name: one.state for one in read_consumers(FileConfig("T", stream_folder(store)))}
    assert set(saved) == set(consumers(retention))
    with running(PYNATS, store) as (server, client):
        for name, told in places(client, list(saved)).items():
            state = saved[name]
            assert tuple(told["delivered"].values()) == state.delivered
            assert tuple(told["ack_floor"].values()) == state.ack_floor
            assert told["num_ack_pending"] == len(state.pending)
            rest = [f"t.{seq - 1}" for seq in range(state.delivered[1] + 1, 6)]
            assert fetched(server.port, name, 9) == rest


@pytest.mark.reference
@each_retention
@each_cipher
@pytest.mark.parametrize(
    ("first", "killed"),
    [(PYNATS, False), (PYNATS, True), (REFERENCE, False)],
    ids=["ours stopped", "ours killed", "real stopped"],
)
def test_a_folder_goes_from_one_server_to_the_other_and_back(
    tmp_path: Path, retention: str, cipher: str, first: str, killed: bool
) -> None:
    store, names = tmp_path / "js", consumers(retention)
    other = REFERENCE if first == PYNATS else PYNATS
    with running(first, store, cipher) as (server, client):
        fill(server, client, retention)
        before = places(client, names)
        if killed:
            server.kill()
    with running(other, store, cipher) as (server, client):
        assert places(client, names) == before
        assert "[WRN]" not in server.log()
        with Client(server.port) as acks:
            assert acks.request("$JS.ACK.T.first.1.2.2.1.2", b"+ACK") is not None
        assert fetched(server.port, "first", 1, acknowledged=1) == ["t.3"]
        assert client.publish("t.8", b"x")["seq"] == 6
        before = places(client, names)
    was_there = not (stream_folder(store) / MARK).parent.exists()
    assert was_there is (other == REFERENCE), "by this we know that the real server was there"
    with running(first, store, cipher) as (server, client):
        assert places(client, names) == before
        assert fetched(server.port, "first", 9) == ["t.4", "t.8"]
        if "second" in before:
            assert fetched(server.port, "second", 9) == [*(f"t.{n}" for n in range(5)), "t.8"]


@pytest.mark.reference
@pytest.mark.parametrize("retention", ["interest", "workqueue"])
@pytest.mark.parametrize("verb", ["STREAM.PURGE.T", "STREAM.MSG.DELETE.T"])
def test_what_is_deleted_meanwhile_is_all_that_consumers_miss(
    tmp_path: Path, retention: str, verb: str
) -> None:
    store = tmp_path / "js"
    with running(REFERENCE, store) as (server, client):
        fill(server, client, retention)
    with running(PYNATS, store) as (_, client):
        body = {"filter": "t.3"} if "PURGE" in verb else {"seq": 4}
        assert client.api(verb, **body)["success"]
    with running(REFERENCE, store) as (server, client):
        assert fetched(server.port, "first", 9) == ["t.4"]
        assert client.publish("t.9", b"x")["seq"] == 6
        assert fetched(server.port, "first", 9) == ["t.9"]


def test_what_we_do_not_know_stays_in_a_folder(tmp_path: Path, recorded: Recorded) -> None:
    """Whatever happens to the messages; with the stream itself it goes."""
    store = tmp_path / "js"
    recorded.folder(store, lambda: write_folder(store, "limits", "plain"))
    folder = stream_folder(store)
    unknown = [
        folder / "notes", folder / "tmp" / "x", folder / "msgs" / "notes.txt",
        folder / "msgs" / "x.key", folder / "obs" / "first" / "notes",
        folder / "obs" / "empty" / "notes", folder / "obs" / "notes",
    ]  # fmt: skip
    for path in unknown:
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name)
    for _ in range(2):
        with running(PYNATS, store) as (server, client):
            client.publish("t.8", b"x")
            client.api("STREAM.PURGE.T", keep=1)
            assert "error" not in client.publish("t.8", b"x")
            client.api("STREAM.PURGE.T")
            assert health(server, details=False)[0] == 200
        assert [path for path in unknown if path.read_text() != path.name] == []
    with running(PYNATS, store) as (_, client):
        assert client.api("STREAM.DELETE.T")["success"]
        assert not folder.exists()
        client.api("STREAM.CREATE.T", name="T", subjects=["t.*"], retention="interest")
        assert client.publish("t.8")["seq"] == 1
        assert client.api("CONSUMER.NAMES.T")["total"] == 0


# -- our own restarts -----------------------------------------------------------------------------


def end(server: ServerProcess, killed: bool) -> None:
    if killed:
        server.kill()
    else:
        server.stop()


@each_end
def test_which_consumers_survive(tmp_path: Path, killed: bool) -> None:
    """Also named ephemerals; not those in memory. A pause goes on."""
    store = tmp_path / "js"
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits")
        create(client, "named", inactive_threshold=DECADES_NS)
        create(client, "memory", durable_name="memory", mem_storage=True)
        create(client, "paused", durable_name="paused", pause_until="2099-01-01T00:00:00Z")
        assert fetched(server.port, "named", 2, acknowledged=1) == ["t.0", "t.1"]
        assert fetched(server.port, "memory", 1, acknowledged=1) == ["t.0"]
        names = ["first", "named", "paused", "second"]
        assert client.api("CONSUMER.PAUSE.T.second", pause_until="2098-01-01T00:00:00Z")["paused"]
        before = places(client, names)
        end(server, killed)
    with running(PYNATS, store) as (server, client):
        assert client.api("CONSUMER.NAMES.T")["consumers"] == names
        assert places(client, names) == before
        assert client.api("CONSUMER.INFO.T.memory")["error"]["err_code"] == 10014
        assert client.api("CONSUMER.INFO.T.paused")["paused"]
        assert fetched(server.port, "second", 1) == []
        assert fetched(server.port, "named", 9) == ["t.2", "t.3", "t.4"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """Each change, with a kill right behind its answer."""
    store = tmp_path / "js"
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits")
        create(client, "gone", durable_name="gone")
        server.kill()
    config = {"durable_name": "first", "ack_policy": "explicit", "ack_wait": DECADES_NS}
    changes: list[tuple[str, Json]] = [
        ("CONSUMER.CREATE.T.new", {"stream_name": "T", "config": {"durable_name": "new"}}),
        (
            "CONSUMER.CREATE.T.first",
            {"stream_name": "T", "config": {**config, "description": "changed"}},
        ),
        ("CONSUMER.PAUSE.T.second", {"pause_until": "2099-01-01T00:00:00Z"}),
        ("CONSUMER.RESET.T.new", {"seq": 4}),
        ("CONSUMER.DELETE.T.gone", {}),
    ]
    for verb, body in changes:
        with running(PYNATS, store) as (server, client):
            answer = client.api(verb, **body)
            assert "error" not in answer, (verb, answer)
            server.kill()
    with running(PYNATS, store) as (server, client):
        assert client.api("CONSUMER.NAMES.T")["consumers"] == ["first", "new", "second"]
        assert client.api("CONSUMER.INFO.T.first")["config"]["description"] == "changed"
        assert client.api("CONSUMER.INFO.T.second")["paused"]
        assert client.api("CONSUMER.INFO.T.new")["delivered"]["stream_seq"] == 3
        with Client(server.port) as acks:
            for seq in (3, 2):
                assert acks.request(f"$JS.ACK.T.first.1.{seq}.{seq}.1.2", b"+ACK") is not None
        server.kill()
    with running(PYNATS, store) as (server, client):
        assert places(client, ["first"])["first"]["ack_floor"]["stream_seq"] == 3
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]


@each_end
def test_messages_out_of_deliveries_do_not_come_again(tmp_path: Path, killed: bool) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits")
        create(client, "once", durable_name="once", max_deliver=1, ack_wait=100_000_000)
        assert fetched(server.port, "once", 2) == ["t.0", "t.1"]
        wait_until(
            lambda: client.api("CONSUMER.INFO.T.once")["num_ack_pending"] == 0,
            "its deliveries are used up",
        )
        wait_until(lambda: redelivered(store, "once") == {1: 1, 2: 1}, "that is saved")
        end(server, killed)
    with running(PYNATS, store) as (server, client):
        told = places(client, ["once"])["once"]
        assert told["num_ack_pending"] == 0
        assert told["ack_floor"]["stream_seq"] == 0
        assert fetched(server.port, "once", 9) == ["t.2", "t.3", "t.4"]


def redelivered(store: Path, name: str) -> dict[int, int]:
    found = read_consumers(FileConfig("T", stream_folder(store)))
    return next(one.state.redelivered for one in found if one.name == name)


@each_end
def test_a_delay_goes_on(tmp_path: Path, killed: bool) -> None:
    """A message is not delivered again before its time because of a restart."""
    store = tmp_path / "js"
    with running(PYNATS, store) as (server, client):
        fill(server, client, "limits")
        with Client(server.port) as acks:
            for seq in (2, 3):
                nak = b'-NAK {"delay": 3600000000000}'
                assert acks.request(f"$JS.ACK.T.first.1.{seq}.{seq}.1.2", nak) is not None
        end(server, killed)
    with running(PYNATS, store) as (server, client):
        assert places(client, ["first"])["first"]["num_ack_pending"] == 2
        assert fetched(server.port, "first", 9) == ["t.3", "t.4"]


# -- damage ---------------------------------------------------------------------------------------

DAMAGE: dict[str, tuple[str, bytes | None]] = {
    "a state cut off": ("o.dat", b"\x16\x02\x01"),
    "no state": ("o.dat", None),
    "an empty state": ("o.dat", b""),
    "a configuration overwritten": ("meta.inf", b"hello"),
    "no configuration": ("meta.inf", None),
    "a checksum overwritten": ("meta.sum", b"0123456789abcdef"),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("cipher", ["plain", "aes"])
def test_a_damaged_consumer_goes_on_and_says_so(tmp_path: Path, name: str, cipher: str) -> None:
    store = tmp_path / "js"
    with running(PYNATS, store, cipher) as (server, client):
        fill(server, client, "limits")
        before = places(client, ["first", "second"])
        client.api(
            "STREAM.CREATE.TOLD", name="TOLD", subjects=["$JS.EVENT.ADVISORY.CONSUMER.DAMAGED.>"]
        )
    file, data = DAMAGE[name]
    path = stream_folder(store) / "obs" / "first" / file
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    with running(PYNATS, store, cipher) as (server, client):
        after = places(client, ["first", "second"])
        assert after["second"] == before["second"]
        assert after["first"]["config"] == before["first"]["config"]
        if file == "o.dat":
            assert fetched(server.port, "first", 9) == [f"t.{n}" for n in range(5)]
        else:
            assert after == before
            assert fetched(server.port, "first", 9) == ["t.3", "t.4"]
        assert file in next(line for line in server.log().splitlines() if "[ERR]" in line)
        status, told = health(server, details=True)
        assert status == 200
        assert any("first" in one["error"] and file in one["error"] for one in told["warnings"])
        found = wait_until(
            lambda: client.api("STREAM.MSG.GET.TOLD", seq=1).get("message"), "the advisory"
        )
        assert found["subject"] == "$JS.EVENT.ADVISORY.CONSUMER.DAMAGED.T.first"
        kept = [one.read_bytes() for one in stream_folder(store).glob("quarantine/*")]
        assert kept == ([data] if data else [])
    with running(PYNATS, store, cipher) as (server, client):
        assert server.log().count("[ERR]") == 1, "it is told once"
        assert fetched(server.port, "first", 9) == []


@pytest.mark.parametrize("author", ["ours", "real"])
def test_a_consumer_that_nothing_tells_of_is_not_deleted(
    tmp_path: Path, recorded: Recorded, author: str
) -> None:
    store = tmp_path / "js"
    if author == "real":
        recorded.folder(store, lambda: write_folder(store, "limits", "plain"))
    else:
        with running(PYNATS, store) as (server, client):
            fill(server, client, "limits")
    folder = stream_folder(store) / "obs" / "first"
    for file in ("meta.inf", *(["known.dat"] if author == "ours" else [])):
        (folder / file).write_bytes(b"hello")
    with running(PYNATS, store) as (server, client):
        assert client.api("CONSUMER.NAMES.T")["consumers"] == ["second"]
        assert client.api("CONSUMER.INFO.T.first")["error"]["err_code"] == 10014
        assert "'first'" in next(line for line in server.log().splitlines() if "[ERR]" in line)
        status, short = health(server, details=False)
        assert (status, short["status"]) == (503, "unavailable")
        assert short["error"] == "JetStream consumer '$G > T > first' could not be recovered"
        told = health(server, details=True)[1]["errors"][0]
        assert (told["type"], told["consumer"]) == ("CONSUMER", "first")
        assert "meta.inf" in told["error"]
        made = client.api("CONSUMER.CREATE.T.first", stream_name="T", config={"name": "first"})
        assert "error" in made, "its files are in the way"
        assert fetched(server.port, "second", 9) == [f"t.{n}" for n in range(5)]
    assert (folder / "o.dat").exists() and (folder / "meta.inf").exists()
