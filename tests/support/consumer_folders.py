"""Streams with consumers that one server leaves to another: in a folder, or as a backup."""

from __future__ import annotations

import contextlib
import io
import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynats_server.jetstream.store.format.archive import read_archive

from tests.support.client import Client
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, ServerProcess

Json = dict[str, Any]
DECADES_NS = 50 * 365 * 24 * 3600 * 1_000_000_000  # a recorded folder may be old
RETENTIONS = ("limits", "interest", "workqueue")
CIPHERS: dict[str, str] = {
    "plain": "", "chacha": ", key: secret, cipher: chacha", "aes": ", key: secret, cipher: aes",
}  # fmt: skip


@contextlib.contextmanager
def running(
    kind: str, store: Path, cipher: str = "plain"
) -> Iterator[tuple[ServerProcess, Oracle]]:
    """A server with its files in `store`, and a client."""
    config = f'jetstream {{ store_dir: "{store}" {CIPHERS[cipher]} }}\n'
    folder = store.parent / f"{store.name}-{kind}"
    with (
        ServerProcess(kind, folder, config, monitor=kind == PYNATS) as server,
        Oracle(server.port) as client,
    ):
        yield server, client


def consumers(retention: str) -> list[str]:
    """Those that `fill` makes: a work queue has room for one."""
    return ["first"] if retention == "workqueue" else ["first", "second"]


def fetched(port: int, consumer: str, count: int, acknowledged: int = 0) -> list[str]:
    """The subjects of the next messages that a consumer delivers; the first are acknowledged."""
    with Client(port) as client:
        sid = client.subscribe("fetched")
        asked = json.dumps({"batch": count, "no_wait": True}).encode()
        client.publish(f"$JS.API.CONSUMER.MSG.NEXT.T.{consumer}", asked, b"", "fetched")
        subjects: list[str] = []
        while len(subjects) < count:
            message = client.next(sid)
            assert message is not None
            if message.status is not None:  # no more
                break
            subjects.append(message.subject)
            if len(subjects) <= acknowledged:
                assert client.request(message.reply, b"+ACK") is not None
        return subjects


def fill(server: ServerProcess, client: Oracle, retention: str, storage: str = "file") -> None:
    """A stream with five messages. The first consumer got three of them and acknowledged one."""
    made = client.api(
        "STREAM.CREATE.T", name="T", subjects=["t.*"], retention=retention, storage=storage
    )
    assert "error" not in made, made
    for name in consumers(retention):
        config = {"durable_name": name, "ack_policy": "explicit", "ack_wait": DECADES_NS}
        body = {"stream_name": "T", "config": config}
        made = client.api(f"CONSUMER.DURABLE.CREATE.T.{name}", **body)
        assert "error" not in made, made
    for number in range(5):
        client.publish(f"t.{number}", b"%d" % number)
    assert fetched(server.port, "first", 3, acknowledged=1) == ["t.0", "t.1", "t.2"]


def places(client: Oracle, names: list[str]) -> Json:
    """How far consumers are."""
    found = {}
    for name in names:
        info = client.api(f"CONSUMER.INFO.T.{name}")
        for position in ("delivered", "ack_floor"):
            info[position].pop("last_active", None)
        kept = ("delivered", "ack_floor", "num_ack_pending", "num_pending", "num_redelivered")
        found[name] = {key: info[key] for key in kept}
        config = info["config"]
        config["metadata"] = {
            key: value for key, value in config["metadata"].items() if key != "_nats.ver"
        }
        found[name]["config"] = config
    return found


def stream_folder(store: Path) -> Path:
    return store / "jetstream" / "$G" / "streams" / "T"


def health(server: ServerProcess, details: bool) -> tuple[int, Json]:
    try:
        return 200, server.monitoring("/healthz?details=1" if details else "/healthz")
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


# -- backups --------------------------------------------------------------------------------------


def documents(archive: bytes) -> dict[str, Any]:
    """What an archive says besides messages, without times and versions."""
    found = {}
    for entry in read_archive(io.BytesIO(archive), 1 << 24):
        if entry is not None and not entry.seq:
            found[entry.name.decode()] = json.loads(entry.payload)
    return {"names": list(found), **{name: _timeless(about) for name, about in found.items()}}


def _timeless(about: Json) -> Json:
    for pending in about.get("state", {}).get("pending", {}).values():
        pending["Timestamp"] = pending["Timestamp"] > 0
    about.get("config", {}).get("metadata", {}).pop("_nats.ver", None)
    return {key: value for key, value in about.items() if key not in ("first_ts", "last_ts")}


def back_up(port: int, **options: Any) -> tuple[bytes, Json, str]:
    """(archive, the API's answer, final status)"""
    with Client(port) as client:
        sid = client.subscribe("backup")
        body = json.dumps({"deliver_subject": "backup", **options}).encode()
        answer = client.request("$JS.API.STREAM.SNAPSHOT.T", body)
        assert answer is not None
        archive = b""
        while (piece := client.next(sid)) is not None and piece.payload:
            archive += piece.payload
            if piece.reply:
                client.publish(piece.reply)
        assert piece is not None
        return archive, json.loads(answer.payload), piece.headers.partition(b"\r\n")[0].decode()


def restore(port: int, archive: bytes, begun: Json, **changes: Any) -> Json:
    """The end of a restore."""
    with Client(port) as client:
        config = {**begun["config"], "metadata": {}, **changes}
        body = json.dumps({"config": config, "state": begun["state"]}).encode()
        answer = client.request(f"$JS.API.STREAM.RESTORE.{config['name']}", body)
        assert answer is not None
        target = json.loads(answer.payload)["deliver_subject"]
        for start in range(0, len(archive), 1000):
            client.request(target, archive[start : start + 1000])
        end = client.request(target)
        assert end is not None
        found: Json = json.loads(end.payload)
        return found
