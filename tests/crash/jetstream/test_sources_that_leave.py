"""A source that is taken from a stream waits for the disk, because its origin keeps what is not
durable. Nobody waits with it, and it waits no longer than there is something to wait for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.stream.copying import reading
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import next_turn, wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import api, serving
from tests.support.on_loop import on_loop

FOREVER_S = 3600.0


async def ask(client: Client, subject: str, **body: Any) -> dict[str, Any]:
    answer = await api(client, subject, body or None)
    assert "error" not in answer, answer
    return answer


async def consumers(client: Client) -> int:
    found: int = (await ask(client, "STREAM.INFO.O"))["state"]["consumer_count"]
    return found


@contextlib.asynccontextmanager
async def leaving(
    folder: Path, monkeypatch: pytest.MonkeyPatch, disk: FullDisk
) -> AsyncIterator[tuple[Server, Client, Stream]]:
    """A source of stream "c-M" that is gone, but for three copies which never become durable."""
    committed = Stream.committed
    monkeypatch.setattr(
        Stream,
        "committed",
        lambda stream, seq: None if stream.name == "c-M" else committed(stream, seq),
    )
    monkeypatch.setattr(reading, "FINISH_S", FOREVER_S)
    with disk_of_process(disk):
        async with serving(folder) as (server, client):
            await ask(client, "STREAM.CREATE.O", name="O", subjects=["o"], retention="workqueue")
            await ask(
                client, "STREAM.CREATE.c-M", name="c-M", subjects=["own"], sources=[{"name": "O"}]
            )
            for _ in range(3):
                await client.request("o", b"x")
            assert server.state.jetstream is not None
            stream = server.state.jetstream.accounts["$G"].streams["c-M"]
            await wait_until_async(lambda: stream.store.msgs == 3, "three copies")
            await ask(client, "STREAM.UPDATE.c-M", name="c-M", subjects=["own"])
            yield server, client, stream


async def until_gone(client: Client) -> None:
    async def is_gone() -> bool:
        return await consumers(client) == 0

    await wait_until_async(is_gone, "the consumer of the source has gone")
    assert (await ask(client, "STREAM.INFO.O"))["state"]["messages"] == 3  # none was acknowledged


@on_loop
async def test_others_change_streams_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leaving(tmp_path, monkeypatch, FullDisk()) as (_, client, _):
        await ask(client, "STREAM.CREATE.P", name="P", subjects=["p"])
        assert await consumers(client) == 1
        await ask(client, "STREAM.DELETE.c-M")
        await until_gone(client)


@on_loop
async def test_the_next_source_waits_for_the_consumer_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leaving(tmp_path, monkeypatch, FullDisk()) as (_, client, stream):
        other = {"name": "O", "subject_transforms": [{"src": "o", "dest": "new"}]}
        await ask(client, "STREAM.UPDATE.c-M", name="c-M", subjects=["own"], sources=[other])
        await next_turn()
        (source,) = stream.following.sources
        assert source.error is None
        monkeypatch.undo()
        stream.committed(stream.store.last_seq)

        async def is_read() -> bool:
            return (await ask(client, "STREAM.INFO.O"))["state"]["messages"] == 0

        await wait_until_async(is_read, "what is durable goes")
        assert source.error is None
        await client.request("o", b"y")
        await wait_until_async(lambda: stream.store.msgs == 4, "the next copy")


@on_loop
async def test_copies_that_a_full_disk_takes_back_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(below="/c-M")
    async with leaving(tmp_path, monkeypatch, disk) as (_, client, _):
        disk.room = 0
        await client.request("own", b"x")
        await until_gone(client)


@on_loop
async def test_a_store_that_has_failed_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leaving(tmp_path, monkeypatch, FullDisk()) as (_, client, stream):
        stream.store.fail(OSError(5, "broken"))
        await until_gone(client)


@on_loop
async def test_a_consumer_that_ends_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leaving(tmp_path, monkeypatch, FullDisk()) as (_, client, stream):
        (gone,) = stream.following._leaving
        (found,) = (await ask(client, "CONSUMER.LIST.O"))["consumers"]
        await ask(client, f"CONSUMER.DELETE.O.{found['name']}")
        await wait_until_async(lambda: gone.is_over, "it waits no more")
