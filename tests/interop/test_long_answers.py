"""Long answers of the API come in counted steps, and never pile up before who does not read."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.core.client import ClientConnection
from pynats_server.jetstream.api import direct, listing
from pynats_server.jetstream.api.request import Request
from pynats_server.jetstream.direct.series import STEP_MESSAGES
from pynats_server.server.server import Server
from pynats_server.work import Work, finish

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.on_loop import on_loop

MESSAGES = 2000
BACKLOG_HIGH = 196_608  # bytes that wait for a receiver before it holds back what the server sends


async def stream_of_messages(client: Client, payload: bytes = b"") -> None:
    config = {"name": "S", "subjects": ["s.>"], "storage": "memory", "allow_direct": True}
    await api(client, "STREAM.CREATE.S", config)
    for number in range(MESSAGES):
        await client.publish(f"s.{number}", payload)
    await client.flush()


class Reader:
    """A connection that asks and reads only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server) -> Reader:
        # A small limit: the reader's own buffer must not read for us.
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port, limit=1024)
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false,"headers":true}\r\nSUB in 1\r\nPING\r\n')
        await reader.readuntil(b"PONG\r\n")
        return cls(reader, writer)

    def ask(self, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self._writer.write(b"PUB $JS.API.DIRECT.GET.S in %d\r\n%s\r\n" % (len(text), text))

    async def replies(self) -> list[bytes]:
        """The header blocks up to the one that ends the series."""
        blocks: list[bytes] = []
        while not blocks or not blocks[-1].startswith((b"NATS/1.0 2", b"NATS/1.0 4")):
            line = await asyncio.wait_for(self._reader.readuntil(b"\r\n"), PATIENCE_S)
            *_, header, total = line.split()
            content = await self._reader.readexactly(int(total) + 2)
            blocks.append(content[: int(header)])
        return blocks

    def close(self) -> None:
        self._writer.close()


class Watched:
    """How many messages the series have sent, and how often a receiver has held them back."""

    sent = 0
    held = 0


def watch_series(monkeypatch: pytest.MonkeyPatch, size: int = 8) -> Watched:
    """From now on series are watched, and send `size` messages in a step."""
    seen = Watched()

    class Counted(direct.Replies):
        def step(self, most: int = size) -> int:
            sent, held = self.sent, self.held
            went = super().step(most)
            seen.sent += self.sent - sent
            seen.held += self.held - held
            return went

    monkeypatch.setattr(direct, "Replies", Counted)
    return seen


def connection_of(server: Server) -> ClientConnection:
    return max(server.state.clients(), key=lambda client: client.cid)


@pytest.mark.parametrize("body", [{"seq": 1, "batch": 10_000_000}, {"multi_last": ["s.*"]}])
@on_loop
async def test_a_series_sends_some_messages_in_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    monkeypatch.setattr(direct, "SUBJECTS_MAX", MESSAGES)
    async with jetstream_server(tmp_path) as server:
        server.state.turns.budget_ns = 1  # one step in a pass of the loop
        client = await connect(server.client_url)
        await stream_of_messages(client)
        reader = await Reader.open(server)
        series = watch_series(monkeypatch, STEP_MESSAGES)
        reader.ask(body)
        seen = [0]
        while seen[-1] < MESSAGES:
            await next_turn()
            seen.append(series.sent)
        # In one pass of this test, the server's steps of at most two.
        assert max(b - a for a, b in itertools.pairwise(seen)) <= 2 * STEP_MESSAGES
        *messages, end = await reader.replies()
        assert len(messages) == MESSAGES
        assert b"Nats-Num-Pending: 0\r\n" in messages[-1]
        assert end.startswith(b"NATS/1.0 204 EOB")
        reader.close()
        await client.close()


@on_loop
async def test_a_series_waits_for_a_requester_that_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 16 * 1024
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await stream_of_messages(client, bytes(size))
        reader = await Reader.open(server)
        requester = connection_of(server)
        series = watch_series(monkeypatch)
        reader.ask({"seq": 1, "batch": MESSAGES, "max_bytes": 1 << 30})
        await wait_until_async(lambda: series.held, "the series waits")
        sent = series.sent
        assert sent < MESSAGES
        assert requester.pending_bytes <= BACKLOG_HIGH + 2 * size
        for _ in range(20):
            await next_turn()
        assert series.sent == sent
        assert len(await reader.replies()) == MESSAGES + 1
        reader.close()
        await client.close()


@on_loop
async def test_a_series_ends_with_its_requester(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jetstream_server(tmp_path) as server:
        server.state.turns.budget_ns = 1
        client = await connect(server.client_url)
        await stream_of_messages(client)
        reader = await Reader.open(server)
        series = watch_series(monkeypatch)
        reader.ask({"seq": 1, "batch": MESSAGES})
        while not series.sent:
            await next_turn()
        server.state.engine.within_turn(lambda: connection_of(server).close(1))
        ended = series.sent
        assert ended < MESSAGES
        for _ in range(5):
            await next_turn()
        assert series.sent == ended
        assert server.state.turns.jobs == 0
        reader.close()
        await client.close()


@on_loop
async def test_a_series_ends_with_its_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jetstream_server(tmp_path) as server:
        server.state.turns.budget_ns = 1
        client = await connect(server.client_url)
        await stream_of_messages(client)
        assert server.state.jetstream is not None
        account = server.state.jetstream.accounts["$G"]
        reader = await Reader.open(server)
        series = watch_series(monkeypatch)
        reader.ask({"seq": 1, "batch": MESSAGES})
        while not series.sent:
            await next_turn()
        deleted = asyncio.ensure_future(account.delete(account.streams["S"]))
        *messages, end = await reader.replies()
        await deleted
        assert 0 < len(messages) < MESSAGES
        assert end.startswith(b"NATS/1.0 204 EOB")
        reader.close()
        await client.close()


@on_loop
async def test_messages_that_come_during_a_batch_are_not_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jetstream_server(tmp_path) as server:
        server.state.turns.budget_ns = 1
        client = await connect(server.client_url)
        await stream_of_messages(client)
        reader = await Reader.open(server)
        series = watch_series(monkeypatch)
        reader.ask({"seq": 1, "batch": 10_000_000})
        while not series.sent:
            await next_turn()
        await client.publish("s.new", b"")
        await client.flush()
        assert series.sent < MESSAGES
        *messages, end = await reader.replies()
        assert len(messages) == MESSAGES
        assert b"Nats-Num-Pending: 0\r\n" in end
        reader.close()
        await client.close()


@on_loop
async def test_more_filters_than_a_request_may_have_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await stream_of_messages(client)
        reader = await Reader.open(server)
        reader.ask({"multi_last": [f"s.{n}" for n in range(direct.FILTERS_MAX + 1)]})
        [refused] = await reader.replies()
        assert refused.startswith(b"NATS/1.0 413 Too Many Results\r\n")
        assert server.state.turns.jobs == 0
        reader.close()
        await client.close()


def listing_request(streams: int, subjects: int) -> Request:
    """A request in an account with so many streams, each with so many subjects."""
    found = {
        f"S{n:04}": SimpleNamespace(
            name=f"S{n:04}",
            config=SimpleNamespace(subjects=[f"s{n}.{each}" for each in range(subjects)]),
        )
        for n in range(streams)
    }
    account: Any = SimpleNamespace(streams=found)
    return Request(account, "", [], b"", b"", b"")


def test_streams_are_described_some_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[str] = []

    def describing(stream: Any) -> Work[dict[str, Any]]:
        yield from ()
        described.append(stream.name)
        return {"name": stream.name}

    monkeypatch.setattr(listing, "describing", describing)
    request = listing_request(600, 1)
    work = listing._listing(request, listing.ListRequest(offset=300))
    seen = [0]
    answer = {}
    while True:
        try:
            next(work)
        except StopIteration as end:
            answer = end.value
            break
        seen.append(len(described))
    assert max(b - a for a, b in itertools.pairwise(seen)) <= listing.STEP_STREAMS
    assert answer["total"] == 600
    assert described == [f"S{n:04}" for n in range(300, 300 + listing.LIST_PAGE)]
    assert [each["name"] for each in json.loads(bytes(answer["streams"]))] == described


def test_subjects_of_streams_are_compared_some_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = 0
    overlap = listing.subjects_overlap

    def counted(one: str, other: str) -> bool:
        nonlocal counts
        counts += 1
        return overlap(one, other)

    monkeypatch.setattr(listing, "subjects_overlap", counted)
    request = listing_request(50, 100)
    work = listing._names(request, listing.NamesRequest(subject="s7.*"))
    seen = [0]
    while True:
        try:
            next(work)
        except StopIteration as end:
            assert end.value["streams"] == ["S0007"]
            break
        seen.append(counts)
    assert counts > 4000
    assert max(b - a for a, b in itertools.pairwise(seen)) <= listing.STEP_SUBJECTS


def test_a_stream_that_is_deleted_while_streams_are_listed_is_left_out() -> None:
    request = listing_request(50, 100)
    work = listing._names(request, listing.NamesRequest(subject="*.5"))
    next(work)
    del request.account.streams["S0040"]
    answer = finish(work)
    assert answer["total"] == 49
    assert "S0040" not in answer["streams"]
