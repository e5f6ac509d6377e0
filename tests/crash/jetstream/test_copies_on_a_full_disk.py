"""Mirrors and sources whose disk fills up and has room again, time and again, with kill -9 in
between: every message of the origin comes once, in order, and nothing that is behind says that it
is not. An origin that keeps messages for its consumers keeps what is not copied."""

from __future__ import annotations

import contextlib
import errno
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.core.protocol.headers import get
from pynats_server.jetstream.folders import streams as stream_folders
from pynats_server.jetstream.store import FileConfig, Store, opening
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.stream.copying import follower
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server
from pynats_server.work import finish

from tests.support.crashdisk import copy_tree
from tests.support.deadline import wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.fuzzing import examples
from tests.support.jetstream import api, serving
from tests.support.on_loop import on_loop

Json = dict[str, Any]
ROUNDS, BURSTS = 4, 6

ORIGINS: dict[str, Json] = {
    "O": {"subjects": ["o.*"]},
    "QM": {"subjects": ["qm.*"], "retention": "workqueue"},
    "QS": {"subjects": ["qs.*"], "retention": "workqueue"},
    "IS": {"subjects": ["is.*"], "retention": "interest"},
}
FROM_O: Json = {"name": "O", "subject_transforms": [{"src": "o.1", "dest": "made.one"}]}
COPIES: dict[str, Json] = {
    "c-M": {"mirror": {"name": "O"}},
    "c-MLAST": {"mirror": {"name": "O"}, "max_msgs": 5},
    "c-MEACH": {"mirror": {"name": "O"}, "max_msgs_per_subject": 2, "compression": "s2"},
    "c-MQ": {"mirror": {"name": "QM"}},
    "c-S": {"sources": [FROM_O, {"name": "QS"}, {"name": "IS"}], "compression": "s2"},
    "c-SFEW": {"sources": [{"name": "O", "filter_subject": "o.2"}], "max_bytes": 900},
}


@dataclass
class Scene:
    """What was published to each origin: (sequence, subject, payload)."""

    chance: random.Random
    published: dict[str, list[tuple[int, bytes, bytes]]] = field(
        default_factory=lambda: {name: [] for name in ORIGINS}
    )
    number: int = 0

    async def publish(self, server: Server, client: Client) -> None:
        for _ in range(self.chance.randrange(1, 12)):
            name = self.chance.choice(list(ORIGINS))
            subject = f"{name.lower()}.{self.chance.randrange(3)}"
            for _ in range(self.chance.randrange(1, 6)):
                self.number += 1
                body = b"%d " % self.number + b"x" * self.chance.randrange(300)
                await client.publish(subject, body)
                self.published[name].append((len(self.published[name]) + 1, subject.encode(), body))
        await client.flush()
        for name, told in self.published.items():
            assert stream_of(server, name).store.last_seq == len(told)

    def wanted(self, name: str) -> list[tuple[int, bytes, bytes]]:
        """What a stream has when it has everything."""
        told = self.published
        match name:
            case "c-M":
                return told["O"]
            case "c-MLAST":
                return told["O"][-5:]
            case "c-MEACH":
                last = {s: [m for m in told["O"] if m[1] == s][-2:] for _, s, _ in told["O"]}
                return sorted(one for kept in last.values() for one in kept)
        return told["QM"]


def stream_of(server: Server, name: str) -> Stream:
    assert server.state.jetstream is not None
    stream = server.state.jetstream.accounts["$G"].streams[name]
    assert isinstance(stream, Stream)
    return stream


def content(store: Store) -> list[tuple[int, bytes, bytes, bytes]]:
    """(sequence, subject, payload, origin and sequence there) of all messages."""
    found, at = [], 1
    while (message := finish(store.find_next(b">", at))) is not None:
        told = get(message.headers or b"", b"Nats-Stream-Source") or b""
        where = b" ".join(told.split(b" ")[:2])
        found.append((message.seq, bytes(message.subject), message.payload, where))
        at = message.seq + 1
    return found


def check_order(server: Server, scene: Scene) -> None:
    """Nothing is there that should not be, at any time."""
    for name, config in COPIES.items():
        found = content(stream_of(server, name).store)
        if "mirror" in config:
            told = scene.published[config["mirror"]["name"]]
            assert all(told[seq - 1] == (seq, *rest) for seq, *rest, _ in found), name
        else:
            for origin in ORIGINS:
                seqs = [int(w.split()[1]) for *_, w in found if w.split()[0] == origin.encode()]
                assert seqs == sorted(set(seqs)), (name, origin)


