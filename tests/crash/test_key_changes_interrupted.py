"""A server that changes the key of its streams while it starts, and dies or finds no room at one
file operation or another: the next start has everything."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.folders.keys import KeyChanges
from pynats_server.log.target import open_target
from pynats_server.options import JetStreamOptions, LogOptions

from tests.support.deadline import PATIENCE_S
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.stumble import Stumble, stumbling

DIED = 9
SURVIVED = 0
STRIDE = 13  # of the operations; the folders alone are tried at each (store/test_key_change)
OLD: dict[str, Any] = {"key": "A", "cipher": "aes"}
NEW: dict[str, Any] = {"key": "B", "cipher": "chacha", "prev_key": "A"}
NAMES = ("ONE", "TWO")
MESSAGES = 30
Streams = dict[str, tuple[int, list[int]]]
ALL: Streams = dict.fromkeys(NAMES, (MESSAGES, [3, 2]))


async def prepare(folder: Path) -> None:
    async with jetstream_server(folder, **OLD) as server:
        client = await connect(server.client_url)
        for name in NAMES:
            subject = name.lower()
            made = {"name": name, "subjects": [subject], "max_bytes": 90_000, "discard": "new"}
            assert "error" not in await api(client, f"STREAM.CREATE.{name}", made)
            for number in range(MESSAGES):
                await client.request(subject, b"%d" % number * 1000)
            for consumer, floor in (("a", 3), ("b", 2)):
                config = {"durable_name": consumer, "ack_policy": "explicit"}
                asked = {"stream_name": name, "config": config}
                await api(client, f"CONSUMER.DURABLE.CREATE.{name}.{consumer}", asked)
                bound = await client.jetstream().pull_subscribe_bind(consumer=consumer, stream=name)
                for message in await bound.fetch(floor, timeout=PATIENCE_S):
                    await message.ack_sync(timeout=PATIENCE_S)
        await client.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "store"
    asyncio.run(prepare(folder))
    return folder


async def served(folder: Path, **options: Any) -> tuple[Streams, dict[str, str]]:
    """The streams with how far their consumers are, each message read; and which are not served."""
    async with jetstream_server(folder, **options) as server:
        assert server.state.jetstream is not None
        broken = dict(server.state.jetstream.accounts["$G"].broken)
        client = await connect(server.client_url)
        found: Streams = {}
        for each in (await api(client, "STREAM.LIST"))["streams"]:
            name, state = each["config"]["name"], each["state"]
            assert "lost" not in state
            for seq in range(1, state["last_seq"] + 1):
                message = await api(client, f"STREAM.MSG.GET.{name}", {"seq": seq})
                assert "message" in message, (name, seq)
            listed = (await api(client, f"CONSUMER.LIST.{name}"))["consumers"]
            floors = {one["name"]: one["ack_floor"]["stream_seq"] for one in listed}
            found[name] = state["messages"], [floors["a"], floors["b"]]
        await client.close()
    return found, broken


def die_at(step: int, folder: Path) -> bool:
    """Lets a process that starts die at the `step`th operation; False if there are fewer."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with stumbling(Stumble(step, lambda: os._exit(DIED))):
                asyncio.run(start_and_stop(folder))
            status = SURVIVED
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (DIED, SURVIVED)
    return status == DIED


async def start_and_stop(folder: Path) -> None:
    async with jetstream_server(folder, **NEW):
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_server_that_dies_in_a_change_has_everything_at_the_next_start(
    prepared: Path, tmp_path: Path
) -> None:
    step, died = 1, True
    while died:
        folder = tmp_path / str(step)
        shutil.copytree(prepared, folder)
        died = die_at(step, folder)
        assert asyncio.run(served(folder, **NEW)) == (ALL, {}), step
        later = NEW | {"prev_key": ""}
        assert asyncio.run(served(folder, **later)) == (ALL, {}), step
        shutil.rmtree(folder)
        step += STRIDE
    assert step > 100


@pytest.mark.slow
def test_a_full_disk_in_a_change_costs_nothing(prepared: Path, tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    step, reached = 1, True
    while reached:
        folder = tmp_path / str(step)
        shutil.copytree(prepared, folder)
        with stumbling(Stumble(step, fail, lasting=True)) as stumble:
            asyncio.run(changed(folder))
        assert asyncio.run(served(folder, **NEW)) == (ALL, {}), (step, stumble.what)
        reached = stumble.reached
        shutil.rmtree(folder)
        step += STRIDE
    assert step > 100


async def changed(folder: Path) -> None:
    """What a start does before it opens the streams."""
    changes = KeyChanges(open_target(None, LogOptions()))
    await changes.run(folder, ["$G"], JetStreamOptions(enabled=True, store_dir=folder, **NEW))
