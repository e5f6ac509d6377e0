"""Backups through the API: ours into the real server, the real server's into ours."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from test_store_reference import reference

from tests.support import jetstream
from tests.support.deadline import PATIENCE_S
from tests.support.records import Recorded

SUBJECTS = ("t.a", "t.b.c", "t.d")
Stored = dict[int, tuple[str, bytes | None, bytes | None, str]]


@contextlib.asynccontextmanager
async def ours(folder: Path) -> AsyncIterator[Client]:
    async with jetstream.jetstream_server(folder) as server:
        client = await jetstream.connect(server.client_url)
        try:
            yield client
        finally:
            await client.close()


async def api(client: Client, subject: str, **body: Any) -> dict[str, Any]:
    return await jetstream.api(client, subject, body or None)


async def read_all(client: Client) -> Stored:
    state = (await api(client, "STREAM.INFO.T"))["state"]
    found: Stored = {}
    for seq in range(state["first_seq"], state["last_seq"] + 1):
        reply = await api(client, "STREAM.MSG.GET.T", seq=seq)
        if "message" in reply:
            m = reply["message"]
            found[seq] = (m["subject"], m.get("hdrs"), m.get("data"), m["time"])
    return found


async def fill(client: Client, storage: str, count: int) -> Stored:
    made = await api(client, "STREAM.CREATE.T", name="T", subjects=["t.>"], storage=storage)
    assert "error" not in made, made
    for i in range(count):
        body = hashlib.sha512(b"%d" % i).digest() * (i % 5)
        headers = {"N": str(i)} if i % 3 == 0 else None
        await client.request(SUBJECTS[i % len(SUBJECTS)], body, headers=headers)
    for seq in (1, 2, 7, count):
        await api(client, "STREAM.MSG.DELETE.T", seq=seq)
    return await read_all(client)


async def back_up(
    client: Client, name: str = "T", **options: Any
) -> tuple[list[bytes], dict[str, Any], str]:
    """(chunks, the API's answer, final status)"""
    chunks: list[bytes] = []
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def collect(message: Any) -> None:
        if message.data:
            chunks.append(message.data)
            if message.reply:
                await message.respond(b"")
        elif not ended.done():
            ended.set_result((message.headers or {}).get("Status", ""))

    subscription = await client.subscribe("backup.here", cb=collect)
    begun = await api(client, f"STREAM.SNAPSHOT.{name}", deliver_subject="backup.here", **options)
    status = await asyncio.wait_for(ended, PATIENCE_S)
    await subscription.unsubscribe()
    return chunks, begun, status


async def restore(
    client: Client, chunks: list[bytes], begun: dict[str, Any], name: str = "T"
) -> dict[str, Any]:
    config = begun["config"] | {"metadata": {}}
    answer = await api(client, f"STREAM.RESTORE.{name}", config=config, state=begun["state"])
    assert "error" not in answer, answer
    for chunk in chunks:
        assert (await client.request(answer["deliver_subject"], chunk)).data == b""
    end = await client.request(answer["deliver_subject"], b"")
    found: dict[str, Any] = json.loads(end.data)
    return found


@dataclass
class Backup:
    """A backup, what the API said when it began, and what is in it."""

    chunks: list[bytes]
    begun: dict[str, Any]
    contents: Stored

    def save(self, folder: Path) -> None:
        folder.mkdir()
        for number, chunk in enumerate(self.chunks):
            (folder / f"chunk-{number:03}").write_bytes(chunk)
        (folder / "rest.json").write_text(json.dumps([self.begun, self.contents]))

    @classmethod
    def load(cls, folder: Path) -> Backup:
        begun, contents = json.loads((folder / "rest.json").read_text())
        chunks = [path.read_bytes() for path in sorted(folder.glob("chunk-*"))]
        return cls(chunks, begun, {int(seq): tuple(m) for seq, m in contents.items()})


async def give(server: AbstractAsyncContextManager[Client], storage: str) -> Backup:
    async with server as client:
        contents = await fill(client, storage, 60)
        chunks, begun, _ = await back_up(client, chunk_size=1024, window_size=4096)
        assert len(chunks) > 3
        return Backup(chunks, begun, contents)


async def take(server: AbstractAsyncContextManager[Client], backup: Backup) -> None:
    """It is all there afterwards, and the stream goes on."""
    async with server as client:
        made = await restore(client, backup.chunks, backup.begun)
        assert "error" not in made, made
        assert made["state"]["messages"] == len(backup.contents)
        assert await read_all(client) == backup.contents
        last = (await api(client, "STREAM.INFO.T"))["state"]["last_seq"]
        ack = json.loads((await client.request("t.a", b"more")).data)
        assert ack["seq"] == last + 1


STORAGES = pytest.mark.parametrize("storage", ["file", "memory"])


@STORAGES
def test_a_backup_moves_a_stream(tmp_path: Path, storage: str) -> None:
    backup = asyncio.run(give(ours(tmp_path / "from"), storage))
    asyncio.run(take(ours(tmp_path / "to"), backup))


@STORAGES
def test_we_restore_a_backup_of_the_reference(
    tmp_path: Path, recorded: Recorded, storage: str
) -> None:
    kept = tmp_path / "kept"

    def ask() -> list[Any]:
        backup = asyncio.run(give(reference(tmp_path / "from", None), storage))
        backup.save(kept)
        return [[seq, *stored[:3]] for seq, stored in backup.contents.items()]  # without the time

    assert len(recorded.folder(kept, ask)) == 56
    asyncio.run(take(ours(tmp_path / "to"), Backup.load(kept)))


@pytest.mark.reference
@STORAGES
def test_the_reference_restores_our_backup(tmp_path: Path, storage: str) -> None:
    backup = asyncio.run(give(ours(tmp_path / "from"), storage))
    asyncio.run(take(reference(tmp_path / "to", None), backup))


def test_a_restored_stream_survives_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        async with ours(tmp_path / "a") as client:
            expected = await fill(client, "file", 20)
            chunks, begun, status = await back_up(client)
        async with ours(tmp_path / "b") as client:
            await restore(client, chunks, begun)
        async with ours(tmp_path / "b") as client:
            assert await read_all(client) == expected
        assert status == "204"

    asyncio.run(run())


def test_a_bad_restore_changes_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with ours(tmp_path / "js") as client:
            await fill(client, "file", 20)
            chunks, begun, _ = await back_up(client)
            taken = await api(client, "STREAM.RESTORE.T", config=begun["config"], state={})
            assert taken["error"]["err_code"] == 10130
            await api(client, "STREAM.DELETE.T")
            whole = b"".join(chunks)
            flipped = bytearray(whole)
            flipped[len(whole) // 2] ^= 1
            for bad in (b"garbage" * 100, whole[:-10], bytes(flipped), b"\xff" * 5):
                made = await restore(client, [bad], begun)
                assert made["error"]["err_code"] == 10062, made
                assert not (await api(client, "STREAM.NAMES"))["streams"]
            assert not (tmp_path / "js/jetstream/$G/streams/T").exists()
            assert "error" not in await restore(client, chunks, begun)

    asyncio.run(run())


def test_a_receiver_that_does_not_answer_ends_the_backup(tmp_path: Path) -> None:
    async def run() -> None:
        async with ours(tmp_path / "js") as client:
            await fill(client, "file", 60)
            statuses: asyncio.Queue[str] = asyncio.Queue()
            got: list[bytes] = []

            async def collect(message: Any) -> None:
                if message.data:
                    got.append(message.data)
                else:
                    statuses.put_nowait(message.headers["Status"])

            await client.subscribe("backup.here", cb=collect)
            await api(
                client, "STREAM.SNAPSHOT.T", deliver_subject="backup.here", chunk_size=1024,
                window_size=2048,
            )  # fmt: skip
            assert await asyncio.wait_for(statuses.get(), PATIENCE_S) == "408"
            assert len(got) == 2

    asyncio.run(run())


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_a_backup_does_not_outlive_its_stream(tmp_path: Path, storage: str) -> None:
    """A backup is not reported as complete if its stream is deleted during it."""

    async def run() -> None:
        async with ours(tmp_path) as client:
            await api(client, "STREAM.CREATE.T", name="T", subjects=["t"], storage=storage)
            for _ in range(8):
                await client.request("t", random.Random(1).randbytes(200_000))
            pieces = await client.subscribe("pieces")
            asked = {"deliver_subject": "pieces", "chunk_size": 1024, "window_size": 1024}
            await api(client, "STREAM.SNAPSHOT.T", **asked)
            piece = await pieces.next_msg(PATIENCE_S)
            assert (await api(client, "STREAM.DELETE.T"))["success"]
            while piece.data:
                await client.publish(piece.reply)
                piece = await pieces.next_msg(PATIENCE_S)
            assert piece.headers is not None
            assert piece.headers["Status"] == "500"

    asyncio.run(run())


def test_a_backup_waits_for_who_subscribes_when_it_has_the_answer(tmp_path: Path) -> None:
    """The wildcard of an inbox, which covers the target before that, does not count: a client
    drops what comes there and is no answer."""

    async def run() -> None:
        async with ours(tmp_path) as client:
            await api(client, "STREAM.CREATE.T", name="T", subjects=["t"])
            inbox = await client.subscribe("inbox.*")
            await api(client, "STREAM.SNAPSHOT.T", deliver_subject="inbox.pieces")
            for _ in range(20):  # each one a turn of the server, in which it would have been sent
                await api(client, "STREAM.INFO.T")
            assert inbox.pending_msgs == 0
            pieces = await client.subscribe("inbox.pieces")
            assert (await pieces.next_msg(PATIENCE_S)).data
            assert (await inbox.next_msg(PATIENCE_S)).data

    asyncio.run(run())