def is_whole(server: Server, scene: Scene, name: str) -> bool:
    found = content(stream_of(server, name).store)
    if "mirror" in COPIES[name]:
        return [one[:3] for one in found] == scene.wanted(name)
    told = scene.published
    if name == "c-SFEW":
        last = [seq for seq, subject, _ in told["O"] if subject == b"o.2"][-1:]
        return [int(w.split()[1]) for *_, w in found][-1:] == last
    expected = {
        b"O %d" % seq: (b"made.one", body) for seq, subject, body in told["O"] if subject == b"o.1"
    }
    for origin in ("QS", "IS"):
        for seq, subject, body in told[origin]:
            expected[origin.encode() + b" %d" % seq] = subject, body
    return len(found) == len(expected) and expected == {w: (s, b) for _, s, b, w in found}


async def until_whole(server: Server, client: Client, scene: Scene) -> None:
    for name in COPIES:
        await wait_until_async(lambda name=name: is_whole(server, scene, name), name)
    check_order(server, scene)
    for origin in ("QM", "QS", "IS"):
        await wait_until_async(lambda o=origin: stream_of(server, o).store.msgs == 0, origin)
    for name in COPIES:
        info = await api(client, f"STREAM.INFO.{name}")
        for told in [info["mirror"]] if "mirror" in info else info["sources"]:
            assert (told["lag"], told.get("error")) == (0, None), (name, told)


async def check_full(server: Server, client: Client, disk: FullDisk, scene: Scene) -> None:
    """After some tries in vain: what is said of the copies is true."""
    refused = disk.refused
    await wait_until_async(lambda: disk.refused > refused + 6, "tries", interval_s=0.002)
    check_order(server, scene)
    for name, origin in (("c-M", "O"), ("c-MQ", "QM")):

        async def is_told(name: str = name, told: int = len(scene.published[origin])) -> bool:
            info = await api(client, f"STREAM.INFO.{name}")
            behind = told - info["state"]["last_seq"]
            assert info["mirror"]["lag"] == behind, name
            return not behind or info["mirror"].get("error", {}).get("err_code") == 10047

        for _ in range(5):  # not only at the first try
            await wait_until_async(is_told, f"{name} is behind", interval_s=0.002)
    for name, origin, copy in (("QM", "QM", "c-MQ"), ("QS", "QS", "c-S"), ("IS", "IS", "c-S")):
        left = {body for _, _, body, _ in content(stream_of(server, name).store)}
        copied = {body for _, _, body, _ in content(stream_of(server, copy).store)}
        assert {body for _, _, body in scene.published[origin]} <= left | copied, name


@contextlib.asynccontextmanager
async def killed_at_the_end(folder: Path, image: Path) -> AsyncIterator[tuple[Server, Client]]:
    """A server on `folder`. `image` is what it leaves when it is killed at the end."""
    async with serving(folder) as found:
        yield found
        copy_tree(folder, image)


