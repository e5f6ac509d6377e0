"""Errors and excessive use by one client do not affect others."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.api import dispatch
from pynats_server.jetstream.stream.copying import follower as following

from tests.support.deadline import PATIENCE_S, next_turn
from tests.support.jetstream import api, connect, jetstream_server


async def connect_raw(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"headers":true}\r\nPING\r\n')
    await reader.readuntil(b"PONG\r\n")
    return reader, writer


def test_a_flood_of_requests_leaves_turns_to_others(
    tmp_path: Path,
) -> None:
    count = 200

    async def run() -> list[int]:
        async with jetstream_server(tmp_path) as server:
            assert server.state.jetstream is not None
            server.state.turns.budget_ns = 1
            account = server.state.jetstream.accounts["$G"]
            reader, writer = await connect_raw(server.client_port)
            requests = b"".join(b"PUB $JS.API.INFO in.%d 0\r\n\r\n" % i for i in range(count))
            writer.write(b"SUB in.* 1\r\n" + requests)
            seen = [0]
            while seen[-1] < count:
                await next_turn()
                seen.append(account.api_total)
            for number in range(count):
                line = await reader.readuntil(b"\r\n")
                assert line.startswith(b"MSG in.%d 1 " % number), line  # in their order
                await reader.readexactly(int(line.split()[-1]) + 2)
            writer.close()
            return seen

    seen = asyncio.run(run())
    assert max(b - a for a, b in itertools.pairwise(seen)) <= 2


def test_requests_beyond_the_limit_are_dropped(tmp_path: Path) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path, request_queue_limit=50) as server:
            server.state.turns.budget_ns = 1
            client = await connect(server.client_url)
            told = await client.subscribe("$JS.EVENT.ADVISORY.API.LIMIT_REACHED")
            await client.flush()
            _, writer = await connect_raw(server.client_port)
            writer.write(b"PUB $JS.API.INFO in 0\r\n\r\n" * 52)
            advisory = json.loads((await told.next_msg(PATIENCE_S)).data)
            assert advisory["dropped"] == 50
            assert "streams" in await api(client, "INFO")  # goes on
            writer.close()
            await client.close()

    asyncio.run(run())


def test_a_mistake_with_one_answer_costs_no_other_request_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = dispatch.Api._send
    failed = 0

    def stumble(self: Any, endpoint: Any, request: Any, fields: Any) -> None:
        nonlocal failed
        if endpoint.type == "stream_purge":  # this one and the next ones wait for the disk
            failed += 1
            raise RuntimeError("a mistake of ours")
        send(self, endpoint, request, fields)

    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            await api(client, "STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
            monkeypatch.setattr(dispatch.Api, "_send", stumble)
            for _ in range(2):
                await client.publish("$JS.API.STREAM.PURGE.S", b"", reply="nowhere")
            assert "success" in await api(client, "STREAM.DELETE.S")
            assert failed == 2
            await client.close()

    asyncio.run(run())


def test_a_mirror_without_room_does_not_try_more_often_than_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 1000.0)
    refusals: list[object] = []
    refused = following.Follower._refused

    def note(self: following.Follower, error: Any) -> None:
        refusals.append(error)
        refused(self, error)

    monkeypatch.setattr(following.Follower, "_refused", note)

    async def run() -> None:
        async with jetstream_server(tmp_path, max_memory=1000) as server:
            client = await connect(server.client_url)
            await api(client, "STREAM.CREATE.A", {"name": "A", "subjects": ["a"]})
            mirror = {"name": "M", "storage": "memory", "mirror": {"name": "A"}}
            assert "error" not in await api(client, "STREAM.CREATE.M", mirror)
            for _ in range(50):
                ack = json.loads((await client.request("a", bytes(100))).data)
                assert "error" not in ack
            info = await api(client, "STREAM.INFO.M")
            assert 0 < info["state"]["messages"] < 50
            assert info["mirror"]["error"]["err_code"] == 10023
            await client.close()

    asyncio.run(run())
    assert len(refusals) == 1
