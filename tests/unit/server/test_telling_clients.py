"""Clients are told of a changed INFO some at a time."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from pynats_server import Options, Server
from pynats_server.server import info

from tests.support.deadline import next_turn
from tests.support.on_loop import on_loop

CLIENTS = 3 * info.STEP


async def connected(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n')
    await reader.readuntil(b"PONG\r\n")
    await reader.readuntil(b"\r\n")  # the INFO behind the first PONG
    return reader, writer


@on_loop
async def test_many_clients_are_told_in_steps_and_only_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [0]
    encode = info.InfoMessage.encode

    def counted(*args: object, **more: object) -> bytes:
        told[0] += 1
        return encode(*args, **more)  # type: ignore[arg-type]

    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        server.state.turns.budget_ns = 1
        clients = [await connected(server) for _ in range(CLIENTS)]
        monkeypatch.setattr(info.InfoMessage, "encode", counted)
        server.info.broadcast()
        assert told[0] <= info.STEP
        server.info.lame_duck = True
        server.info.broadcast()  # in place of the one under way
        seen = [told[0]]
        while server.state.turns.jobs:
            await next_turn()
            seen.append(told[0])
        assert max(b - a for a, b in itertools.pairwise(seen)) <= 2 * info.STEP
        assert told[0] <= CLIENTS + info.STEP
        for reader, writer in clients:
            lines = b""
            while b'"ldm":true' not in lines:
                lines = await reader.readuntil(b"\r\n")
                assert lines.startswith(b"INFO ")
            writer.close()
