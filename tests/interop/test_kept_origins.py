"""Mirrors and sources of work queues and of streams that keep messages for interest: nothing is
lost, copied twice or kept for ever, whatever ends, fails or is made anew."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.stream.copying.names import source_consumer

from tests.support import jetstream
from tests.support.deadline import wait_until_async
from tests.support.jetstream import HeldCommits, api
from tests.support.process import PYNATS, ServerProcess

Json = dict[str, Any]
HOW: dict[str, Json] = {
    "mirror": {"mirror": {"name": "O"}},
    "source": {"sources": [{"name": "O"}]},
}
each_way = pytest.mark.parametrize("how", HOW)
each_retention = pytest.mark.parametrize("retention", ["workqueue", "interest"])


class Scene:
    """A server on a folder, and a client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "js"
        self._server = ServerProcess(
            PYNATS, folder / "server", f'jetstream {{ store_dir: "{self.folder}" }}\n'
        )
        self.client: Client

    async def up(self) -> None:
        self._server.start()
        self.client = await jetstream.connect(f"nats://127.0.0.1:{self._server.port}")

    async def down(self, kill: bool = False) -> None:
        await self.client.close()
        if kill:
            self._server.kill()
        else:
            self._server.stop()

    async def api(self, subject: str, **body: Any) -> Json:
        return await api(self.client, subject, body or None)

    async def make(self, name: str, **config: Any) -> None:
        answer = await self.api(f"STREAM.CREATE.{name}", name=name, **config)
        assert "error" not in answer, answer

    async def state(self, name: str) -> Json:
        found: Json = (await self.api(f"STREAM.INFO.{name}"))["state"]
        return found

    async def copiers(self) -> list[Json]:
        return (await self.api("CONSUMER.LIST.O")).get("consumers") or []

    async def until(self, what: str, probe: Callable[[], Awaitable[bool]]) -> None:
        await wait_until_async(probe, what)

    async def until_read(self, count: int = 1) -> None:
        async def is_read() -> bool:
            return sum("push_bound" in one for one in await self.copiers()) == count

        await self.until(f"{count} read the origin", is_read)

    async def until_empty(self, name: str = "O") -> None:
        await self.until_holds(0, name)

    async def until_holds(self, count: int, name: str = "O") -> None:
        async def holds() -> bool:
            return bool((await self.state(name))["messages"] == count)

        await self.until(f"{name} holds {count}", holds)

    async def publish(self, count: int, start: int = 0, subject: str = "o.a") -> None:
        for number in range(start, start + count):
            await self.client.request(subject, b"%d" % number)

    async def bodies(self, name: str) -> list[int]:
        """What a stream holds, in order."""
        state = await self.state(name)
        found = []
        for seq in range(state["first_seq"], state["last_seq"] + 1):
            answer = await self.api(f"STREAM.MSG.GET.{name}", seq=seq)
            if "error" not in answer:
                found.append(int(base64.b64decode(answer["message"]["data"])))
        return found

    async def until_copied(self, name: str, count: int) -> None:
        async def are_there() -> bool:
            return bool((await self.state(name))["messages"] >= count)

        await self.until(f"{name} has {count}", are_there)


