"""Messages that leave a stream with many consumers: counts stay exact, nobody is asked in vain."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.jetstream import PatientClient, api, serving
from tests.support.on_loop import on_loop

HOUR = 3600 * 1_000_000_000


class World:
    def __init__(self, server: Server, client: PatientClient) -> None:
        self.server = server
        self.client = client

    @property
    def stream(self) -> Stream:
        assert self.server.state.jetstream is not None
        return self.server.state.jetstream.accounts["$G"].streams["S"]

    def consumer(self, name: str) -> Consumer:
        return self.stream.consumers.get(name)

    async def make(self, name: str, **config: Any) -> None:
        body = {"stream_name": "S", "config": {"name": name, "mem_storage": True, **config}}
        assert "error" not in await api(self.client, f"CONSUMER.CREATE.S.{name}", body)

    async def publish(self, count: int, subjects: list[str]) -> None:
        last = self.stream.store.last_seq
        for number in range(count):
            await self.client.publish(subjects[number % len(subjects)], b"x")
        await self.client.flush()
        await wait_until_async(
            lambda: self.stream.store.last_seq == last + count, "they are stored"
        )


@asynccontextmanager
async def world(folder: Path, **config: Any) -> AsyncIterator[World]:
    async with serving(folder) as (server, client):
        body = {"name": "S", "subjects": ["S.>"], "storage": "memory", **config}
        assert "error" not in await api(client, "STREAM.CREATE.S", body)
        yield World(server, client)


@on_loop
async def test_a_message_that_goes_costs_no_more_because_many_have_it_before_them(
    tmp_path: Path,
) -> None:
    many, kept = 300, 20
    async with world(tmp_path, max_msgs=kept) as there:
        for number in range(many):
            await there.make(f"c{number}", ack_policy="explicit")
        await there.publish(2 * kept, ["S.a"])
        engine = there.server.state.engine
        before = engine.steps
        await there.publish(500, ["S.a"])
        assert engine.steps - before < 500 * many / 5
        for number in range(many):
            assert there.consumer(f"c{number}").num_pending == kept
        # Many more than are written down: those that look are counted anew.
        await there.publish(3000, ["S.a"])
        assert there.consumer("c7").num_pending == kept


@on_loop
async def test_who_waits_for_an_acknowledgement_is_told_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, max_msgs=3) as there:
        for number in range(40):
            await there.make(f"c{number}", ack_policy="explicit")
        await there.publish(3, ["S.a"])
        inbox = await there.client.subscribe("inbox")
        pull = json.dumps({"batch": 2, "no_wait": True}).encode()
        await there.client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c5", pull, reply="inbox")
        for _ in range(2):
            await inbox.next_msg(timeout=10)
        consumer = there.consumer("c5")
        assert (consumer.state.open, consumer.num_pending) == (2, 1)
        await there.publish(1, ["S.a"])
        assert consumer.state.open == 1
        await there.publish(1, ["S.a"])
        assert consumer.state.open == 0
        assert consumer.num_pending == 3
        await there.publish(4, ["S.a"])
        assert consumer.num_pending == 3


@pytest.mark.parametrize("seed", range(4))
@on_loop
async def test_counts_are_exact_whatever_goes_and_whoever_looks(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    subjects = ["S.a", "S.b", "S.c"]
    filters = {"all": [], "some": ["S.a"], "two": ["S.a", "S.c"]}
    async with world(tmp_path, max_msgs=60) as there:
        consumers: dict[str, list[str]] = {}
        for kind, wanted in filters.items():
            for number in range(25):
                name = f"{kind}{number}"
                policy = chance.choice(["none", "explicit"])
                await there.make(name, ack_policy=policy, filter_subjects=wanted)
                consumers[name] = wanted or subjects
        names = list(consumers)
        inbox = await there.client.subscribe("inbox")
        store = there.stream.store

        def expected(name: str) -> int:
            start = there.consumer(name).state.stream_seq + 1
            live = range(max(start, store.first_seq), store.last_seq + 1)
            return sum(
                store.load(seq).subject.decode() in consumers[name]
                for seq in live
                if store.is_live(seq)
            )

        async def pull(name: str) -> None:
            batch = chance.randrange(1, 5)
            body = json.dumps({"batch": batch, "no_wait": True}).encode()
            await there.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.S.{name}", body, reply="inbox")
            for _ in range(batch):
                message = await inbox.next_msg(timeout=10)
                if message.headers and "Status" in message.headers:
                    return

        for _ in range(150):
            match chance.randrange(6):
                case 0 | 1:
                    await there.publish(chance.choice([1, 3, 30, 200]), subjects)
                case 2:
                    live = [
                        seq
                        for seq in range(store.first_seq, store.last_seq + 1)
                        if store.is_live(seq)
                    ]
                    if live:
                        seq = chance.choice(live)
                        body = {"seq": seq, "no_erase": True}
                        told = await api(there.client, "STREAM.MSG.DELETE.S", body)
                        assert told["success"]
                case 3:
                    body = {"filter": chance.choice(subjects), "keep": chance.randrange(1, 9)}
                    await api(there.client, "STREAM.PURGE.S", body)
                case 4:
                    await pull(chance.choice(names))
                case 5:
                    for name in chance.sample(names, 5):
                        assert there.consumer(name).num_pending == expected(name), name
        for name in names:
            assert there.consumer(name).num_pending == expected(name), name


@on_loop
async def test_requests_that_run_out_are_found_without_looking_at_those_that_do_not(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as there:
        await there.make("c", max_waiting=2000)
        inbox = await there.client.subscribe("inbox.*")
        chance = random.Random(1)

        async def ask(number: int, expires: int) -> None:
            body = json.dumps({"batch": 1, "expires": expires}).encode()
            subject = "$JS.API.CONSUMER.MSG.NEXT.S.c"
            await there.client.publish(subject, body, reply=f"inbox.{number}")

        for _ in range(1000):
            await ask(0, HOUR + chance.randrange(HOUR))
        await there.client.flush()
        consumer = there.consumer("c")
        await wait_until_async(lambda: consumer.num_waiting == 1000, "the requests")
        engine = there.server.state.engine
        before = engine.steps
        soon = [30_000_000 * number for number in range(1, 11)]
        for expires in chance.sample(soon, len(soon)):
            await ask(expires, expires)
        answers = [await inbox.next_msg(timeout=20) for _ in soon]
        assert [message.subject for message in answers] == [f"inbox.{each}" for each in soon]
        assert all(message.headers["Status"] == "408" for message in answers)
        assert engine.steps - before < 1000
        assert consumer.num_waiting == 1000


@on_loop
async def test_what_waits_for_a_time_is_in_one_list_that_forgets_what_is_over(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, max_consumers=1000) as there:
        alarms = there.stream.consumers.place.alarms
        for number in range(20):
            await there.make(f"c{number}", ack_policy="explicit", inactive_threshold=HOUR)
        assert alarms.waiting == 20
        for year in range(2100, 2140):
            for number in range(20):
                body = {"pause_until": f"{year}-01-01T00:00:00Z"}
                told = await api(there.client, f"CONSUMER.PAUSE.S.c{number}", body)
                assert told["paused"]
        assert alarms.waiting <= 600  # of 1,640
        for _ in range(400):
            await there.make("passing", inactive_threshold=HOUR)
            assert (await api(there.client, "CONSUMER.DELETE.S.passing"))["success"]
        assert alarms.waiting <= 600
