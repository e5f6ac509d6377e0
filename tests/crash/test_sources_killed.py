"""kill -9 of a server whose streams take over from others and lose their copies again: every
message of the origin is taken over once, and once only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from test_kill_under_load import Broker

from tests.support.deadline import wait_until_async
from tests.support.fuzzing import examples
from tests.support.jetstream import api, connect

ROUNDS = examples(8)
FOLLOWERS: dict[str, dict[str, Any]] = {
    "LIMITED": {"max_msgs": 3},
    "PURGED": {},
    "EMPTIED": {"max_age": 10**8},
    "SMALL": {"max_bytes": 2000},
    "OWN": {"max_msgs": 3, "subjects": ["own"]},
}


async def settled(client: Client, own: int) -> None:
    """Waits until all followers have as many sequences as the origin, and `own` more."""
    last = (await api(client, "STREAM.INFO.O"))["state"]["last_seq"]
    expected = {name: last + (own if name == "OWN" else 0) for name in FOLLOWERS}

    async def used() -> dict[str, int]:
        return {
            name: (await api(client, f"STREAM.INFO.{name}"))["state"]["last_seq"]
            for name in FOLLOWERS
        }

    async def reached() -> bool:
        found = await used()
        assert all(found[name] <= expected[name] for name in found), (found, expected)
        return found == expected

    await wait_until_async(reached, f"{expected}")
    # Each goes on behind its last copy: the next message takes one sequence.
    await client.request("o", b"one more")
    await wait_until_async(lambda: grown(client, expected), "one more")


async def grown(client: Client, before: dict[str, int]) -> bool:
    states = {
        name: (await api(client, f"STREAM.INFO.{name}"))["state"]["last_seq"] for name in before
    }
    assert all(states[name] <= before[name] + 1 for name in before), (states, before)
    return all(states[name] == before[name] + 1 for name in before)


async def disturb(client: Client, chance: random.Random) -> int:
    """Publishes, purges and deletes; returns how many messages of its own a stream surely has."""
    own = 0
    for _ in range(chance.randrange(1, 12)):
        for _ in range(chance.randrange(20)):
            await client.publish("o", b"x" * chance.randrange(200))
        await client.flush()
        if chance.random() < 0.5:
            reply = json.loads((await client.request("own", b"mine")).data)
            own += "seq" in reply
        if chance.random() < 0.4:
            await api(client, "STREAM.PURGE.PURGED")
        elif chance.random() < 0.5:
            state = (await api(client, "STREAM.INFO.PURGED"))["state"]
            await api(client, "STREAM.MSG.DELETE.PURGED", {"seq": state["last_seq"]})
    return own


async def one_round(broker: Broker, chance: random.Random, own: int | None) -> int:
    """One life of the server; returns how many messages of its own a stream has had."""
    client = await connect(f"nats://127.0.0.1:{broker.port}", allow_reconnect=False)
    if own is None:
        await api(client, "STREAM.CREATE.O", {"name": "O", "subjects": ["o"]})
        for name, more in FOLLOWERS.items():
            config = {"name": name, "sources": [{"name": "O"}], **more}
            made = await api(client, f"STREAM.CREATE.{name}", config)
            assert "error" not in made, made
    else:
        await settled(client, own)
    own = (own or 0) + await disturb(client, chance)
    broker.kill()
    with contextlib.suppress(Exception):
        await client.close()
    return own


def test_killed_sources_take_over_everything_once(tmp_path: Path) -> None:
    chance = random.Random(11)
    own = None
    for number in range(ROUNDS):
        broker = Broker(tmp_path / "store", tmp_path / f"log{number}")
        own = asyncio.run(one_round(broker, chance, own))
