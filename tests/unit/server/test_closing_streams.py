"""Many streams close together: at the stop of a server, and when reloads take JetStream away."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.manager import JetStream
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    JetStreamOptions,
    Options,
    User,
)
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.jetstream import PatientClient, api, connect, jetstream_server
from tests.support.on_loop import on_loop

COUNT = 20
RELAXED = 1000.0  # s between syncs: until the end nobody asks for one
Done = Callable[[OSError | None], None]


class Disk:
    """The syncs of a server from now on: each is done, and its end is held back."""

    def __init__(self, jetstream: JetStream) -> None:
        self.held: list[tuple[Done, OSError | None]] = []
        self._open = False
        syncer = jetstream.context.syncer
        sync = syncer.sync

        def held_sync(disk: Any, files: list[int], folders: list[Path], done: Done) -> None:
            def ended(error: OSError | None) -> None:
                if self._open:
                    done(error)
                else:
                    self.held.append((done, error))

            sync(disk, files, folders, ended)

        syncer.sync = held_sync  # type: ignore[method-assign]

    def let_go(self, failing: int = 0) -> None:
        """Tells all their ends; the first ones have failed."""
        self._open = True
        for at, (done, error) in enumerate(self.held):
            done(OSError(errno.EIO, "Input/output error") if at < failing else error)


def jetstream_of(server: Server) -> JetStream:
    assert server.state.jetstream is not None
    return server.state.jetstream


async def make_streams(client: PatientClient, count: int = COUNT) -> None:
    for at in range(count):
        made = await api(client, f"STREAM.CREATE.S{at}", {"name": f"S{at}", "subjects": [f"s{at}"]})
        assert "error" not in made


async def messages(client: PatientClient, at: int) -> int:
    found: int = (await api(client, f"STREAM.INFO.S{at}"))["state"]["messages"]
    return found


async def publish_without_waiting(client: PatientClient, server: Server) -> None:
    """One message in each stream; returns when all are stored, and none is durable."""
    for at in range(COUNT):
        await client.publish(f"s{at}", b"x")
    streams = jetstream_of(server).streams()
    await wait_until_async(lambda: all(s.store.msgs for s in streams), "the messages")


@on_loop
async def test_a_stop_asks_for_all_syncs_before_it_waits_for_one(tmp_path: Path) -> None:
    server = jetstream_server(tmp_path, sync_interval=RELAXED)
    await server.start()
    client = await connect(server.client_url)
    await make_streams(client)
    disk = Disk(jetstream_of(server))
    await publish_without_waiting(client, server)
    await client.close()
    stopping = asyncio.create_task(server.shutdown())
    await wait_until_async(lambda: len(disk.held) == COUNT, "a sync of every stream")
    assert not stopping.done()
    disk.let_go()
    await asyncio.wait_for(stopping, PATIENCE_S)
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        assert [await messages(client, at) for at in range(COUNT)] == [1] * COUNT
        await client.close()


@on_loop
async def test_a_store_that_fails_at_the_stop_does_not_stop_the_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = jetstream_server(tmp_path, sync_interval=RELAXED)
    await server.start()
    client = await connect(server.client_url)
    await make_streams(client)
    disk = Disk(jetstream_of(server))
    await publish_without_waiting(client, server)
    await client.close()
    stopping = asyncio.create_task(server.shutdown())
    await wait_until_async(lambda: len(disk.held) == COUNT, "a sync of every stream")
    disk.let_go(failing=1)
    await asyncio.wait_for(stopping, PATIENCE_S)
    assert capfd.readouterr().err.count("did not close: [Errno 5] Input/output error") == 1
    saved = list((tmp_path / "jetstream").rglob("index.db"))
    assert len(saved) == COUNT - 1


@on_loop
async def test_a_stop_saves_what_the_next_start_needs_and_an_idle_one_writes_nothing(
    tmp_path: Path,
) -> None:
    async with jetstream_server(tmp_path, sync_interval=RELAXED) as server:
        client = await connect(server.client_url)
        await make_streams(client)
        await publish_without_waiting(client, server)
        await client.close()
    saved = {path: path.stat() for path in (tmp_path / "jetstream").rglob("index.db")}
    assert len(saved) == COUNT
    async with jetstream_server(tmp_path) as server:
        for stream in jetstream_of(server).streams():
            assert stream.store.saved_index.tail_sum != b""  # type: ignore[attr-defined]
    assert {path: path.stat().st_mtime_ns for path in saved} == {
        path: stat.st_mtime_ns for path, stat in saved.items()
    }


def two_accounts(folder: Path, a_has_it: bool) -> Options:
    users = {name: [User(name, name)] for name in "AB"}
    a = AccountOptions(users=users["A"], jetstream=AccountLimits() if a_has_it else None)
    b = AccountOptions(users=users["B"], jetstream=AccountLimits())
    return Options(
        host="127.0.0.1",
        port=-1,
        jetstream=JetStreamOptions(enabled=True, store_dir=folder, sync_interval=RELAXED),
        accounts={"A": a, "B": b},
    )


def reload(server: Server, options: Options) -> bool:
    server.load_options = lambda: dataclasses.replace(options, port=server.options.port)
    return server.reload()


@on_loop
async def test_others_are_served_while_a_reload_closes_the_streams_of_an_account(
    tmp_path: Path,
) -> None:
    async with Server(two_accounts(tmp_path, True)) as server:
        client = await connect(server.client_url, user="A", password="A")
        await make_streams(client)
        disk = Disk(jetstream_of(server))
        await publish_without_waiting(client, server)
        assert reload(server, two_accounts(tmp_path, False))
        await wait_until_async(lambda: len(disk.held) == COUNT, "a sync of every stream")
        other = await connect(server.client_url, user="B", password="B")
        assert (await api(other, "INFO"))["streams"] == 0
        await other.close()
        assert reload(server, two_accounts(tmp_path, True))
        await next_turn()
        refused = await api(client, "STREAM.INFO.S0")  # its folder is still in use
        assert refused["error"]["err_code"] == 10039
        disk.let_go()
        jetstream = jetstream_of(server)
        await wait_until_async(lambda: "A" in jetstream.accounts, "the streams again")
        assert [await messages(client, at) for at in range(COUNT)] == [1] * COUNT
        await client.close()


@on_loop
async def test_a_reload_that_switches_jetstream_off_closes_all_streams_together(
    tmp_path: Path,
) -> None:
    async with Server(two_accounts(tmp_path, True)) as server:
        client = await connect(server.client_url, user="A", password="A")
        await make_streams(client)
        jetstream = jetstream_of(server)
        usage = jetstream.context.usage("file")
        disk = Disk(jetstream)
        await publish_without_waiting(client, server)
        off = dataclasses.replace(two_accounts(tmp_path, True), jetstream=JetStreamOptions())
        assert reload(server, off)
        await wait_until_async(lambda: len(disk.held) == COUNT, "a sync of every stream")
        await client.flush()  # answered meanwhile
        disk.let_go()
        await wait_until_async(lambda: usage.used == 0, "the end of the streams")
        await client.close()