@pytest.mark.parametrize("seed", range(examples(3)))
@on_loop
async def test_copies_are_whole_when_there_is_room_again(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs: list[Exception] = []
    monkeypatch.setattr(Stream, "on_internal_error", lambda _, error: bugs.append(error))
    monkeypatch.setattr(stream_folders, "choose_block_size", lambda *_: 1500)
    monkeypatch.setattr(follower, "RETRY_S", 0.02)
    scene = Scene(random.Random(seed))
    folder = tmp_path / "0"
    refused = 0
    for number in range(ROUNDS):
        image = tmp_path / str(number + 1)
        with disk_of_process(FullDisk(below="/c-")) as disk:
            async with killed_at_the_end(folder, image) as (server, client):
                if not number:
                    for name, config in {**ORIGINS, **COPIES}.items():
                        made = await api(client, f"STREAM.CREATE.{name}", {"name": name, **config})
                        assert "error" not in made, made
                await until_whole(server, client, scene)
                for _ in range(BURSTS):
                    full = scene.chance.random() < 0.7
                    disk.room = scene.chance.randrange(4000) if full else None
                    await scene.publish(server, client)
                    if full and scene.chance.random() < 0.5:
                        disk.room = 0
                        await scene.publish(server, client)
                        await check_full(server, client, disk, scene)
                check_order(server, scene)
                refused += disk.refused
            if scene.chance.random() < 0.5:  # else it has stopped in order, with the disk full
                folder = image
    async with serving(folder) as (server, client):
        await until_whole(server, client, scene)
    assert refused > 20
    assert bugs == []


@on_loop
async def test_a_message_is_no_duplicate_of_one_that_was_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client's message, refused in the end, had the id of one that a source brought."""
    monkeypatch.setattr(follower, "RETRY_S", 0.02)
    with disk_of_process(FullDisk(0, below="/c-D")) as disk:
        async with serving(tmp_path) as (server, client):
            for name, config in (
                ("O", {"subjects": ["o"]}),
                (
                    "c-D",
                    {"subjects": ["own"], "sources": [{"name": "O"}], "duplicate_window": 10**11},
                ),
            ):
                made = await api(client, f"STREAM.CREATE.{name}", {"name": name, **config})
                assert "error" not in made, made
            stream = stream_of(server, "c-D")
            (source,) = stream.following.sources
            await client.request("o", b"of O", headers={"Nats-Msg-Id": "same"})
            await wait_until_async(lambda: source._retry is not None, "a refusal")
            source._try_again()
            assert source._scheduled is not None
            source._scheduled.cancel()
            refused = disk.refused
            stream.accept(b"own", b"", b"NATS/1.0\r\nNats-Msg-Id: same\r\n\r\n", b"own")
            source._pull()  # before the turn ends
            assert (source.next_seq, source.place.seq) == (2, 1)
            await wait_until_async(lambda: disk.refused > refused, "a refusal")

            async def is_behind() -> bool:  # but for the moments in which it tries again
                info = await api(client, "STREAM.INFO.c-D")
                return bool(info["sources"][0]["lag"] == 1)

            await wait_until_async(is_behind, "it knows what it lacks")
            disk.room = None
            await wait_until_async(lambda: stream.store.msgs == 1, "the copy")
            assert [body for _, _, body, _ in content(stream.store)] == [b"of O"]


class Broken(Disk):
    """A disk that fails for good, in what it writes or in its syncs, when it is told to."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fails = False

    def _step(self, kind: str) -> None:
        if self.fails and kind == self.kind:
            raise OSError(errno.EIO, "bad medium")

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self._step("write")
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self._step("sync")
        super().sync(handle)


@pytest.mark.parametrize("kind", ["write", "sync"])
@on_loop
async def test_copies_on_a_broken_disk_are_known_to_be_behind(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "RETRY_S", 0.02)
    broken, real = Broken(kind), opening.FileStore

    def open_on(config: FileConfig, *args: Any, **kwargs: Any) -> FileStore:
        return real(config, *args, disk=broken if config.name.startswith("c-") else None, **kwargs)

    monkeypatch.setattr(opening, "FileStore", open_on)
    copies: dict[str, Json] = {
        "c-M": {"mirror": {"name": "O"}}, "c-S": {"sources": [{"name": "O"}]},
        "c-MQ": {"mirror": {"name": "Q"}}, "c-SQ": {"sources": [{"name": "QS"}]},
    }  # fmt: skip
    queue = {"retention": "workqueue"}
    origins: dict[str, Json] = {"O": {}, "Q": queue, "QS": queue}

    async def publish(client: Client, count: int) -> None:
        for name in origins:
            for _ in range(count):
                await client.request(name.lower(), b"x")

    async def told(client: Client, name: str) -> tuple[int, int, bool]:
        """Messages, how many are missing, and whether it says why."""
        info = await api(client, f"STREAM.INFO.{name}")
        (about,) = [info["mirror"]] if "mirror" in info else info["sources"]
        return info["state"]["messages"], about["lag"], "error" in about

    async def until(client: Client, *expected: Any) -> None:
        for name in copies:

            async def reached(name: str = name) -> bool:
                return await told(client, name) == expected

            await wait_until_async(reached, f"{name}: {expected}")

    async with serving(tmp_path) as (server, client):
        for name, more in {**origins, **copies}.items():
            config = {"name": name, **more}
            if name in origins:
                config["subjects"] = [name.lower()]
            made = await api(client, f"STREAM.CREATE.{name}", config)
            assert "error" not in made, made
        await publish(client, 4)
        await until(client, 4, 0, False)
        streams = [stream_of(server, name) for name in copies]
        await wait_until_async(lambda: all(one.durable_seq == 4 for one in streams), "syncs")
        broken.fails = True
        await publish(client, 5)
        await until(client, 4, 5, True)
        assert [stream_of(server, name).store.msgs for name in origins] == [9, 5, 5]
        assert all(stream_of(server, name).failure for name in copies)
        broken.fails = False
        await publish(client, 1)
        await until(client, 4, 6, True)
        assert [stream_of(server, name).store.msgs for name in origins] == [10, 6, 6]
    async with serving(tmp_path) as (server, client):
        await until(client, 10, 0, False)
        await wait_until_async(lambda: stream_of(server, "Q").store.msgs == 0, "the end of all")
        assert [content(stream_of(server, name).store)[-1][0] for name in copies] == [10] * 4
