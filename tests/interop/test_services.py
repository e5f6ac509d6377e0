"""Services (ADR-32) over core subjects, as a client's library builds them: discovery reaches every
instance, a request reaches one of a queue group, and counts add up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.micro import add_service
from nats.micro.request import Request, ServiceError
from nats.micro.service import GroupConfig, Service

from tests.support.deadline import wait_until_async
from tests.support.jetstream import connect
from tests.support.process import PYNATS, ServerProcess

Json = dict[str, Any]
REQUESTS = 60


@asynccontextmanager
async def clients(folder: Path, count: int) -> AsyncIterator[list[Client]]:
    """Connections to one server of ours."""
    with ServerProcess(PYNATS, folder) as server:
        opened = [await connect(f"nats://127.0.0.1:{server.port}") for _ in range(count)]
        try:
            yield opened
        finally:
            for client in opened:
                await client.close()


async def adder(client: Client, name: str = "adder", group: str | None = None) -> Service:
    """A service that adds numbers and says who did it."""
    service = await add_service(
        client, name=name, version="1.2.3", description="adds", queue_group=group,
        metadata={"region": "here"},
    )  # fmt: skip

    async def add(request: Request) -> None:
        try:
            total = sum(json.loads(request.data))
        except ValueError:
            raise ServiceError("400", "no numbers") from None
        await request.respond(json.dumps([total, service.id]).encode())

    await service.add_endpoint(name="add", handler=add, subject="math.add")
    await service.add_group(config=GroupConfig(name="v2")).add_endpoint(name="add", handler=add)
    await client.flush()
    return service


async def told(client: Client, subject: str, count: int) -> list[Json]:
    """The first `count` answers to a request for discovery, and that there are no more."""
    inbox = client.new_inbox()
    answers = await client.subscribe(inbox)
    await client.publish(subject, reply=inbox)
    await client.flush()
    found = [json.loads((await answers.next_msg(30)).data) for _ in range(count)]
    await client.flush()  # whatever else was sent before this is there now
    assert answers.pending_msgs == 0
    await answers.unsubscribe()
    return sorted(found, key=lambda answer: str(answer["id"]))


def run(folder: Path, count: int, play: Callable[[list[Client]], Awaitable[None]]) -> None:
    async def playing() -> None:
        async with clients(folder, count) as opened:
            await play(opened)

    asyncio.run(playing())


def test_discovery_reaches_every_instance(tmp_path: Path) -> None:
    async def play(opened: list[Client]) -> None:
        asking = opened[0]
        services = [await adder(client) for client in opened[1:]]
        other = await adder(opened[1], "other")
        ids = sorted(service.id for service in services)
        for verb in ("PING", "INFO", "STATS"):
            everyone = await told(asking, f"$SRV.{verb}", 4)
            assert [answer["id"] for answer in everyone] == sorted([*ids, other.id])
            named = await told(asking, f"$SRV.{verb}.adder", 3)
            assert [answer["id"] for answer in named] == ids
            (one,) = await told(asking, f"$SRV.{verb}.adder.{ids[1]}", 1)
            assert one["id"] == ids[1]
            assert one["type"] == f"io.nats.micro.v1.{verb.lower()}_response"
            assert (one["name"], one["version"]) == ("adder", "1.2.3")
            assert one["metadata"] == {"region": "here"}
        (info,) = await told(asking, f"$SRV.INFO.adder.{ids[0]}", 1)
        assert [(e["subject"], e["queue_group"]) for e in info["endpoints"]] == [
            ("math.add", "q"), ("v2.add", "q"),
        ]  # fmt: skip
        for subject in ("$SRV.PING.nobody", f"$SRV.PING.other.{ids[0]}"):
            with pytest.raises(NoRespondersError):
                await asking.request(subject, timeout=30)

    run(tmp_path, 4, play)


def test_each_request_is_served_once_by_one_of_the_group(tmp_path: Path) -> None:
    async def play(opened: list[Client]) -> None:
        asking = opened[0]
        services = [await adder(client) for client in opened[1:]]
        inbox = asking.new_inbox()
        answers = await asking.subscribe(inbox)
        for number in range(REQUESTS):
            await asking.publish("math.add", json.dumps([number, 1]).encode(), inbox)
        found = [json.loads((await answers.next_msg(30)).data) for _ in range(REQUESTS)]
        assert sorted(total for total, _ in found) == [number + 1 for number in range(REQUESTS)]
        served = Counter(who for _, who in found)
        assert set(served) == {service.id for service in services}
        for stats in await told(asking, "$SRV.STATS.adder", 3):
            counts = {endpoint["name"]: endpoint for endpoint in stats["endpoints"]}
            assert counts["add"]["num_errors"] == 0
            total = sum(endpoint["num_requests"] for endpoint in stats["endpoints"])
            assert total == served[stats["id"]]
        assert answers.pending_msgs == 0

    run(tmp_path, 4, play)


def test_each_queue_group_serves_a_request(tmp_path: Path) -> None:
    async def play(opened: list[Client]) -> None:
        asking = opened[0]
        groups = ("one", "one", "two")
        services = [await adder(c, group=g) for c, g in zip(opened[1:], groups, strict=True)]
        inbox = asking.new_inbox()
        answers = await asking.subscribe(inbox)
        for number in range(10):
            await asking.publish("v2.add", json.dumps([number]).encode(), inbox)
        found = [json.loads((await answers.next_msg(30)).data) for _ in range(20)]
        served = Counter(who for _, who in found)
        assert served[services[2].id] == 10
        assert served[services[0].id] + served[services[1].id] == 10

    run(tmp_path, 4, play)


def test_an_error_of_a_service_comes_in_headers_and_is_counted(tmp_path: Path) -> None:
    async def play(opened: list[Client]) -> None:
        asking, serving = opened
        await adder(serving)
        answer = await asking.request("math.add", b"no json", timeout=30)
        assert answer.headers == {
            "Nats-Service-Error": "no numbers", "Nats-Service-Error-Code": "400",
        }  # fmt: skip
        (stats,) = await told(asking, "$SRV.STATS.adder", 1)
        assert sum(endpoint["num_errors"] for endpoint in stats["endpoints"]) == 1

    run(tmp_path, 2, play)


def test_a_stopped_instance_gets_nothing_more(tmp_path: Path) -> None:
    async def play(opened: list[Client]) -> None:
        asking, first, second = opened
        services = [await adder(first), await adder(second)]
        inbox = asking.new_inbox()
        answers = await asking.subscribe(inbox)

        async def ask_all() -> set[str]:
            for number in range(REQUESTS):
                await asking.publish("math.add", json.dumps([number]).encode(), inbox)
            found = [json.loads((await answers.next_msg(30)).data) for _ in range(REQUESTS)]
            assert sorted(total for total, _ in found) == list(range(REQUESTS))
            return {who for _, who in found}

        assert await ask_all() == {service.id for service in services}
        await services[0].stop()
        await first.flush()
        assert await ask_all() == {services[1].id}
        (left,) = await told(asking, "$SRV.PING", 1)
        assert left["id"] == services[1].id
        await second.close()

        async def nobody() -> bool:
            try:
                await asking.request("math.add", b"[1]", timeout=1)
            except NoRespondersError:
                return True
            except TimeoutError:  # it reached the one that was just leaving
                return False
            return False

        await wait_until_async(nobody, "no responders")

    run(tmp_path, 3, play)
