"""What a stream has to remove goes when the disk has room again, without another message: what is
beyond lowered limits, and what a message replaces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.stream import changes, rollups
from pynats_server.jetstream.stream.operations import Purge
from pynats_server.jetstream.stream.rollups import Rollups
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import api, serving
from tests.support.on_loop import on_loop

MANY = 200
CONFIG: dict[str, Any] = {"name": "C", "subjects": ["c.*"], "allow_rollup_hdrs": True}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (changes, rollups):
        monkeypatch.setattr(module, "RETRY_S", 0.02)


@asynccontextmanager
async def filled(folder: Path, disk: FullDisk) -> AsyncIterator[tuple[Stream, Client]]:
    """A stream of two subjects with many messages."""
    with disk_of_process(disk):
        async with serving(folder) as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            for number in range(MANY):
                await client.publish(f"c.{number % 2}", b"%d" % number)
            await client.request("c.0", b"last")
            yield stream_of(server), client


def stream_of(server: Server) -> Stream:
    assert server.state.jetstream is not None
    stream = server.state.jetstream.accounts["$G"].streams["C"]
    assert isinstance(stream, Stream)
    return stream


@pytest.mark.parametrize(
    ("limits", "left"),
    [({"max_msgs": 5}, 5), ({"max_bytes": 300}, 8), ({"max_msgs_per_subject": 2}, 4)],
    ids=["messages", "bytes", "per subject"],
)
@on_loop
async def test_lowered_limits_hold_when_there_is_room(
    tmp_path: Path, limits: dict[str, Any], left: int
) -> None:
    disk = FullDisk(below="/msgs/")
    async with filled(tmp_path, disk) as (stream, client):
        disk.room = 0
        assert "error" not in await api(client, "STREAM.UPDATE.C", {**CONFIG, **limits})
        await wait_until_async(lambda: disk.refused > 3, "some tries")
        disk.room = None
        await wait_until_async(
            lambda: stream.store.msgs <= left and not stream.store.dirty, "the limits"
        )
        await client.request("c.0", b"one more")
        assert stream.store.msgs == left
        size, used = stream.store.state().bytes, stream.account.usage("file").used
        assert used == size
    async with serving(tmp_path) as (server, _):
        assert stream_of(server).store.msgs == left


@on_loop
async def test_what_a_message_replaces_goes_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, tries = FullDisk(below="/msgs/"), [0]
    run = Rollups._run

    def full(self: Rollups, purges: list[Purge], seq: int) -> None:
        tries[0] += 1
        if tries[0] == 1:
            disk.room = 0
        run(self, purges, seq)

    monkeypatch.setattr(Rollups, "_run", full)
    async with filled(tmp_path, disk) as (stream, client):
        asked = asyncio.ensure_future(
            client.request("c.0", b"new", headers={"Nats-Rollup": "sub"}, timeout=30)
        )
        await wait_until_async(lambda: tries[0] > 2, "some tries")
        assert not asked.done()
        disk.room = None
        assert json.loads((await asked).data) == {"stream": "C", "seq": MANY + 2}
        assert stream.store.subject_totals(b"c.*") == {b"c.0": 1, b"c.1": MANY // 2}
    async with serving(tmp_path) as (server, _):
        assert stream_of(server).store.subject_totals(b"c.*") == {b"c.0": 1, b"c.1": MANY // 2}
