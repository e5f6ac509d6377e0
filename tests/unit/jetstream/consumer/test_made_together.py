"""Consumers that are made or removed at once share the disk's time; nobody else waits for it."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pynats_server.jetstream.api.dispatch import AHEAD_MAX
from pynats_server.jetstream.consumer.saving import UNDER_WAY_MAX
from pynats_server.jetstream.manager import JetStream
from pynats_server.jetstream.store.consumers.folder import ConsumerFiles, Plan
from pynats_server.jetstream.store.consumers.writing import StateWriter

from tests.support.deadline import wait_until_async
from tests.support.jetstream import PatientClient, api, connect, serving
from tests.support.on_loop import on_loop

Json = dict[str, Any]


class SlowDisk:
    """The files of consumers are made and removed when it is told to go on."""

    def __init__(self, states: StateWriter) -> None:
        self.making: list[str] = []
        self.removing: list[str] = []
        self.full: set[str] = set()  # names that there is no room for
        self.goes_on = asyncio.Event()
        self.writing = 0
        self.held: list[tuple[Any, ...]] | None = None  # writes that wait, if they do
        self._build, self._remove, self._write = states.build, states.remove, states.write
        states.build = self.build  # type: ignore[method-assign]
        states.remove = self.remove  # type: ignore[method-assign]
        states.write = self.write  # type: ignore[method-assign]

    async def build(self, plan: Plan, built: Path) -> None:
        self.making.append(plan.files.name)
        await self.goes_on.wait()
        if plan.files.name in self.full:
            raise OSError(errno.ENOSPC, "full")
        await self._build(plan, built)

    def write(self, *arguments: Any) -> None:
        self.writing += 1
        if self.held is None:
            self._write(*arguments)
        else:
            self.held.append(arguments)

    def let_write(self) -> None:
        held, self.held = self.held or [], None
        for arguments in held:
            self._write(*arguments)

    async def remove(self, files: ConsumerFiles, doomed: Path) -> OSError | None:
        self.removing.append(files.name)
        await self.goes_on.wait()
        return await self._remove(files, doomed)


class World:
    def __init__(self, jetstream: JetStream, client: PatientClient, url: str) -> None:
        self._jetstream = jetstream
        account = self.account = jetstream.accounts["$G"]
        self.client = client
        self.url = url
        self.disk = SlowDisk(account.server.states)

    def has_begun(self, count: int) -> bool:
        """Whether so many requests have been looked at, and wait for the disk or for others."""
        waiting = self.account.server.turns.count("$G")
        return not waiting and self._jetstream.api.inflight == count

    @property
    def names(self) -> list[str]:
        return self.account.streams["S"].consumers.names

    @property
    def on_disk(self) -> list[str]:
        folder = self.account.streams["S"].folder
        assert folder is not None
        return sorted(path.name for path in (folder / "obs").glob("*"))


@asynccontextmanager
async def world(folder: Path, **config: Any) -> AsyncIterator[World]:
    async with serving(folder) as (server, client):
        for name in ("S", "T"):
            body = {"name": name, "subjects": [f"{name}.>"], **config}
            assert "error" not in await api(client, f"STREAM.CREATE.{name}", body)
        assert server.state.jetstream is not None
        there = World(server.state.jetstream, client, server.client_url)
        try:
            yield there
        finally:
            there.disk.goes_on.set()
            there.disk.let_write()


class Asker:
    """A client that asks without waiting for answers, which come in the order of its questions."""

    def __init__(self, client: PatientClient, reply: str, inbox: Any) -> None:
        self._client = client
        self._reply = reply
        self._inbox = inbox

    @classmethod
    async def of(cls, url: str) -> Asker:
        client = await connect(url)
        reply = client.new_inbox()
        return cls(client, reply, await client.subscribe(reply))

    async def ask(self, subject: str, body: Json | None = None) -> None:
        payload = json.dumps(body).encode() if body is not None else b""
        await self._client.publish(f"$JS.API.{subject}", payload, reply=self._reply)

    async def make(self, name: str, stream: str = "S", **config: Any) -> None:
        asked = {"durable_name": name, "ack_policy": "explicit", **config}
        body = {"stream_name": stream, "config": asked, "action": "create"}
        await self.ask(f"CONSUMER.CREATE.{stream}.{name}", body)

    async def answer(self) -> Json:
        told: Json = json.loads((await self._inbox.next_msg(timeout=20)).data)
        return told

    async def close(self) -> None:
        await self._client.close()


@on_loop
async def test_what_one_client_makes_in_a_row_waits_for_the_disk_together(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        asker = await Asker.of(there.url)
        names = [f"c{number:02}" for number in range(20)]
        for name in names:
            await asker.make(name)
        await asker.make("fleeting", mem_storage=True)
        await asker.ask("CONSUMER.INFO.S.c00")
        await asker.ask("CONSUMER.DELETE.S.c01")
        await wait_until_async(lambda: len(there.disk.making) == 20, "they are under way")
        assert sorted(there.disk.making) == names
        # Only what waits for no disk is there, and answers wait for those before them.
        await wait_until_async(lambda: there.names == ["fleeting"], "they are under way")
        there.disk.goes_on.set()
        for name in (*names, "fleeting", "c00"):
            assert (await asker.answer())["name"] == name
        assert await asker.answer() == {
            "type": "io.nats.jetstream.api.v1.consumer_delete_response", "success": True,
        }  # fmt: skip
        names.remove("c01")
        assert there.names == [*names, "fleeting"]
        assert there.on_disk == names
        await asker.close()


@on_loop
async def test_a_client_has_so_many_under_way_and_no_more(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        asker = await Asker.of(there.url)
        for number in range(AHEAD_MAX + 5):
            await asker.make(f"c{number}")
        await wait_until_async(lambda: len(there.disk.making) == AHEAD_MAX, "they are under way")
        other = await Asker.of(there.url)
        await other.make("other")
        await wait_until_async(lambda: "other" in there.disk.making, "they are under way")
        assert len(there.disk.making) == AHEAD_MAX + 1
        there.disk.goes_on.set()
        for number in range(AHEAD_MAX + 5):
            assert (await asker.answer())["name"] == f"c{number}"
        await asker.close()
        await other.close()


@on_loop
async def test_others_wait_for_what_concerns_them_and_no_more(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        asker, other, third = [await Asker.of(there.url) for _ in range(3)]
        await asker.make("c")
        await wait_until_async(lambda: there.disk.making == ["c"], "they are under way")
        # Another stream, and another consumer.
        changed = {"name": "T", "subjects": ["T.>"], "description": "changed"}
        assert "error" not in await api(there.client, "STREAM.UPDATE.T", changed)
        made = await api(
            there.client, "CONSUMER.CREATE.S.d",
            {"stream_name": "S", "config": {"name": "d", "mem_storage": True}},
        )  # fmt: skip
        assert made["name"] == "d"
        # The same one, and the stream itself.
        await other.make("c", max_deliver=7)
        await third.ask("STREAM.UPDATE.S", {**changed, "name": "S", "subjects": ["S.>"]})
        assert (await api(there.client, "CONSUMER.INFO.S.c"))["error"]["err_code"] == 10014
        there.disk.goes_on.set()
        assert (await asker.answer())["config"]["max_deliver"] == -1
        assert (await other.answer())["error"]["err_code"] == 10148
        assert (await third.answer())["config"]["description"] == "changed"
        for each in (asker, other, third):
            await each.close()


@on_loop
async def test_what_is_being_made_counts(tmp_path: Path) -> None:
    async with world(tmp_path, max_consumers=3) as there:
        asker = await Asker.of(there.url)
        there.disk.full = {"c1"}
        for number in range(5):
            await asker.make(f"c{number}")
        await wait_until_async(
            lambda: sorted(there.disk.making) == ["c0", "c1", "c2"] and there.has_begun(5),
            "they are under way",
        )
        there.disk.goes_on.set()
        answers = [await asker.answer() for _ in range(5)]
        codes = [told.get("error", {}).get("err_code") for told in answers]
        assert codes == [None, 10104, None, 10026, 10026]
        assert there.names == there.on_disk == ["c0", "c2"]
        await asker.make("c3")  # what could not be made counts no more
        assert (await asker.answer())["name"] == "c3"
        await asker.close()


@on_loop
async def test_what_one_client_removes_in_a_row_waits_for_the_disk_together(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as there:
        asker = await Asker.of(there.url)
        there.disk.goes_on.set()
        names = [f"c{number}" for number in range(9)]
        for name in names:
            await asker.make(name)
        for name in names:
            assert (await asker.answer())["name"] == name
        there.disk.goes_on.clear()
        for name in names[1:]:
            await asker.ask(f"CONSUMER.DELETE.S.{name}")
        await asker.make("c4")  # its name is taken until the old files are gone
        await wait_until_async(lambda: there.disk.removing == names[1:], "they are under way")
        assert len(there.disk.making) == len(names)
        assert there.names == ["c0"]
        there.disk.goes_on.set()
        for _ in names[1:]:
            assert (await asker.answer())["success"]
        assert (await asker.answer())["name"] == "c4"
        assert there.names == there.on_disk == ["c0", "c4"]
        await asker.close()


@on_loop
async def test_the_end_of_a_stream_waits_for_the_states_that_are_being_written_and_no_others(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, max_consumers=500) as there:
        asker = await Asker.of(there.url)
        there.disk.goes_on.set()
        for number in range(500):
            await asker.make(f"c{number}")
        for _ in range(500):
            assert "error" not in await asker.answer()
        for number in range(3):
            await there.client.request(f"S.{number}", b"x")
        assert there.disk.writing == 0
        assert (await api(there.client, "STREAM.PURGE.S"))["purged"] == 3
        consumers = there.account.streams["S"].consumers
        states = list(consumers._kept._saved.values())
        there.disk.held = []
        for consumer in consumers.by_name.values():
            consumer.feed.settle()  # which is when each takes note of it
        held = there.disk.held
        await wait_until_async(lambda: len(held) == UNDER_WAY_MAX, "they are written")
        written = there.disk.writing
        await asker.ask("STREAM.DELETE.S")
        await wait_until_async(lambda: all(one.ended for one in states), "it ends")
        there.disk.let_write()
        assert (await asker.answer())["success"]
        assert there.disk.writing == written
        await asker.close()
