"""A block of a stream is damaged or cannot be read while the server runs: publishing continues,
limits hold where possible, and the stream opens again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.server.server import Server

from tests.support.jetstream import api, connect, jetstream_server

MAX_BYTES = 100_000  # makes blocks of 32,000 bytes
BODY = bytes(500)
RECORD = len("l.00") + len(BODY) + 30  # bytes on disk
FIRST, MORE = 180, 150  # messages before and after the damage
ROOM = MAX_BYTES // RECORD


async def publish(client: Client, start: int, count: int) -> None:
    for number in range(start, start + count):
        ack = json.loads((await client.request(f"l.{number % 50:02}", BODY)).data)
        assert ack == {"stream": "L", "seq": number}


async def state(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await api(client, "STREAM.INFO.L"))["state"]
    return found


def forget_blocks(server: Server) -> None:
    """Keeps only the last block in memory: the others must be read again."""
    assert server.state.jetstream is not None
    store = server.state.jetstream.accounts["$G"].streams["L"].store
    for block in store.blocks[:-1]:
        if block.loaded:
            store._cached -= block.buffered
            block.unload()


def flip(block: Path) -> None:
    content = bytearray(block.read_bytes())
    for at in range(1000, len(content), 997):
        content[at] ^= 0xFF
    block.write_bytes(content)


def make_unreadable(block: Path) -> None:
    """Reading a folder is an error even for root."""
    block.rename(block.with_suffix(".aside"))
    block.mkdir()


def make_readable(block: Path) -> None:
    block.rmdir()
    block.with_suffix(".aside").rename(block)


async def run(
    folder: Path, damage: Callable[[Path], None], repair: Callable[[Path], None] | None
) -> list[dict[str, Any]]:
    """The state when the limits have met the damage, when they have passed it, and after a repair
    and a restart."""
    seen = []
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        config = {"name": "L", "subjects": ["l.*"], "max_bytes": MAX_BYTES}
        assert "error" not in await api(client, "STREAM.CREATE.L", config)
        await publish(client, 1, FIRST)
        await client.close()
    block = folder / "jetstream" / "$G" / "streams" / "L" / "msgs" / "1.blk"
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        forget_blocks(server)
        damage(block)
        met = ROOM + 1 - FIRST
        await publish(client, FIRST + 1, met)
        seen.append(await state(client))
        await publish(client, FIRST + 1 + met, MORE - met)
        seen.append(await state(client))
        await client.close()
        if repair is not None:
            repair(block)
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        await publish(client, FIRST + MORE + 1, 1)
        seen.append(await state(client))
        await client.close()
    return seen


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_limits_pass_over_what_is_damaged(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    met, passed, restarted = asyncio.run(run(tmp_path, damage, None))
    last = FIRST + MORE
    for found, expected_last in ((passed, last), (restarted, last + 1)):
        assert found["last_seq"] == expected_last
        assert found["messages"] == ROOM
        assert found["first_seq"] == expected_last - ROOM + 1
        assert found["bytes"] == ROOM * RECORD
        assert "lost" not in found  # they would be gone anyway
    assert met["lost"]["msgs"]


def test_what_cannot_be_read_stays_until_it_can(tmp_path: Path) -> None:
    _, unreadable, repaired = asyncio.run(run(tmp_path, make_unreadable, make_readable))
    assert unreadable["messages"] == FIRST + MORE
    assert "lost" not in unreadable
    assert repaired["messages"] == ROOM
    assert repaired["last_seq"] == FIRST + MORE + 1
