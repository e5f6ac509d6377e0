"""Batches fill an account like single messages: up to its limit, in bytes of the store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.jetstream import PatientClient, api, connect, jetstream_server

LIMIT = 1000  # bytes of storage
SUBJECT = "s"
RECORD = {"memory": 16, "file": 30}  # beyond the message's bytes, without headers
COUNT = 10


async def _stored(client: PatientClient, storage: str, publish: Any) -> int:
    config = {
        "name": "S", "subjects": [SUBJECT], "storage": storage, "allow_batched": True,
    }  # fmt: skip
    assert "error" not in await api(client, "STREAM.CREATE.S", config)
    payload = b"x" * (LIMIT // COUNT - RECORD[storage] - len(SUBJECT))
    for number in range(COUNT + 3):
        await publish(client, number, payload)
    info = await api(client, "STREAM.INFO.S")
    assert info["state"]["bytes"] == info["state"]["messages"] * (LIMIT // COUNT)
    messages: int = info["state"]["messages"]
    return messages


async def _single(client: PatientClient, number: int, payload: bytes) -> None:
    await client.request(SUBJECT, payload)


async def _fast(client: PatientClient, number: int, payload: bytes) -> None:
    replies = await client.subscribe(f"reply.{number}.>", max_msgs=1)
    await client.publish(SUBJECT, payload, reply=f"reply.{number}.5.fail.1.2.$FI")
    await replies.next_msg(20)


@pytest.mark.parametrize("publish", [_single, _fast])
@pytest.mark.parametrize("storage", ["memory", "file"])
def test_a_limit_of_the_server_is_filled_exactly(
    tmp_path: Path, storage: str, publish: Any
) -> None:
    async def run() -> int:
        async with jetstream_server(tmp_path) as server:
            assert server.state.jetstream is not None
            usage = server.state.jetstream.accounts["$G"].usage(storage)
            usage.limit = LIMIT
            client = await connect(server.client_url)
            try:
                return await _stored(client, storage, publish)
            finally:
                await client.close()

    assert asyncio.run(run()) == COUNT
