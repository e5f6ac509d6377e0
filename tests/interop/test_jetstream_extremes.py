"""The largest and smallest numbers of the protocol: no crash, no loss, and an answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.store import SEQ_MAX

from tests.support.jetstream import api, connect, jetstream_server

STORAGES = pytest.mark.parametrize("storage", ["file", "memory"])


async def publish(client: Client, subject: str, headers: dict[str, Any] | None = None) -> Any:
    return json.loads((await client.request(subject, b"x", headers=headers)).data)


@STORAGES
def test_a_stream_that_has_used_up_its_sequences_refuses(tmp_path: Path, storage: str) -> None:
    async def run() -> None:
        config = {"name": "S", "subjects": ["s"], "storage": storage, "first_seq": SEQ_MAX}
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            assert "error" not in await api(client, "STREAM.CREATE.S", config)
            assert await publish(client, "s") == {"stream": "S", "seq": SEQ_MAX}
            for _ in range(2):
                assert (await publish(client, "s"))["error"]["err_code"] == 10077
            state = (await api(client, "STREAM.INFO.S"))["state"]
            assert (state["messages"], state["last_seq"]) == (1, SEQ_MAX)
            await client.close()
        if storage == "file":
            async with jetstream_server(tmp_path) as server:
                client = await connect(server.client_url)
                state = (await api(client, "STREAM.INFO.S"))["state"]
                assert (state["messages"], state["last_seq"]) == (1, SEQ_MAX)
                await client.close()

    asyncio.run(run())


@STORAGES
def test_sequences_beyond_the_last_are_refused(tmp_path: Path, storage: str) -> None:
    """The real server accepts them; then it loses the messages at its next start, or crashes."""

    async def run() -> None:
        config = {"name": "S", "subjects": ["s"], "storage": storage}
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            refused = await api(client, "STREAM.CREATE.S", config | {"first_seq": SEQ_MAX + 1})
            assert refused["error"]["err_code"] == 10052
            assert "error" not in await api(client, "STREAM.CREATE.S", config)
            await publish(client, "s")
            for seq in (SEQ_MAX + 1, 2**64 - 1):
                refused = await api(client, "STREAM.PURGE.S", {"seq": seq})
                assert refused["error"]["err_code"] == 10077
            assert await publish(client, "s") == {"stream": "S", "seq": 2}
            await client.close()

    asyncio.run(run())


@STORAGES
def test_ages_without_end(tmp_path: Path, storage: str) -> None:
    async def run() -> None:
        forever = 2**63 - 1
        config = {
            "name": "S", "subjects": ["s"], "storage": storage,
            "max_age": forever, "duplicate_window": forever,
        }  # fmt: skip
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            assert "error" not in await api(client, "STREAM.CREATE.S", config)
            assert await publish(client, "s", {"Nats-Msg-Id": "a"}) == {"stream": "S", "seq": 1}
            assert (await publish(client, "s", {"Nats-Msg-Id": "a"}))["duplicate"]
            assert "error" not in await api(client, "STREAM.UPDATE.S", config | {"max_msgs": 10})
            await client.close()
        if storage == "file":
            async with jetstream_server(tmp_path) as server:
                client = await connect(server.client_url)
                assert (await publish(client, "s", {"Nats-Msg-Id": "a"}))["duplicate"]
                assert await publish(client, "s") == {"stream": "S", "seq": 2}
                await client.close()

    asyncio.run(run())