def play(folder: Path, work: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        scene = Scene(folder)
        await scene.up()
        try:
            await work(scene)
        finally:
            await scene.down()

    asyncio.run(run())


async def begin(s: Scene, how: str, retention: str, name: str = "M") -> None:
    await s.make("O", subjects=["o.>"], retention=retention)
    await s.make(name, **HOW[how])
    await s.until_read()


async def publish_until_killed(s: Scene, told: list[int]) -> None:
    """Notes what the server has answered for."""
    number = max(told, default=-1) + 1000
    with contextlib.suppress(Exception):
        while True:
            await s.client.request("o.a", b"%d" % number)
            told.append(number)
            number += 1


@each_way
@each_retention
def test_kills_lose_and_double_nothing(how: str, retention: str, tmp_path: Path) -> None:
    rng = random.Random(f"{how} {retention}")

    async def work(s: Scene) -> None:
        await begin(s, how, retention)
        told: list[int] = []
        for _ in range(4):
            publishing = asyncio.create_task(publish_until_killed(s, told))
            wanted = len(told) + rng.randrange(20, 120)

            async def enough(wanted: int = wanted) -> bool:
                return len(told) >= wanted

            await s.until("some are published", enough)
            s._server.kill()
            publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await s.client.close()
            await s.up()
            await s.until_read()
        await s.until_empty()
        found = await s.bodies("M")
        assert found == sorted(set(found)), "copied twice, or out of order"
        assert set(told) <= set(found)  # one may be there that nobody was told of
        (consumer,) = await s.copiers()
        assert (consumer["num_ack_pending"], consumer["num_pending"]) == (0, 0)

    play(tmp_path, work)


@each_way
def test_a_lost_consumer_is_made_anew_without_a_second_copy(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await begin(s, how, "workqueue")
        await s.publish(5)
        await s.until_empty()
        (consumer,) = await s.copiers()
        await s.api(f"CONSUMER.DELETE.O.{consumer['name']}")
        await s.publish(5, 5)
        await s.until_empty()
        assert await s.bodies("M") == list(range(10))
        await s.down()
        (folder,) = (s.folder / "jetstream/$G/streams/O/obs").iterdir()
        shutil.rmtree(folder)
        await s.up()
        await s.publish(5, 10)
        await s.until_empty()
        assert await s.bodies("M") == list(range(15))

    play(tmp_path, work)


@each_way
def test_a_consumer_behind_its_copies_catches_up(how: str, tmp_path: Path) -> None:
    """Its state is saved later than the copies are."""

    async def work(s: Scene) -> None:
        await begin(s, how, "workqueue")
        await s.api("CONSUMER.CREATE.O.C", stream_name="O", config={
            "durable_name": "C", "name": "C", "ack_policy": "explicit",
        })  # fmt: skip
        await s.publish(50)
        await s.until_copied("M", 50)
        (consumer,) = [one for one in await s.copiers() if one["name"] != "C"]
        await s.down()
        obs = s.folder / "jetstream/$G/streams/O/obs"
        (obs / consumer["name"] / "o.dat").unlink()
        for other in (obs / consumer["name"]).glob("o.*"):
            other.unlink()
        await s.up()
        await s.until_read()

        async def is_level() -> bool:
            (found,) = [one for one in await s.copiers() if one["name"] != "C"]
            return bool(found["ack_floor"]["stream_seq"] == 50 and not found["num_pending"])

        await s.until("all is acknowledged", is_level)
        assert await s.bodies("M") == list(range(50))
        assert (await s.state("O"))["messages"] == 50  # the user has none of them yet
        await s.api("CONSUMER.DELETE.O.C")
        await s.publish(1, 50)
        await s.until_copied("M", 51)

    play(tmp_path, work)


@each_way
def test_a_user_may_set_the_consumer_back(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await begin(s, how, "interest")
        await s.api("CONSUMER.CREATE.O.C", stream_name="O", config={
            "durable_name": "C", "name": "C", "ack_policy": "explicit",
        })  # fmt: skip
        await s.publish(5)
        await s.until_copied("M", 5)
        (consumer,) = [one for one in await s.copiers() if one["name"] != "C"]
        answer = await s.api(f"CONSUMER.RESET.O.{consumer['name']}", seq=2)
        assert "error" not in answer, answer
        await s.publish(1, 5)
        await s.until_copied("M", 6)
        await s.api("CONSUMER.DELETE.O.C")
        await s.until_empty()
        assert await s.bodies("M") == list(range(6))

    play(tmp_path, work)


@each_way
def test_the_origin_may_come_later_and_again(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("M", **HOW[how])
        await s.make("O", subjects=["o.>"], retention="interest")
        await s.until_read()
        await s.publish(2)
        await s.until_empty()
        if how == "source":  # a mirror does not mix the messages of two origins
            await s.api("STREAM.DELETE.O")
            await s.make("O", subjects=["o.>"], retention="workqueue")
            await s.until_read()
            await s.publish(2, 2)
            await s.until_empty()
            assert await s.bodies("M") == [0, 1, 2, 3]

    play(tmp_path, work)


@each_way
def test_an_origin_may_begin_and_cease_to_keep(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"])
        await s.make("M", **HOW[how])
        await s.publish(3)
        await s.until_copied("M", 3)
        assert await s.copiers() == []
        await s.api("STREAM.UPDATE.O", name="O", subjects=["o.>"], retention="interest")
        await s.until_read()
        await s.publish(3, 3)
        await s.until_holds(3)  # what was there before anybody was interested stays
        await s.api("STREAM.UPDATE.O", name="O", subjects=["o.>"], retention="limits")
        await s.until_read(0)
        await s.publish(3, 6)
        await s.until_copied("M", 9)
        assert (await s.state("O"))["messages"] == 6
        assert await s.bodies("M") == list(range(9))

    play(tmp_path, work)


@each_way
def test_no_more_is_under_way_than_may_be(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention="workqueue")
        for number in range(2500):
            await s.client.publish("o.a", b"%d" % number)
        await s.make("M", **HOW[how])
        await s.until_empty()
        assert (await s.state("M"))["messages"] == 2500
        (consumer,) = await s.copiers()
        assert consumer["delivered"]["consumer_seq"] == 2500
        assert consumer["ack_floor"]["consumer_seq"] == 2500

    play(tmp_path, work)


@each_way
def test_copies_that_nobody_wants_free_the_origin(how: str, tmp_path: Path) -> None:
    """They use up sequences and are not stored."""

    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention="workqueue")
        await s.make("M", **HOW[how], retention="interest")
        await s.until_read()
        await s.publish(3)
        await s.until_empty()
        for number in range(1100):  # more than may be under way
            await s.client.publish("o.a", b"%d" % number)
        await s.client.request("o.b", b"")
        await s.until_empty()
        state = await s.state("M")
        assert (state["messages"], state["last_seq"]) == (0, 1104)

    play(tmp_path, work)


@each_way
def test_copies_that_are_limited_free_the_origin(how: str, tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention="workqueue")
        await s.make("M", **HOW[how], max_msgs=10, storage="memory")
        await s.until_read()
        await s.publish(1200)
        await s.until_empty()
        assert await s.bodies("M") == list(range(1190, 1200))

    play(tmp_path, work)


def test_a_repeated_message_frees_the_origin(tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention="workqueue", duplicate_window=100_000_000)
        await s.make("M", sources=[{"name": "O"}], duplicate_window=60_000_000_000)
        await s.until_read()

        async def is_new() -> bool:
            headers = {"Nats-Msg-Id": "one"}
            reply = await s.client.request("o.a", b"1", headers=headers)
            return b"duplicate" not in reply.data

        await s.until("it is stored", is_new)
        await s.until("it is stored again", is_new)
        await s.until_empty()
        assert await s.bodies("M") == [1]

    play(tmp_path, work)


A_ALONE: list[Json] = [{"name": "O", "filter_subject": "o.a"}]
A_AND_B: list[Json] = [*A_ALONE, {"name": "O", "filter_subject": "o.b"}]
B_ALONE: list[Json] = A_AND_B[1:]
ORIGIN: Json = {"name": "O", "subjects": ["o.>"], "retention": "workqueue"}


def names_of(sources: list[Json]) -> list[str]:
    """What the consumers of these sources of M are called."""
    asked = [msgspec.convert(each, StreamSource) for each in sources]
    return [source_consumer("M", "$G", "", each, len(asked) == 1) for each in asked]


async def have_sources(s: Scene, sources: list[Json]) -> None:
    """Gives M these sources, and waits until their consumers are there and no others."""
    answer = await s.api("STREAM.UPDATE.M", name="M", sources=sources)
    assert "error" not in answer, answer
    names = names_of(sources)
    wanted = {name: one["filter_subject"] for name, one in zip(names, sources, strict=True)}

    async def are_there() -> bool:
        found = [one["config"] for one in await s.copiers() if "push_bound" in one]
        return {one["name"]: one["filter_subject"] for one in found} == wanted

    await s.until(f"consumers are {wanted}", are_there)


@each_retention
def test_a_consumer_is_called_otherwise_while_its_source_is_not_alone(
    retention: str, tmp_path: Path
) -> None:
    assert len({*names_of(A_ALONE), *names_of(A_AND_B)}) == 3

    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention=retention)
        await s.make("M", sources=A_ALONE)
        await have_sources(s, A_ALONE)
        count = 0
        for sources in (A_AND_B, A_ALONE, A_AND_B, A_ALONE):
            publishing = asyncio.create_task(s.publish(40, count))
            await have_sources(s, sources)
            await publishing
            count += 40
            await s.until_copied("M", count)
        await s.until_empty()
        assert await s.bodies("M") == list(range(count))

    play(tmp_path, work)


@each_retention
def test_a_source_takes_the_name_of_one_that_is_gone(retention: str, tmp_path: Path) -> None:
    assert names_of(A_ALONE) == names_of(B_ALONE)

    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention=retention)
        await s.make("M", sources=A_ALONE)
        await have_sources(s, A_ALONE)
        await s.publish(3)
        await s.until_copied("M", 3)
        await have_sources(s, B_ALONE)
        await s.publish(3, 3, "o.b")
        await s.until_copied("M", 6)
        await s.until_empty()
        assert await s.bodies("M") == list(range(6))
        await have_sources(s, A_AND_B)

    play(tmp_path, work)


@pytest.mark.parametrize("again", [B_ALONE, []], ids=["another", "none"])
def test_what_a_source_that_is_gone_has_copied_goes_when_it_is_durable(
    again: list[Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with jetstream.jetstream_server(tmp_path) as server:
            client = await jetstream.connect(server.client_url)

            async def holds(name: str, count: int) -> None:
                async def are_there() -> bool:
                    info = await api(client, f"STREAM.INFO.{name}")
                    return bool(info["state"]["messages"] == count)

                await wait_until_async(are_there, f"{name} holds {count}")

            await api(client, "STREAM.CREATE.O", ORIGIN)
            await api(client, "STREAM.CREATE.M", {"name": "M", "sources": A_ALONE})
            held = HeldCommits(monkeypatch, "M")
            for _ in range(3):
                await client.request("o.a", b"x")
            await holds("M", 3)
            answer = await api(client, "STREAM.UPDATE.M", {"name": "M", "sources": again})
            assert "error" not in answer, answer
            await holds("O", 3)
            held.let_go()
            await holds("O", 0)
            await client.close()

    asyncio.run(run())


def test_a_users_consumer_of_that_name_is_left_alone(tmp_path: Path) -> None:
    async def work(s: Scene) -> None:
        await s.make("O", subjects=["o.>"], retention="interest")
        await s.make("M", sources=A_ALONE)
        await have_sources(s, A_ALONE)
        (name,) = names_of(A_ALONE)
        await s.api("STREAM.DELETE.M")
        await s.until_read(0)
        config = {"durable_name": name, "name": name, "ack_policy": "explicit"}
        answer = await s.api(f"CONSUMER.CREATE.O.{name}", stream_name="O", config=config)
        assert "error" not in answer, answer
        await s.make("M", sources=A_ALONE)

        async def is_refused() -> bool:
            (source,) = (await s.api("STREAM.INFO.M"))["sources"]
            return "error" in source

        await s.until("the source says what is wrong", is_refused)
        await s.api("STREAM.DELETE.M")
        (left,) = await s.copiers()
        assert left["created"] == answer["created"]

    play(tmp_path, work)
