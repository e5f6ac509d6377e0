"""Many schedules in one stream: they are found and published in steps, each once, in order."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from pynats_server.core.protocol.headers import build
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.jetstream.stream.timed.schedules import PUBLISHED
from pynats_server.server.server import Server
from pynats_server.work import finish

from tests.support.deadline import next_turn, wait_until_async
from tests.support.jetstream import api, connect, jetstream_server

MANY = 1200
STEPS_OF_A_TURN = 4


def count_steps(stream: Stream) -> None:
    """Makes the budget of a turn a number of steps."""
    turns = stream.account.server.turns
    ticks = iter(range(1 << 60))
    turns.now = lambda: next(ticks)
    turns.budget_ns = STEPS_OF_A_TURN


def stream_of(server: Server) -> Stream:
    assert server.state.jetstream is not None
    stream = server.state.jetstream.accounts["$G"].streams["C"]
    assert isinstance(stream, Stream)
    return stream


async def create(server: Server) -> None:
    client = await connect(server.client_url)
    config = {
        "name": "C", "subjects": ["c.>"], "allow_msg_schedules": True, "allow_msg_ttl": True,
        "storage": "file",
    }  # fmt: skip
    await api(client, "STREAM.CREATE.C", config)
    await client.close()


def schedule(stream: Stream, number: int, due_s: float) -> None:
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due_s))
    block = build(((b"Nats-Schedule", f"@at {due}".encode()), (b"Nats-Schedule-Target", b"c.made")))
    stream.accept(b"c.s.%d" % number, b"", block, b"%d" % number)


async def made(stream: Stream) -> list[bytes]:
    found = []
    at = 1
    while (message := finish(stream.store.find_next(b"c.made", at))) is not None:
        found.append(message.payload)
        at = message.seq + 1
    return found


def test_schedules_that_are_due_together_are_published_some_in_each_turn(tmp_path: Path) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            await create(server)
            stream = stream_of(server)
            count_steps(stream)
            for number in range(MANY):
                schedule(stream, number, time.time() - 60)
            most, before = 0, stream.store.last_seq
            while stream.store.last_seq < 2 * MANY:
                await next_turn()
                most = max(most, stream.store.last_seq - before)
                before = stream.store.last_seq
            assert 0 < most <= PUBLISHED * (STEPS_OF_A_TURN + 1)
            assert await made(stream) == [b"%d" % number for number in range(MANY)]
            assert stream.store.msgs == MANY  # each has ended its schedule

    asyncio.run(run())


def test_schedules_are_found_after_a_restart_in_steps_and_late_ones_are_published(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            await create(server)
            stream = stream_of(server)
            soon = int(time.time()) + 2
            for number in range(MANY):
                schedule(stream, number, soon)
            assert stream.store.msgs == MANY
        async with jetstream_server(tmp_path) as server:
            stream = stream_of(server)
            schedule(stream, 0, time.time() + 3600)  # replaced while the others are looked for
            await wait_until_async(lambda: stream.store.last_seq == 2 * MANY, "the messages")
            assert await made(stream) == [b"%d" % number for number in range(1, MANY)]
            assert stream.store.msgs == MANY

    asyncio.run(run())


def test_a_schedule_that_is_removed_while_others_are_published_is_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            await create(server)
            stream = stream_of(server)
            count_steps(stream)
            for number in range(MANY):
                schedule(stream, number, time.time() - 60)
            await wait_until_async(lambda: stream.store.last_seq > MANY, "the messages")
            last = b"c.s.%d" % (MANY - 1)
            stream.store.purge(last)
            schedule(stream, MANY - 2, time.time() + 3600)
            await wait_until_async(lambda: stream.store.last_seq == 2 * MANY - 1, "the messages")
            assert await made(stream) == [b"%d" % number for number in range(MANY - 2)]
            assert stream.store.subject_state(b"c.s.%d" % (MANY - 2))[0] == 1

    asyncio.run(run())


def test_an_error_of_one_schedule_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            await create(server)
            stream = stream_of(server)
            take, refused = stream.publishing.take_own, [0]

            def refuse_one(subject: bytes, headers: bytes, payload: bytes) -> None:
                if payload == b"1":
                    refused[0] += 1
                    raise ApiError(10077, 500, "no")
                take(subject, headers, payload)

            stream.publishing.take_own = refuse_one  # type: ignore[method-assign]
            for number in range(3):
                schedule(stream, number, time.time() - 60)
            await wait_until_async(
                lambda: len(stream.store.subject_totals(b"c.s.*")) == 1, "the messages"
            )
            assert refused == [1]
            assert await made(stream) == [b"0", b"2"]

    asyncio.run(run())
