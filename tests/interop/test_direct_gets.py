"""Single messages asked for directly: the compiled answers are those of the long way, and come in
the order of the requests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.direct.desk import Desk
from pynats_server.server.server import Server
from pynats_server.work import Steps

from tests.support.deadline import next_turn
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.on_loop import on_loop

LONG_WAY = b'"no_hdr": false'  # means nothing, and is no usual field
SECOND_NS = 1_000_000_000
HEADERS = b"NATS/1.0\r\nA: b\r\nC:\r\n\r\n"
# Of messages 1, 2, ...: now and then a day begins, or the fraction ends with zeros.
STAMPS = (
    1, 999_999_999, SECOND_NS, 86_399 * SECOND_NS + 5, 86_400 * SECOND_NS,
    951_782_400 * SECOND_NS + 120_000_000, 1_798_761_599 * SECOND_NS + 123_456_789,
    1_798_761_600 * SECOND_NS + 100, 4_102_444_800 * SECOND_NS + 10, 9_223_372_036_000_000_000,
)  # fmt: skip
SUBJECTS = (b"s.a", b"s.b", b"s.c.d")


def account_of(server: Server) -> JetStreamAccount:
    assert server.state.jetstream is not None
    return server.state.jetstream.accounts["$G"]


def desk_of(server: Server) -> Desk:
    return account_of(server).context.desk


async def filled(server: Server, client: Client, **config: Any) -> None:
    """Thirty messages on three subjects, some with headers, some gone."""
    base = {"name": "S", "subjects": ["s.>"], "allow_direct": True, "storage": "memory"}
    await api(client, "STREAM.CREATE.S", {**base, **config})
    store = account_of(server).streams["S"].store
    for number in range(30):
        headers = HEADERS if number % 4 == 0 else None
        at = STAMPS[min(number, len(STAMPS) - 1)]
        store.append(SUBJECTS[number % 3], headers, b"message %d" % number, at)
    for seq in (3, 10, 11, 29):
        store.remove(seq)


async def ask(client: Client, subject: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    reply = await client.request(f"$JS.API.DIRECT.GET.{subject}", body, timeout=10)
    return reply.data, dict(reply.headers or {})


BODIES = (
    *(b'{"seq": %d}' % seq for seq in (*range(1, 12), 28, 29, 30, 31, 1 << 60)),
    b'{"seq":                    7}',
    b'\n{ "seq" : 7\t}\r\n',
    *(b'{"last_by_subj":"%s"}' % subject for subject in (*SUBJECTS, b"s.none", b"s.*", b">")),
    *(
        b'{"seq":%d,"next_by_subj":"%s"}' % (seq, subject)
        for seq in (1, 2, 3, 9, 28, 29, 30, 31)
        for subject in (*SUBJECTS, b"s.none", b"s.*", b"s.>", b">", b"*.c.*")
    ),
    b'{"next_by_subj":"s.b","seq":4}',
    b'{"next_by_subj":"s.c.d"}',
)


@pytest.mark.parametrize("per_subject", [-1, 20])
@on_loop
async def test_the_compiled_answers_are_those_of_the_long_way(
    tmp_path: Path, per_subject: int
) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await filled(server, client, max_msgs_per_subject=per_subject)
        desk, compiled = desk_of(server), 0
        for body in BODIES:
            long_way = body.rstrip()[:-1] + b"," + LONG_WAY + b"}"
            before = desk.answered
            expected = await ask(client, "S", long_way)
            assert desk.answered == before, long_way
            assert await ask(client, "S", body) == expected, body
            compiled += desk.answered - before
        assert compiled >= len(BODIES) - 6
        await client.close()


@on_loop
async def test_the_last_message_of_a_subject_is_found_by_the_subject_of_the_request(
    tmp_path: Path,
) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await filled(server, client)
        desk = desk_of(server)
        for subject in ("s.a", "s.b", "s.c.d", "s.none", "none"):
            before = desk.answered
            expected = await ask(client, f"S.{subject}", b"{%s}" % LONG_WAY)
            assert desk.answered == before
            assert await ask(client, f"S.{subject}", b"") == expected
            # The last one of `s.b` is gone, so the one before it has to be looked for.
            assert desk.answered == before + (subject != "s.b")
        await client.close()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"{}", b"null", b'{"seq":0}', b'{"seq":-1}', b'{"seq":01}', b'{"seq":1.0}',
        b'{"seq":1,"seq":2}', b'{"seq":1}x', b'{"seq":1,}', b'{"seq":"1"}', b'{"Seq":1}',
        b'{"seq":99999999999999999999}', b'{"seq":1,"last_by_subj":"s.a"}', b'{"last_by_subj":""}',
        b'{"last_by_subj":"s.\\u0061"}', b'{"last_by_subj":"s.\xc3\xa4"}', b'{"seq":1,"batch":2}',
        b'{"seq":1,"no_hdr":true}', b'{"seq" 1}', b'{"seq":1', b'{"last_by_subj":"s.a',
        b'[{"seq":1}]', b'{"seq":1' + b" " * 1024 + b"}",
    ],
)  # fmt: skip
@on_loop
async def test_an_unusual_request_takes_the_long_way(tmp_path: Path, body: bytes) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await filled(server, client)
        await ask(client, "S", body)
        assert desk_of(server).answered == 0
        await client.close()


@on_loop
async def test_only_a_stream_that_allows_it_and_still_exists_answers(tmp_path: Path) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await filled(server, client)
        desk = desk_of(server)
        config = (await api(client, "STREAM.INFO.S"))["config"]

        async def answers() -> bool:
            before = desk.answered
            try:
                data, _ = await ask(client, "S.s.a", b"")
            except NoRespondersError:
                assert desk.answered == before
                return False
            assert data == b"message 27"
            return desk.answered > before

        assert await answers()
        await api(client, "STREAM.UPDATE.S", {**config, "allow_direct": False})
        assert not await answers()
        await api(client, "STREAM.UPDATE.S", config)
        assert await answers()
        await api(client, "STREAM.DELETE.S")
        assert not await answers()
        await client.close()


@on_loop
async def test_a_get_waits_for_the_earlier_requests_of_its_client(tmp_path: Path) -> None:
    async with jetstream_server(tmp_path) as server:
        client, other = await connect(server.client_url), await connect(server.client_url)
        await filled(server, client)
        turns, desk = server.state.turns, desk_of(server)
        slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def waiting() -> Steps[None]:
            yield slow

        connection = min(server.state.clients(), key=lambda each: each.cid)
        turns.start("$G", connection, waiting())
        got = asyncio.ensure_future(ask(client, "S", b'{"seq":1}'))
        assert (await ask(other, "S", b'{"seq":1}'))[0] == b"message 0"
        await client.publish("unrelated")
        await client.flush()
        assert desk.answered == 1
        assert not got.done()
        slow.set_result(None)
        assert (await got)[0] == b"message 0"
        while turns.jobs:
            await next_turn()
        await ask(client, "S", b'{"seq":1}')
        assert desk.answered == 2
        await client.close()
        await other.close()


@on_loop
async def test_a_message_whose_block_is_not_in_memory_is_read_first(tmp_path: Path) -> None:
    async with jetstream_server(tmp_path) as server:
        client = await connect(server.client_url)
        await filled(server, client, storage="file")
        store: Any = account_of(server).streams["S"].store
        block = store.blocks[0]
        store.flush()
        store.roll_block()
        block.unload()
        body = json.dumps({"seq": 4}).encode()
        assert (await ask(client, "S", body))[0] == b"message 3"
        assert desk_of(server).answered == 0
        assert (await ask(client, "S", body))[0] == b"message 3"
        assert desk_of(server).answered == 1
        await client.close()
