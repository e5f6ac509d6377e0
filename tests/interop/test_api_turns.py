"""One tenant's API requests never hold another's: accounts take turns, then clients."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.api import dispatch
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.options import AccountLimits, AccountOptions, JetStreamOptions, Options, User
from pynats_server.server.server import Server
from pynats_server.work import Work

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.jetstream import PatientClient, api, connect
from tests.support.on_loop import on_loop


def two_tenants(folder: Path, **options: Any) -> Server:
    """A server with the accounts A and B; each has a user with a small letter."""
    return Server(
        Options(
            host="127.0.0.1",
            port=-1,
            accounts={
                name: AccountOptions([User(name.lower(), "p")], jetstream=AccountLimits())
                for name in "AB"
            },
            jetstream=JetStreamOptions(enabled=True, store_dir=folder, **options),
        )
    )


async def as_user(server: Server, user: str) -> PatientClient:
    return await connect(server.client_url, user=user, password="p")


class Flood:
    """Many requests of one connection that does not wait for answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server, user: str) -> Flood:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        await reader.readline()
        connect_line = json.dumps({"verbose": False, "user": user, "pass": "p"}).encode()
        writer.write(b"CONNECT " + connect_line + b"\r\nPING\r\n")
        await reader.readuntil(b"PONG\r\n")
        return cls(reader, writer)

    def ask(self, subject: str, count: int, body: bytes = b"") -> None:
        line = f"PUB $JS.API.{subject} nowhere {len(body)}\r\n".encode()
        self._writer.write((line + body + b"\r\n") * count)

    def close(self) -> None:
        self._writer.close()


def note_order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The accounts whose requests were answered, in order."""
    order: list[str] = []
    send = dispatch.Api._send

    def noting(self: Any, endpoint: Any, request: Any, fields: Any) -> None:
        order.append(request.account.name)
        send(self, endpoint, request, fields)

    monkeypatch.setattr(dispatch.Api, "_send", noting)
    return order


@on_loop
async def test_requests_of_one_tenant_do_not_delay_those_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = note_order(monkeypatch)
    async with two_tenants(tmp_path) as server:
        server.state.turns.budget_ns = 1  # one request in a pass of the loop
        b = await as_user(server, "b")
        floods = [await Flood.open(server, "a") for _ in range(3)]
        for flood in floods:
            flood.ask("INFO", 500)
        await wait_until_async(lambda: server.state.turns.count("A") > 100, "the flood")
        for _ in range(5):
            before = len(order)
            await api(b, "INFO")
            since = order[before:]
            # Each pass answers one; a request takes some passes to arrive and to be answered.
            assert since.count("A") <= 10, since
        for flood in floods:
            flood.close()
        await b.close()


@on_loop
async def test_a_client_waits_for_its_own_requests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()
    change = Stream.change

    async def slow(self: Stream, operation: Any) -> Any:
        await disk.wait()
        return await change(self, operation)

    async with two_tenants(tmp_path) as server:
        a, other = await as_user(server, "a"), await as_user(server, "a")
        await api(a, "STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
        monkeypatch.setattr(Stream, "change", slow)
        purge = asyncio.ensure_future(api(a, "STREAM.PURGE.S"))
        await wait_until_async(lambda: server.state.turns.count("A"), "the purge")
        behind = asyncio.ensure_future(api(a, "STREAM.INFO.S"))
        assert (await api(other, "STREAM.INFO.S"))["config"]["name"] == "S"
        assert not purge.done()
        assert not behind.done()
        disk.set()
        assert (await purge)["success"]
        assert (await behind)["config"]["name"] == "S"
        await a.close()
        await other.close()


@on_loop
async def test_an_overflow_drops_requests_of_its_own_account_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()
    change = Stream.change

    async def slow(self: Stream, operation: Any) -> Any:
        await disk.wait()
        return await change(self, operation)

    async with two_tenants(tmp_path, request_queue_limit=20) as server:
        a, b = await as_user(server, "a"), await as_user(server, "b")
        for client in (a, b):
            await api(client, "STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
        told = await a.subscribe("$JS.EVENT.ADVISORY.API.LIMIT_REACHED")
        await a.flush()
        monkeypatch.setattr(Stream, "change", slow)
        waits = asyncio.ensure_future(api(b, "STREAM.PURGE.S"))
        behind = asyncio.ensure_future(api(b, "STREAM.INFO.S"))
        await wait_until_async(lambda: server.state.turns.count("B") == 2, "B's requests")
        flood = await Flood.open(server, "a")
        flood.ask("STREAM.PURGE.S", 21)
        advisory = json.loads((await told.next_msg(PATIENCE_S)).data)
        assert advisory["dropped"] == 19  # one has begun, and the last one made it too many
        assert server.state.turns.count("A") == 1
        assert server.state.turns.count("B") == 2
        disk.set()
        assert (await waits)["success"]
        assert (await behind)["config"]["name"] == "S"
        flood.close()
        await a.close()
        await b.close()


@on_loop
async def test_changes_are_carried_out_although_their_client_has_gone(tmp_path: Path) -> None:
    async with two_tenants(tmp_path) as server:
        a = await as_user(server, "a")
        flood = await Flood.open(server, "a")
        for n in range(10):
            flood.ask(f"STREAM.CREATE.S{n}", 1, b'{"name":"S%d","subjects":["s.%d"]}' % (n, n))
        flood.close()
        jetstream = server.state.jetstream
        assert jetstream is not None
        await wait_until_async(lambda: len(jetstream.accounts["A"].streams) == 10, "all streams")
        await a.close()


def answer_without_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes STREAM.NAMES take forever. Returns a list that grows with each step; -1 is its end."""
    assert server.state.jetstream is not None
    steps: list[int] = []
    [endpoint] = (each for each in dispatch.ENDPOINTS if each.pattern == "STREAM.NAMES")
    forever = dataclasses.replace(endpoint, run=lambda request: endless(steps))
    monkeypatch.setitem(server.state.jetstream.api._routes, ("STREAM", "NAMES"), [forever])
    return steps


def endless(steps: list[int]) -> Work[None]:
    try:
        while True:
            steps.append(1)
            yield
    finally:
        steps.append(-1)


@on_loop
async def test_long_answers_end_with_their_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_tenants(tmp_path) as server:
        steps = answer_without_end(server, monkeypatch)
        flood = await Flood.open(server, "a")
        flood.ask("STREAM.NAMES", 1)
        await wait_until_async(lambda: steps, "the long answer")
        flood.close()
        await wait_until_async(lambda: steps[-1] == -1, "its end")
        assert server.state.turns.jobs == 0


@on_loop
async def test_a_server_that_stops_ends_long_answers_before_their_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = two_tenants(tmp_path)
    await server.start()
    steps = answer_without_end(server, monkeypatch)
    flood = await Flood.open(server, "a")
    flood.ask("STREAM.NAMES", 1)
    await wait_until_async(lambda: steps, "the long answer")
    await server.shutdown()
    ended = len(steps)
    assert steps[-1] == -1
    for _ in range(3):
        await next_turn()
    assert len(steps) == ended
    flood.close()
