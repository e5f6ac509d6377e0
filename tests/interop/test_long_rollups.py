"""A rollup that replaces very many messages: in steps, acknowledged when they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.core.protocol.headers import build
from pynats_server.jetstream.store.removal.removing import TAKE
from pynats_server.jetstream.stream.rollups import UNDER_WAY_MAX
from pynats_server.jetstream.stream.stream import Stream

from tests.support.deadline import next_turn, wait_until_async
from tests.support.jetstream import PatientClient, api, connect, jetstream_server

MANY = 8000
STEPS_OF_A_TURN = 2
Script = Callable[[PatientClient, Stream], Awaitable[None]]


def with_stream(folder: Path, storage: str, script: Script, **config: Any) -> None:
    async def run() -> None:
        async with jetstream_server(folder) as server:
            client = await connect(server.client_url)
            config.update(name="R", subjects=["r.>"], storage=storage, allow_rollup_hdrs=True)
            await api(client, "STREAM.CREATE.R", config)
            assert server.state.jetstream is not None
            stream = server.state.jetstream.accounts["$G"].streams["R"]
            turns = stream.account.server.turns
            ticks = iter(range(1 << 60))
            turns.now = lambda: next(ticks)
            turns.budget_ns = STEPS_OF_A_TURN
            await script(client, stream)
            await client.close()

    asyncio.run(run())


def fill(stream: Stream, subjects: int) -> None:
    for number in range(MANY):
        stream.store.append(b"r.%d" % (number % subjects), None, b"", number + 1)
    stream.ingest.settle()
    stream.store.flush()


def roll_up(client: PatientClient, subject: str) -> asyncio.Task[Any]:
    return asyncio.ensure_future(client.request(subject, b"new", headers={"Nats-Rollup": "sub"}))


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("subject", "left"),
    [pytest.param("r.0", MANY // 2 + 1, id="subject"), pytest.param("r.*", 1, id="wildcard")],
)
def test_what_a_message_replaces_goes_in_steps_and_its_answer_waits_for_that(
    tmp_path: Path, storage: str, subject: str, left: int
) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 2)
        answer = roll_up(client, subject)
        most, before = 0, MANY
        while stream.store.msgs > left:
            await next_turn()
            most = max(most, before - stream.store.msgs)
            before = stream.store.msgs
            assert stream.store.msgs == left or not answer.done()
            if stream.store.last_seq > MANY:  # the newest from the beginning
                last = stream.store.load_last(subject.encode())
                assert last is not None
                assert last.payload == b"new"
        assert most <= TAKE * (STEPS_OF_A_TURN + 1)
        assert b'"seq":%d' % (MANY + 1) in (await answer).data
        assert stream.store.msgs == left
        assert stream.account.usage(stream.config.storage).used == stream.store.nbytes

    with_stream(tmp_path, storage, script)


def test_what_comes_while_messages_are_replaced_stays(tmp_path: Path, storage: str) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 2)
        answer = roll_up(client, "r.0")
        while stream.store.last_seq == MANY:
            await next_turn()
        await client.request("r.0", b"later")
        assert not answer.done()
        await answer
        assert stream.store.subject_state(b"r.0") == (2, MANY + 1, MANY + 2)

    with_stream(tmp_path, storage, script)


def test_the_only_subject_of_a_stream_is_replaced_at_once(tmp_path: Path, storage: str) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 1)
        stream.accept(b"r.0", b"", build(((b"Nats-Rollup", b"sub"),)), b"new")
        assert stream.store.msgs == 1
        assert stream.store.first_seq == MANY + 1

    with_stream(tmp_path, storage, script)


def test_a_batch_that_replaces_very_many_is_acknowledged_when_they_are_gone(
    tmp_path: Path, storage: str
) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 2)
        headers = {
            "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1",
            "Nats-Rollup": "sub",
        }  # fmt: skip
        answer = asyncio.ensure_future(client.request("r.1", b"new", headers=headers))
        most, before = 0, MANY
        while not answer.done():
            await next_turn()
            most = max(most, before - stream.store.msgs)
            before = stream.store.msgs
        assert b'"count":1' in (await answer).data
        assert stream.store.msgs == MANY // 2 + 1
        assert 0 < most <= TAKE * (STEPS_OF_A_TURN + 1)

    with_stream(tmp_path, storage, script, allow_atomic=True)


def test_long_replacements_that_wait_are_limited_in_number(tmp_path: Path) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 2)
        answers = [roll_up(client, "r.*") for _ in range(UNDER_WAY_MAX + 1)]
        replies = [(await answer).data for answer in answers]
        assert sum(b"10167" in reply for reply in replies) == 1
        assert stream.store.msgs == 1
        assert (await client.request("r.1", b"")).data.startswith(b'{"stream"')
        await wait_until_async(lambda: not stream.replaces_much, "the replacements")

    with_stream(tmp_path, "memory", script)


def test_a_stream_that_ends_meanwhile_gives_no_answer(tmp_path: Path) -> None:
    async def script(client: PatientClient, stream: Stream) -> None:
        fill(stream, 2)
        answer = roll_up(client, "r.0")
        while stream.store.msgs >= MANY:
            await next_turn()
        await stream.discard()
        await client.flush()
        assert not answer.done()
        answer.cancel()

    with_stream(tmp_path, "memory", script)
