"""Whatever happens to a consumer, a log of its operations gives an empty state the same digest."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.consumer.delivery.state import ConsumerState
from pynats_server.jetstream.consumer.operations import StateOperation

from tests.support.deadline import Deadline, next_turn
from tests.support.jetstream import PatientClient, api, connect, jetstream_server

SECOND_NS = 10**9
CONSUMERS: dict[str, dict[str, Any]] = {
    "explicit": {"ack_policy": "explicit", "ack_wait": SECOND_NS // 20, "max_deliver": 3},
    "filtered": {"ack_policy": "explicit", "filter_subject": "a.1", "max_ack_pending": 20},
    "all": {"ack_policy": "all", "ack_wait": SECOND_NS // 10},
    "none": {"ack_policy": "none", "filter_subjects": ["a.0", "a.2"]},
    "newest": {
        "ack_policy": "explicit", "deliver_policy": "last_per_subject", "filter_subject": "a.*",
    },
}  # fmt: skip
ANSWERS = (b"+ACK", b"+ACK", b"+ACK", b"", b"-NAK", b'-NAK {"delay": 1000000}', b"+WPI", b"+TERM")


class OperationLog:
    def __init__(self) -> None:
        self.operations: list[StateOperation] = []

    def record(self, operation: StateOperation) -> None:
        self.operations.append(operation)

    def check(self, consumer: Consumer, start: int) -> None:
        """Replays everything on a consumer that has begun at `start`."""
        replica = ConsumerState(consumer.config.ack_policy, start)
        for operation in self.operations:
            replica.apply(operation)
        found = consumer.state
        assert replica.saved() == found.saved(), consumer.name
        assert replica.digest() == found.digest()


class Readers:
    """Random load on the consumers of stream `A`."""

    def __init__(self, client: PatientClient, rnd: random.Random) -> None:
        self.client, self.rnd = client, rnd
        self.waiting: list[str] = []  # reply subjects of messages, newest last
        self.inbox = client.new_inbox()
        self.kinds: list[Callable[[], Any]] = [
            self.publish, self.publish, self.fetch, self.fetch, self.fetch, self.answer,
            self.answer, self.answer, self.purge, self.delete, self.reset, self.rest,
        ]  # fmt: skip

    async def start(self) -> None:
        async def take(message: Any) -> None:
            if message.reply:
                self.waiting.append(message.reply)

        await self.client.subscribe(self.inbox, cb=take)

    async def step(self) -> None:
        await self.rnd.choice(self.kinds)()

    async def publish(self) -> None:
        for _ in range(self.rnd.randrange(1, 12)):
            await self.client.publish(f"a.{self.rnd.randrange(4)}", b"x")

    async def fetch(self) -> None:
        name = self.rnd.choice(list(CONSUMERS))
        wanted = {"batch": self.rnd.randrange(1, 15), "expires": SECOND_NS}
        await self.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.A.{name}", json.dumps(wanted).encode(), reply=self.inbox
        )
        await self.client.flush()

    async def answer(self) -> None:
        for _ in range(min(len(self.waiting), self.rnd.randrange(6))):
            at = self.rnd.randrange(len(self.waiting))
            reply = self.waiting[at] if self.rnd.random() < 0.1 else self.waiting.pop(at)
            await self.client.publish(reply, self.rnd.choice(ANSWERS))
        await self.client.flush()

    async def purge(self) -> None:
        if self.rnd.random() < 0.3:
            wanted = {"keep": 5}, {"filter": "a.1"}, {"filter": "a.2", "keep": 1}, {}
            body: dict[str, Any] = self.rnd.choice(wanted)
            await api(self.client, "STREAM.PURGE.A", body)

    async def delete(self) -> None:
        last = (await api(self.client, "STREAM.INFO.A"))["state"]["last_seq"]
        await api(self.client, "STREAM.MSG.DELETE.A", {"seq": max(1, last - self.rnd.randrange(9))})

    async def reset(self) -> None:
        if self.rnd.random() < 0.2:
            name = self.rnd.choice(("explicit", "filtered", "all"))
            body = {"seq": self.rnd.randrange(1, 30)} if self.rnd.random() < 0.5 else None
            await api(self.client, f"CONSUMER.RESET.A.{name}", body)

    async def let_time_pass(self, has_come: Callable[[], bool]) -> None:
        """Until a message was delivered as often as it may be."""
        await self.client.publish("a.0", b"never acknowledged")
        deadline = Deadline()
        while not has_come():
            deadline.check("the last delivery")
            wanted = {"batch": 200, "expires": SECOND_NS // 10}
            await self.client.publish(
                "$JS.API.CONSUMER.MSG.NEXT.A.explicit", json.dumps(wanted).encode(), self.inbox
            )
            await self.client.flush()
            await next_turn()

    async def rest(self) -> None:
        for _ in range(self.rnd.randrange(5)):
            await next_turn()


@pytest.mark.parametrize("storage", ["memory", "file"])
def test_a_log_of_operations_gives_an_empty_consumer_the_same_state(
    tmp_path: Path, storage: str
) -> None:
    seen: set[str] = set()

    async def run(folder: Path, rnd: random.Random) -> None:
        async with jetstream_server(folder, sync_interval=120.0) as server:
            client = await connect(server.client_url)
            config = {"name": "A", "subjects": ["a.*"], "storage": storage, "max_msgs": 150}
            assert "error" not in await api(client, "STREAM.CREATE.A", config)
            readers = Readers(client, rnd)
            await readers.start()
            await readers.publish()
            assert server.state.jetstream is not None
            stream = server.state.jetstream.accounts["$G"].streams["A"]
            logs: dict[str, tuple[OperationLog, int]] = {}
            for name, wanted in CONSUMERS.items():
                body = {"stream_name": "A", "config": {"durable_name": name, **wanted}}
                assert "error" not in await api(client, f"CONSUMER.CREATE.A.{name}", body)
                state = stream.consumers.by_name[name].state
                state.log = OperationLog()
                logs[name] = state.log, state.stream_seq + 1
            for step in range(250):
                await readers.step()
                if step % 50 == 49:
                    for name, (log, start) in logs.items():
                        log.check(stream.consumers.by_name[name], start)
            spent = logs["explicit"][0]
            await readers.let_time_pass(lambda: "Spent" in kinds(spent))
            for name, (log, start) in logs.items():
                log.check(stream.consumers.by_name[name], start)
                seen.update(kinds(log))
            await client.close()

    for seed in range(4):
        asyncio.run(run(tmp_path / str(seed), random.Random(seed)))
    assert seen == {each.__name__ for each in get_args(StateOperation)}


def kinds(log: OperationLog) -> set[str]:
    return {type(each).__name__ for each in log.operations}
