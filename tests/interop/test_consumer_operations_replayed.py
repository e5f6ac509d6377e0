"""Whatever a stream and its consumers go through, removals of work queues and interest streams
included, logs of their operations give empty replicas the same state at every moment."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.consumer.operations import (
    Created,
    Deleted,
    NamedOperation,
    Updated,
)
from pynats_server.jetstream.stream.log import OperationLog
from pynats_server.jetstream.stream.stream import Stream

from tests.support.deadline import next_turn
from tests.support.jetstream import PatientClient, api, connect, jetstream_server
from tests.support.on_loop import on_loop
from tests.support.replays import ConsumersLog, compare

RETENTIONS = ("limits", "interest", "workqueue")
SECOND_NS = 10**9
ANSWERS = (b"+ACK", b"+ACK", b"+ACK", b"", b"-NAK", b"+WPI", b"+TERM", b"+NXT", b"+NXT 2")
NAMES = ("one", "two", "three", "four", "all", "none", "newest")
SUBJECTS = 4


class Load:
    """Random requests to stream A and its consumers."""

    def __init__(self, client: PatientClient, stream: Stream) -> None:
        self.client, self.stream = client, stream
        self.rnd = random.Random(0)
        self.replies: list[str] = []  # of messages, newest last
        self.inbox = client.new_inbox()
        self.kinds: list[Callable[[], Any]] = [
            self.publish, self.publish, self.pull, self.pull, self.acknowledge, self.acknowledge,
            self.acknowledge, self.make, self.change, self.end, self.reset, self.remove, self.keep,
        ]  # fmt: skip

    async def start(self) -> None:
        async def take(message: Any) -> None:
            if message.reply:
                self.replies.append(message.reply)

        await self.client.subscribe(self.inbox, cb=take)
        for name in self.names:
            await self.make(name)

    async def step(self, kind: int, seed: float) -> None:
        """Does one thing, as the seed says."""
        self.rnd = random.Random(seed)
        await self.kinds[kind % len(self.kinds)]()
        for _ in range(3):
            await next_turn()

    def config(self, name: str) -> dict[str, Any]:
        """Of a consumer: those of a work queue share its subjects."""
        rnd = self.rnd
        config: dict[str, Any] = {
            "durable_name": name,
            "ack_policy": "explicit",
            "ack_wait": rnd.choice((SECOND_NS // 50, 3600 * SECOND_NS)),
            "max_deliver": rnd.choice((-1, 1, 2)),
            "max_ack_pending": rnd.choice((1000, 3)),
        }
        if self.retention == "workqueue":
            return config | {"filter_subject": f"a.{self.names.index(name)}"}
        if rnd.random() < 0.5 or name == "newest":
            config["filter_subject"] = "a.*" if name == "newest" else rnd.choice(("a.1", "a.*"))
        match name:
            case "all":
                config["ack_policy"] = "all"
            case "none":
                config |= {"ack_policy": "none", "max_deliver": -1}
                del config["ack_wait"], config["max_ack_pending"]
            case "newest":
                config["deliver_policy"] = "last_per_subject"
        return config

    @property
    def retention(self) -> str:
        """Of the stream."""
        return self.stream.config.retention

    @property
    def names(self) -> tuple[str, ...]:
        """Of the consumers that the stream may have."""
        return NAMES[:SUBJECTS] if self.retention == "workqueue" else NAMES

    async def make(self, name: str = "") -> None:
        name = name or self.rnd.choice(self.names)
        if name not in self.stream.consumers.by_name:
            await self._send_config(self.config(name), "create")

    async def change(self) -> None:
        name = self.rnd.choice(self.names)
        running = self.stream.consumers.by_name.get(name)
        if running is not None:
            config = {**self.config(name), "ack_policy": running.config.ack_policy}
            await self._send_config(config, "update")

    async def _send_config(self, config: dict[str, Any], action: str) -> None:
        body = {"stream_name": "A", "config": config, "action": action}
        answer = await api(self.client, f"CONSUMER.CREATE.A.{config['durable_name']}", body)
        assert "error" not in answer, answer

    async def end(self) -> None:
        if self.rnd.random() < 0.3:
            await api(self.client, f"CONSUMER.DELETE.A.{self.rnd.choice(self.names)}")

    async def reset(self) -> None:
        name = self.rnd.choice(self.names)
        if name in self.stream.consumers.by_name and self.rnd.random() < 0.3:
            body = {"seq": self.rnd.randrange(1, 30)} if self.rnd.random() < 0.5 else None
            await api(self.client, f"CONSUMER.RESET.A.{name}", body)

    async def publish(self) -> None:
        for _ in range(self.rnd.randrange(1, 12)):
            await self.client.publish(f"a.{self.rnd.randrange(SUBJECTS)}", b"x")
        await self.client.flush()

    async def pull(self) -> None:
        asked: dict[str, Any] = {"batch": self.rnd.randrange(1, 15)}
        match self.rnd.randrange(3):
            case 0:
                asked["no_wait"] = True
            case 1:
                asked["expires"] = SECOND_NS // 20
        subject = f"$JS.API.CONSUMER.MSG.NEXT.A.{self.rnd.choice(self.names)}"
        inbox = self.inbox if self.rnd.random() < 0.8 else "nobody"
        await self.client.publish(subject, json.dumps(asked).encode(), reply=inbox)
        await self.client.flush()

    async def acknowledge(self) -> None:
        for _ in range(min(len(self.replies), self.rnd.randrange(8))):
            at = self.rnd.randrange(len(self.replies))
            reply = self.replies[at] if self.rnd.random() < 0.1 else self.replies.pop(at)
            await self.client.publish(reply, self.rnd.choice(ANSWERS), reply=self.inbox)
        await self.client.flush()

    async def remove(self) -> None:
        if self.rnd.random() < 0.3:
            wanted = {"keep": 5}, {"filter": "a.1"}, {"filter": "a.2", "keep": 1}, {}
            body: dict[str, Any] = self.rnd.choice(wanted)
            await api(self.client, "STREAM.PURGE.A", body)
            return
        seq = max(1, self.stream.store.last_seq - self.rnd.randrange(9))
        await api(self.client, "STREAM.MSG.DELETE.A", {"seq": seq})

    async def keep(self) -> None:
        """The stream keeps its messages for other reasons."""
        if self.retention == "workqueue" or self.rnd.random() < 0.5:
            return
        retention = self.rnd.choice(("limits", "interest"))
        config = {**CONFIG, "retention": retention, "storage": self.stream.config.storage}
        answer = await api(self.client, "STREAM.UPDATE.A", config)
        assert "error" not in answer, answer


CONFIG = {"name": "A", "subjects": ["a.*"], "max_msgs": 150}


class Logs:
    """Of stream A."""

    def __init__(self) -> None:
        self.stream = OperationLog()
        self.consumers = ConsumersLog()

    def check(self, folder: Path, stream: Stream) -> None:
        with TemporaryDirectory(dir=folder) as place:
            compare(self.stream, Path(place), stream)
        self.consumers.compare(stream.consumers)


async def play(folder: Path, storage: str, retention: str, steps: list[tuple[int, float]]) -> Logs:
    """Does random things, and checks every now and then."""
    logs = Logs()
    async with jetstream_server(folder / "served", sync_interval=120.0) as server:
        assert server.state.jetstream is not None
        context = server.state.jetstream.context
        context.open_log = lambda *_: logs.stream
        context.open_consumer_log = lambda *_: logs.consumers
        client = await connect(server.client_url)
        config = {**CONFIG, "storage": storage, "retention": retention}
        assert "error" not in await api(client, "STREAM.CREATE.A", config)
        stream = server.state.jetstream.accounts["$G"].streams["A"]
        load = Load(client, stream)
        await load.start()
        for number, (kind, seed) in enumerate(steps):
            await load.step(kind, seed)
            if number % 20 == 19:
                logs.check(folder, stream)
        await client.flush()
        logs.check(folder, stream)
        await client.close()
    return logs


@pytest.mark.parametrize("retention", RETENTIONS)
@pytest.mark.parametrize("storage", ["memory", "file"])
@on_loop
async def test_logs_of_operations_give_empty_replicas_the_same_state(
    tmp_path: Path, storage: str, retention: str
) -> None:
    consumers, stream = set(), set()
    for seed in range(2):
        rnd = random.Random(seed)
        steps = [(rnd.randrange(1 << 16), rnd.random()) for _ in range(250)]
        logs = await play(tmp_path / str(seed), storage, retention, steps)
        consumers |= logs.consumers.kinds
        stream |= {type(each).__name__ for each in logs.stream.operations}
    every = {each.__name__ for each in (*get_args(NamedOperation), Created, Updated, Deleted)}
    assert every - consumers == set()
    assert "Remove" in stream


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    storage=st.sampled_from(["memory", "file"]),
    retention=st.sampled_from(RETENTIONS),
    steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1 << 16)), max_size=60),
)
def test_any_work_can_be_replayed(
    storage: str, retention: str, steps: list[tuple[int, float]]
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), storage, retention, steps))
