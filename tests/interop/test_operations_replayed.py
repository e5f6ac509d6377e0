"""Whatever happens to a stream, a log of its operations gives an empty replica the same state."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.store import memory
from pynats_server.jetstream.store.file import burying
from pynats_server.jetstream.store.removal import limiting, removing
from pynats_server.jetstream.stream import changes
from pynats_server.jetstream.stream.log import OperationLog
from pynats_server.jetstream.stream.operations import Operation

from tests.support.jetstream import api, connect, jetstream_server
from tests.support.mixed_load import MAIN, Load, streams
from tests.support.on_loop import on_loop
from tests.support.replays import SMALL_BLOCK, compare


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removals take a few messages at a time, and streams have several blocks."""
    for module in (removing, limiting, burying):
        monkeypatch.setattr(module, "TAKE", 3)
    monkeypatch.setattr(limiting, "COLLECT", 5)
    monkeypatch.setattr(changes, "AT_ONCE", 1)
    monkeypatch.setattr(memory, "BLOCK_SIZE", SMALL_BLOCK)
    place = "pynats_server.jetstream.folders.streams.choose_block_size"
    monkeypatch.setattr(place, lambda *_: SMALL_BLOCK)


class Logs(dict[str, OperationLog]):
    """The logs of the streams of a server, by their names."""

    def open(self, _: str, name: str) -> OperationLog:
        self[name] = OperationLog()
        return self[name]

    def check(self, folder: Path, load: Load) -> None:
        """Compares each stream with a replica of its log: at any moment they are the same."""
        for name, stream in load.streams.items():
            with TemporaryDirectory(dir=folder) as place:
                compare(self[name], Path(place), stream)

    def kinds(self, name: str) -> set[str]:
        return {type(each).__name__ for each in self[name].operations}


@asynccontextmanager
async def loaded(folder: Path, storage: str) -> AsyncIterator[tuple[Load, Logs]]:
    """New streams, and where their operations go."""
    logs = Logs()
    async with jetstream_server(folder / "served", sync_interval=120.0) as server:
        assert server.state.jetstream is not None
        server.state.jetstream.context.open_log = logs.open
        client = await connect(server.client_url)
        for config in streams(storage):
            assert "error" not in await api(client, f"STREAM.CREATE.{config['name']}", config)
        load = Load(server, client)
        turns = load.streams["A"].account.server.turns
        ticks = iter(range(1 << 60))
        turns.now, turns.budget_ns = (lambda: next(ticks)), 2  # steps
        yield load, logs
        await load.end()
        logs.check(folder, load)
        await client.close()


@pytest.mark.parametrize("storage", ["memory", "file"])
def test_a_log_of_operations_gives_an_empty_replica_the_same_state(
    tmp_path: Path, storage: str
) -> None:
    seen: set[str] = set()

    async def run(folder: Path, rnd: random.Random) -> None:
        async with loaded(folder, storage) as (load, logs):
            for _ in range(3):
                await load.steps(rnd, 60)
                logs.check(folder, load)  # in the middle of long removals
            await load.end()
            await load.let_time_pass(lambda name, kind: kind in logs.kinds(name))
            seen.update(*(logs.kinds(name) for name in logs))

    for seed in range(5):
        asyncio.run(run(tmp_path / str(seed), random.Random(seed)))
    every = {each.__name__ for each in get_args(Operation)}
    assert every - seen == {"Truncate"}  # after a crash only


LONG = {
    "purge": ("STREAM.PURGE.A", {"filter": "a.*"}),
    "purge of all but some": ("STREAM.PURGE.A", {"keep": 7}),
    "lowered limit": ("STREAM.UPDATE.A", {**MAIN, "max_msgs": 5}),
    "lowered limit of bytes": ("STREAM.UPDATE.A", {**MAIN, "max_bytes": 300}),
    "lowered limit of subjects": ("STREAM.UPDATE.A", {**MAIN, "max_msgs_per_subject": 2}),
    "rollup": ("", {}),
}


@pytest.mark.parametrize("storage", ["memory", "file"])
@pytest.mark.parametrize("kind", LONG)
@on_loop
async def test_replicas_are_the_same_at_every_moment_of_a_long_removal(
    tmp_path: Path, storage: str, kind: str
) -> None:
    subject, body = LONG[kind]
    async with loaded(tmp_path, storage) as (load, logs):
        client, changes = load.client, load.streams["A"].changes
        await client.publish("a.4.x", b"", headers={"Nats-Msg-Id": "one"})
        for number in range(400):
            await client.publish(f"a.{number % 4}", b"x" * (number % 9))
        await client.flush()
        if subject:
            asked = asyncio.ensure_future(api(client, subject, {**body, "storage": storage}
                                              if "name" in body else body))  # fmt: skip
        else:
            asked = asyncio.ensure_future(
                client.request("a.*", b"", headers={"Nats-Rollup": "sub"})
            )
        number = moments = 0
        while not (asked.done() and changes.is_idle):
            moments += not changes.is_idle
            await client.publish(f"a.{number % 4}", b"between")
            await client.flush()
            logs.check(tmp_path, load)
            number += 1
        assert moments > 3
        await asked
        logs.check(tmp_path, load)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    storage=st.sampled_from(["memory", "file"]),
    steps=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 1 << 16)), max_size=60),
)
def test_any_load_can_be_replayed(storage: str, steps: list[tuple[int, int]]) -> None:
    async def run(folder: Path) -> None:
        async with loaded(folder, storage) as (load, logs):
            for kind, seed in steps:
                await load.step(kind, seed)
            logs.check(folder, load)

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
