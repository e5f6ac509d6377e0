"""What happens to very many pending messages at once happens in steps, and what is asked in between
is answered by what has happened so far."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.stream.stream import Stream

from tests.support.deadline import wait_until_async
from tests.support.jetstream import PatientClient, api, connect, jetstream_server

MANY = 20_000
LOOK = 4096  # entries that one look for what is due takes
HOUR_NS = 3600 * 10**9


class Scene:
    """A stream `S` whose consumer `c` has `MANY` messages pending."""

    def __init__(self, client: PatientClient, stream: Stream) -> None:
        self.client = client
        self.stream = stream

    @property
    def consumer(self) -> Consumer:
        return self.stream.consumers.by_name["c"]

    async def fill(self) -> None:
        for _ in range(MANY):
            await self.client.publish("s", b"")
        await self.client.flush()

    async def create(self, **config: Any) -> None:
        whole = {"durable_name": "c", "ack_policy": "explicit", "max_ack_pending": -1, **config}
        body = {"stream_name": "S", "config": whole}
        assert "error" not in await api(self.client, "CONSUMER.CREATE.S.c", body)

    async def deliver(self) -> None:
        """Everything, and then no more."""
        body = b'{"batch": %d, "expires": %d}' % (MANY, HOUR_NS)
        await self.client.subscribe("in", cb=ignore)
        await self.client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c", body, reply="in")
        await wait_until_async(lambda: self.consumer.state.open == MANY, "deliveries")
        self.consumer.feed.paused = True

    async def info(self) -> dict[str, Any]:
        return await api(self.client, "CONSUMER.INFO.S.c")

    async def stored(self) -> int:
        return int((await api(self.client, "STREAM.INFO.S"))["state"]["messages"])

    async def ack(self, seq: int) -> None:
        """One that is answered."""
        await self.client.request(f"$JS.ACK.S.c.1.{seq}.{seq}.1.0", b"+ACK", timeout=60)


async def ignore(_: Any) -> None:
    """A message that nobody cares about."""


def played(
    folder: Path, test: Callable[[Scene], Awaitable[None]], retention: str = "limits", **config: Any
) -> None:
    async def run() -> None:
        async with jetstream_server(folder, sync_interval=120.0) as server:
            client = await connect(server.client_url)
            body = {"name": "S", "subjects": ["s"], "retention": retention}
            assert "error" not in await api(client, "STREAM.CREATE.S", body)
            assert server.state.jetstream is not None
            scene = Scene(client, server.state.jetstream.accounts["$G"].streams["S"])
            await scene.create(**config)
            await scene.fill()
            await scene.deliver()
            await test(scene)
            await client.close()

    asyncio.run(run())


def test_what_is_due_is_looked_for_in_steps(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        consumer = scene.consumer
        consumer.feed.again_from_start()  # all of it is due
        assert consumer.state.queued == LOOK
        consumer.state.apply_acked(1, 1)
        consumer.state.apply_acked(MANY, MANY)
        assert consumer.state.queued == LOOK - 1
        found = await scene.info()
        assert found["num_ack_pending"] == MANY - 2
        await wait_until_async(lambda: consumer.state.queued == MANY - 2, "all are found")

    played(tmp_path, test, ack_wait=HOUR_NS)


def test_few_are_told_to_be_out_of_deliveries_at_a_time(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        consumer = scene.consumer
        consumer.feed.again_from_start()
        spent = consumer.state.held - consumer.state.open
        assert 0 < spent <= LOOK // 128 + 1
        await wait_until_async(lambda: consumer.state.open == 0, "all are found")
        assert consumer.state.held == MANY

    played(tmp_path, test, ack_wait=HOUR_NS, max_deliver=1)


def test_what_an_acknowledgement_of_all_removes_goes_in_steps(tmp_path: Path) -> None:
    """Its answer comes when all has gone."""

    async def test(scene: Scene) -> None:
        consumer = scene.consumer
        last = MANY - 10
        before = scene.stream.store.msgs
        consumer.feed.acknowledge(last, last)
        assert (consumer.state.floor_stream, consumer.state.open) == (last, 10)
        assert scene.stream.store.msgs > before - last  # the rest has its turns
        await scene.ack(last)
        assert await scene.stored() == 10
        assert (await scene.info())["num_ack_pending"] == 10

    played(tmp_path, test, "interest", ack_policy="all")


def test_a_stream_may_go_while_messages_do(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.consumer.feed.acknowledge(MANY, MANY)
        assert scene.stream.store.msgs
        assert "error" not in await api(scene.client, "STREAM.DELETE.S")

    played(tmp_path, test, "interest", ack_policy="all")


def test_a_work_queue_removes_at_its_start_what_was_acknowledged_before(tmp_path: Path) -> None:
    """A kill came between an acknowledgement and what it removes."""

    async def run() -> None:
        async with jetstream_server(tmp_path, sync_interval=120.0) as server:
            client = await connect(server.client_url)
            body = {"name": "S", "subjects": ["s"], "retention": "workqueue"}
            assert "error" not in await api(client, "STREAM.CREATE.S", body)
            assert server.state.jetstream is not None
            scene = Scene(client, server.state.jetstream.accounts["$G"].streams["S"])
            for _ in range(3000):
                await client.publish("s", b"")
            await client.flush()
            await scene.create()
            state = scene.consumer.state
            for seq in range(1, 2501):
                state.apply_delivered(seq, seq, 1, 1)
            for seq in range(1, 2001):
                state.apply_acked(seq, seq)
            await client.close()
        async with jetstream_server(tmp_path, sync_interval=120.0) as server:
            client = await connect(server.client_url)
            assert server.state.jetstream is not None
            scene = Scene(client, server.state.jetstream.accounts["$G"].streams["S"])
            await wait_until_async(lambda: scene.stream.store.msgs == 1000, "removals")
            assert scene.consumer.state.open == 500
            await client.close()

    asyncio.run(run())
