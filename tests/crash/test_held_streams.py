"""Streams of which something cannot be read at the start: what is intact is served, nothing is
written, and when the files are good again, everything goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.monitor.healthz_jetstream import check
from pynats_server.monitor.options import HealthzOptions
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S
from tests.support.jetstream import api, serving

MAX_BYTES = 100_000
BODY = bytes(500)
COUNT = 180
AGE_NS = 3600 * 10**9  # beyond the duplicate window: nobody has to read them at the start
CONFIG = {
    "name": "S",
    "subjects": ["s.*"],
    "max_bytes": MAX_BYTES,
    "allow_direct": True,
}


def folder_of(folder: Path) -> Path:
    return folder / "jetstream" / "$G" / "streams" / "S"


def files_in(folder: Path) -> dict[str, bytes]:
    """All files but those of consumers, whose places move on."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "obs" not in path.parts and "__msgs__" not in path.parts
    }


async def fill(folder: Path, count: int = COUNT) -> None:
    async with serving(folder) as (_, client):
        assert "error" not in await api(client, "STREAM.CREATE.S", CONFIG)
    store = FileStore(FileConfig("S", folder_of(folder), block_size=MAX_BYTES // 3))
    for number in range(count):
        store.append(b"s.%d" % (number % 3), None, BODY, time.time_ns() - AGE_NS)
    store.close()
    async with serving(folder) as (_, client):
        durable = {"durable_name": "d", "ack_policy": "explicit"}
        made = await api(
            client, "CONSUMER.DURABLE.CREATE.S.d", {"stream_name": "S", "config": durable}
        )
        assert "error" not in made
        assert await pulled(client, "d", 10) == list(range(1, 11))


async def pulled(client: Client, name: str, most: int) -> list[int]:
    """Sequences that a consumer delivers soon, acknowledged with an answer."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    request = {"batch": most, "expires": 3 * 10**8}
    subject = f"$JS.API.CONSUMER.MSG.NEXT.S.{name}"
    await client.publish(subject, json.dumps(request).encode(), reply=inbox)
    found: list[int] = []
    while len(found) < most:
        message = await subscription.next_msg(PATIENCE_S)
        if not message.reply:  # a status
            break
        found.append(int(message.reply.split(".")[5]))
        await client.request(message.reply, b"+ACK", timeout=PATIENCE_S)
    await subscription.unsubscribe()
    return found


async def health(server: Server) -> list[str]:
    jetstream = server.state.jetstream
    assert jetstream is not None
    request = HealthzOptions(details=True)
    failures, warnings = await server.state.turns.run(
        "tests", server, check(jetstream, server.state.accounts, request)
    )
    return [failure.about.error for failure in failures] + [one.error for one in warnings]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "flipped": ("meta.inf", _flip),
    "missing": ("meta.inf", Path.unlink),
    "empty": ("meta.inf", lambda path: path.write_bytes(b"")),
    "no object": ("meta.inf", lambda path: path.write_bytes(b"[]")),
    "a folder": ("meta.inf", _folder),
    "no checksum": ("meta.sum", Path.unlink),
    "another checksum": ("meta.sum", lambda path: path.write_bytes(b"0" * 16)),
    "a folder as checksum": ("meta.sum", _folder),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_stream_without_its_configuration_can_be_read(
    tmp_path: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        await fill(tmp_path, 30)
        folder = folder_of(tmp_path)
        good = {name: (folder / name).read_bytes() for name in ("meta.inf", "meta.sum")}
        name, spoil = DAMAGES[damage]
        spoil(folder / name)
        before = files_in(folder)
        capfd.readouterr()
        async with serving(tmp_path) as (server, client):
            log = capfd.readouterr().err
            (line,) = [one for one in log.splitlines() if "[ERR]" in one]
            assert "'$G > S'" in line and "read-only" in line
            found = await api(client, "STREAM.INFO.S")
            assert found["state"]["messages"] == 30
            config = found["config"]
            assert config["sealed"] and config["storage"] == "file" and "subjects" not in config
            assert config["max_bytes"] == -1
            got = await api(client, "STREAM.MSG.GET.S", {"seq": 7})
            assert got["message"]["subject"] == "s.0"
            assert await pulled(client, "d", 5) == list(range(11, 16))
            for subject, body, code in (
                ("STREAM.UPDATE.S", CONFIG, 10069),
                ("STREAM.CREATE.S", CONFIG, 10058),
                ("STREAM.PURGE.S", None, 10109),
                ("STREAM.MSG.DELETE.S", {"seq": 3}, 10109),
                ("STREAM.SNAPSHOT.S", {"deliver_subject": "x"}, 10077),
            ):
                answer = await api(client, subject, body)
                assert answer["error"]["err_code"] == code, answer
            with pytest.raises(NoRespondersError):
                await client.request("s.1", b"more")
            (told,) = await health(server)
            assert "'$G > S'" in told and "configuration cannot be read" in told
        assert files_in(folder) == before
        if (folder / name).is_dir():
            (folder / name).rmdir()
        for known, content in good.items():
            (folder / known).write_bytes(content)
        async with serving(tmp_path) as (server, client):
            assert await health(server) == []
            assert (await api(client, "STREAM.INFO.S"))["config"]["subjects"] == ["s.*"]
            assert json.loads((await client.request("s.1", b"more")).data)["seq"] == 31
            assert await pulled(client, "d", 99) == list(range(16, 32))

    asyncio.run(run())


@pytest.mark.parametrize("name", ["meta.inf", "meta.key"])
@pytest.mark.parametrize("spoil", [Path.unlink, _folder, _flip])
def test_an_encrypted_stream_without_its_configuration_can_be_read(
    tmp_path: Path,
    name: str,
    spoil: Callable[[Path], object],
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def run() -> None:
        async with serving(tmp_path, key="secret") as (_, client):
            assert "error" not in await api(client, "STREAM.CREATE.S", CONFIG)
            for _ in range(5):
                await client.request("s.1", BODY)
        folder = folder_of(tmp_path)
        content = (folder / name).read_bytes()
        spoil(folder / name)
        before = files_in(folder)
        capfd.readouterr()
        async with serving(tmp_path, key="secret") as (server, client):
            assert capfd.readouterr().err.count("[ERR]") == 1
            assert (await api(client, "STREAM.INFO.S"))["state"]["messages"] == 5
            got = await api(client, "STREAM.MSG.GET.S", {"seq": 5})
            assert got["message"]["subject"] == "s.1"
            assert len(await health(server)) == 1
        assert files_in(folder) == before
        async with serving(tmp_path, key="another") as (server, client):
            assert (await api(client, "STREAM.INFO.S"))["error"]["err_code"] == 10059
            assert len(await health(server)) == 1
        assert files_in(folder) == before
        if (folder / name).is_dir():
            (folder / name).rmdir()
        (folder / name).write_bytes(content)
        async with serving(tmp_path, key="secret") as (server, client):
            assert await health(server) == []
            assert json.loads((await client.request("s.1", BODY)).data)["seq"] == 6

    asyncio.run(run())


@pytest.mark.parametrize("name", ["quarantine", "__msgs__", "obs"])
def test_a_file_in_the_place_of_a_folder(tmp_path: Path, name: str) -> None:
    async def run() -> None:
        await fill(tmp_path, 30)
        path, aside = folder_of(tmp_path) / name, tmp_path / "aside"
        if path.is_dir():
            path.rename(aside)
        path.write_bytes(b"of somebody")
        async with serving(tmp_path) as (server, client):
            assert json.loads((await client.request("s.1", b"more")).data)["seq"] == 31
            consumer = {"stream_name": "S", "config": {"durable_name": "e"}}
            made = await api(client, "CONSUMER.DURABLE.CREATE.S.e", consumer)
            told = await health(server)
            if name == "obs":
                assert made["error"]["err_code"] == 10104
                assert len(told) == 1 and "obs cannot be read" in told[0]
            else:
                assert "error" not in made
                assert told == []
                assert await pulled(client, "d", 5) == list(range(11, 16))
        assert path.read_bytes() == b"of somebody"
        path.unlink()
        if aside.is_dir():
            aside.rename(path)
        async with serving(tmp_path) as (server, client):
            assert await health(server) == []
            first = 11 if name == "obs" else 16
            assert await pulled(client, "d", 99) == list(range(first, 32))

    asyncio.run(run())


def test_no_interest_is_forgotten_where_consumers_cannot_be_read(tmp_path: Path) -> None:
    async def run() -> None:
        interested: dict[str, Any] = {**CONFIG, "retention": "interest"}
        async with serving(tmp_path) as (_, client):
            await api(client, "STREAM.CREATE.S", interested)
            durable = {"durable_name": "d", "ack_policy": "explicit"}
            wanted = {"stream_name": "S", "config": durable}
            await api(client, "CONSUMER.DURABLE.CREATE.S.d", wanted)
            for _ in range(5):
                await client.request("s.1", BODY)
        obs = folder_of(tmp_path) / "obs"
        obs.rename(tmp_path / "aside")
        obs.symlink_to("/nowhere/else")
        async with serving(tmp_path) as (server, client):
            assert (await api(client, "STREAM.INFO.S"))["state"]["messages"] == 5
            assert len(await health(server)) == 1
        obs.unlink()
        (tmp_path / "aside").rename(obs)
        async with serving(tmp_path) as (server, client):
            assert await pulled(client, "d", 9) == [1, 2, 3, 4, 5]

    asyncio.run(run())


@contextlib.contextmanager
def unreadable(path: Path) -> Any:
    """A folder in its place: an error even for root."""
    path.rename(path.with_suffix(".aside"))
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()
        path.with_suffix(".aside").rename(path)


@pytest.mark.parametrize("indexed", [True, False])
def test_consumers_wait_for_what_is_unavailable(
    tmp_path: Path, indexed: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        await fill(tmp_path)
        messages = folder_of(tmp_path) / "msgs"
        if not indexed:
            (messages / "index.db").unlink()
        with unreadable(messages / "2.blk"):
            before = files_in(messages)
            capfd.readouterr()
            async with serving(tmp_path) as (server, client):
                # Some come before the block, none from behind it.
                first = await pulled(client, "d", COUNT)
                assert first == list(range(11, 11 + len(first))) and 20 < len(first) < 90
                lost = (await api(client, "STREAM.INFO.S"))["state"].get("lost")
                assert lost is None
                last = await api(client, "STREAM.MSG.GET.S", {"seq": COUNT})
                assert last["message"]["seq"] == COUNT
                gone = await api(client, "STREAM.MSG.GET.S", {"seq": 11 + len(first)})
                assert gone["error"]["err_code"] == 10077
                wanted = json.dumps({"seq": 11 + len(first)}).encode()
                direct = await client.request("$JS.API.DIRECT.GET.S", wanted)
                assert direct.headers is not None and direct.headers["Status"] == "500"
                healths = await health(server)
                assert len(healths) == 1, healths
                (told,) = healths
                assert "2 cannot be read" in told or "2.blk cannot be read" in told
                answer = json.loads((await client.request("s.1", BODY)).data)
                if indexed:
                    assert answer["seq"] == COUNT + 1
                else:
                    assert answer["error"]["err_code"] == 10077
                    assert "read-only" in answer["error"]["description"]
            log = capfd.readouterr().err
            assert log.count("[ERR]") == 1, log
            if not indexed:
                assert files_in(messages) == before
        async with serving(tmp_path) as (server, client):
            assert await health(server) == []
            last_seq = COUNT + indexed
            rest = await pulled(client, "d", COUNT)
            assert rest == list(range(11 + len(first), last_seq + 1))

    asyncio.run(run())


def test_a_consumer_beyond_what_is_unavailable_keeps_its_place(tmp_path: Path) -> None:
    async def run() -> None:
        await fill(tmp_path)
        async with serving(tmp_path) as (_, client):
            assert len(await pulled(client, "d", 140)) == 140  # up to 150
        messages = folder_of(tmp_path) / "msgs"
        shutil.copytree(messages.parent / "obs", tmp_path / "obs")
        (messages / "index.db").unlink()
        newest = max(messages.glob("*.blk"), key=lambda path: int(path.stem))
        with unreadable(newest):
            async with serving(tmp_path) as (server, client):
                assert len(await health(server)) in (1, 2)
        async with serving(tmp_path) as (server, client):
            assert await health(server) == []
            assert await pulled(client, "d", COUNT) == list(range(151, COUNT + 1))

    asyncio.run(run())
