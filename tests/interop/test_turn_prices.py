"""What a stored message costs of a turn: a flood into a stream leaves the others their turns."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pynats_server.server.server import Server

from tests.support.jetstream import api, connect, jetstream_server

MANY = 2000


def steps_of(server: Server) -> int:
    return server.state.engine.steps


@pytest.mark.parametrize(
    ("config", "price"),
    [
        pytest.param({}, 4, id="compiled"),
        pytest.param({"republish": {"src": "p.>", "dest": "again.>"}}, 200, id="Python"),
    ],
)
def test_a_message_that_a_stream_stores_has_its_price(
    tmp_path: Path, config: dict[str, Any], price: int
) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            await api(client, "STREAM.CREATE.P", {"name": "P", "subjects": ["p.>"], **config})
            before = steps_of(server)
            for _ in range(MANY):
                await client.publish("p.x", b"")
            await client.request("p.x", b"")  # acknowledged after those before it
            assert steps_of(server) - before >= MANY * price
            await client.close()

    asyncio.run(run())
