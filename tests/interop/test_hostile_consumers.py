"""Consumers whose users want the impossible, or the worst: nobody else notices, and counts stay
exact."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.consumer.delivery.pull.line import Pull
from pynats_server.jetstream.consumer.delivery.pull.requests import read_pull
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.jetstream import api, connect, jetstream_server

FOREVER_NS = 2**63 - 1


def played(folder: Path, play: Callable[[Server, Client], Awaitable[None]]) -> None:
    """Runs a play with a server and a client; nothing went wrong in the server."""

    async def run() -> None:
        async with jetstream_server(folder) as server:
            client = await connect(server.client_url)
            errors: list[str] = []
            server.state.log.error = errors.append  # type: ignore[method-assign]
            await play(server, client)
            await client.close()
            assert errors == []

    asyncio.run(run())


async def stream(client: Client, name: str, *subjects: str, **fields: Any) -> None:
    about = {"name": name, "subjects": subjects, **fields}
    assert "error" not in await api(client, f"STREAM.CREATE.{name}", about)


async def consumer(client: Client, name: str, of: str = "S", **fields: Any) -> dict[str, Any]:
    about = {"stream_name": of, "config": {"name": name, "ack_policy": "explicit", **fields}}
    made = await api(client, f"CONSUMER.CREATE.{of}.{name}", about)
    assert "error" not in made
    return made


async def pulled(client: Client, of: str, name: str, **fields: Any) -> list[Any]:
    """What a request brings, until its status."""
    inbox = client.new_inbox()
    found = await client.subscribe(inbox)
    body = json.dumps({"no_wait": True, "batch": 10_000, **fields}).encode()
    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{of}.{name}", body, reply=inbox)
    got = []
    while (message := await found.next_msg(PATIENCE_S)).reply:
        got.append(message)
    await found.unsubscribe()
    return got


@pytest.mark.parametrize("storage", ["memory", "file"])
@pytest.mark.parametrize("limits", [{}, {"max_msgs": 3}])
def test_a_consumer_delivers_into_its_own_stream(
    tmp_path: Path, storage: str, limits: dict[str, int]
) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s.>", storage=storage, **limits)
        await consumer(client, "C", max_ack_pending=500)
        for _ in range(3):
            await client.request("s.first", b"x" * 1000)
        ask = "$JS.API.CONSUMER.MSG.NEXT.S.C"
        await client.publish(ask, b"2000", reply="s.again")

        async def stands() -> bool:
            info = await api(client, "CONSUMER.INFO.S.C")
            return int(info["delivered"]["consumer_seq"]) >= 500 or bool(limits)

        await wait_until_async(stands, "as many as may wait for an acknowledgement")
        await api(client, "CONSUMER.PAUSE.S.C", {"pause_until": "2100-01-01T00:00:00Z"})
        about = await api(client, "STREAM.INFO.S")
        info = await api(client, "CONSUMER.INFO.S.C")
        assert info["num_pending"] == about["state"]["last_seq"] - info["delivered"]["stream_seq"]

    played(tmp_path, play)


def test_streams_that_feed_each_other_keep_nobody_waiting(tmp_path: Path) -> None:
    async def play(server: Server, client: Client) -> None:
        for name, other in (("A", "b"), ("B", "a")):
            await stream(client, name, name.lower(), storage="memory")
            await consumer(client, "C", name, deliver_subject=other, ack_policy="none")
        await client.publish("a", b"round and round")

        async def circles() -> bool:
            return int((await api(client, "STREAM.INFO.A"))["state"]["messages"]) > 100

        await wait_until_async(circles, "messages go round")
        for name in "AB":
            assert (await api(client, f"STREAM.DELETE.{name}"))["success"]

    played(tmp_path, play)


def test_what_is_delivered_to_the_api_does_not_disturb_its_delivery(tmp_path: Path) -> None:
    """The messages of this stream are requests for messages of its consumer."""

    async def play(server: Server, client: Client) -> None:
        ask = "$JS.API.CONSUMER.MSG.NEXT.S.C"
        await stream(client, "S", ask, no_ack=True, storage="memory")
        await consumer(client, "C", max_ack_pending=100)
        for _ in range(300):
            await client.publish(ask, b"")
        await client.publish(ask, b"200", reply=ask)

        async def full() -> bool:
            return bool((await api(client, "CONSUMER.INFO.S.C"))["num_ack_pending"] >= 100)

        await wait_until_async(full, "as many as may wait for an acknowledgement")
        about = await api(client, "STREAM.INFO.S")
        info = await api(client, "CONSUMER.INFO.S.C")
        assert info["delivered"]["stream_seq"] == info["delivered"]["consumer_seq"] == 100
        assert info["num_pending"] == about["state"]["messages"] - 100

    played(tmp_path, play)


@pytest.mark.parametrize("body", [b'-NAK {"delay":%d}' % FOREVER_NS, b"-NAK 2562047h47m16s"])
def test_a_refusal_for_ever_is_answered_and_holds(tmp_path: Path, body: bytes) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s")
        await client.request("s", b"")
        await consumer(client, "C")
        (message,) = await pulled(client, "S", "C")
        await client.request(message.reply, body)
        assert await pulled(client, "S", "C", no_wait=False, expires=1) == []
        assert (await api(client, "CONSUMER.INFO.S.C"))["num_ack_pending"] == 1

    played(tmp_path, play)


@pytest.mark.parametrize("waits", [{"ack_wait": FOREVER_NS}, {"backoff": [FOREVER_NS]}])
def test_whoever_waits_for_ever_gets_nothing_twice(tmp_path: Path, waits: dict[str, Any]) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s")
        await client.request("s", b"")
        await consumer(client, "C", **waits)
        assert len(await pulled(client, "S", "C")) == 1
        # The end of this request is when deadlines are looked at.
        assert await pulled(client, "S", "C", no_wait=False, expires=1_000_000) == []
        assert await pulled(client, "S", "C") == []

    played(tmp_path, play)


def test_a_request_may_wait_for_ever(tmp_path: Path) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s")
        await consumer(client, "C")
        found = await client.subscribe("in")
        body = json.dumps({"expires": FOREVER_NS, "idle_heartbeat": 2**61}).encode()
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", body, reply="in")
        await client.request("s", b"here")
        assert (await found.next_msg(PATIENCE_S)).data == b"here"

    played(tmp_path, play)


def test_a_pause_beyond_all_durations_is_told_as_the_longest(tmp_path: Path) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s")
        await consumer(client, "C")
        asked = {"pause_until": "9999-12-31T23:59:59Z"}
        told = await api(client, "CONSUMER.PAUSE.S.C", asked)
        assert told["pause_remaining"] == FOREVER_NS
        assert (await api(client, "CONSUMER.INFO.S.C"))["pause_remaining"] == FOREVER_NS

    played(tmp_path, play)


@pytest.mark.parametrize("body", [b'{"group":"\xff"}', b'{"id":""}', b"\xff\xfe"])
def test_a_request_is_read_whatever_its_bytes(tmp_path: Path, body: bytes) -> None:
    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s")
        await client.request("s", b"here")
        await consumer(client, "C")
        found = await client.subscribe("in")
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", body, reply="in")
        assert (await found.next_msg(PATIENCE_S)).data == b"here"

    played(tmp_path, play)


def test_heartbeats_have_a_shortest_interval() -> None:
    pull = Pull(b"in", read_pull(b'{"expires":1000000000,"idle_heartbeat":1}'), 1)
    assert pull.heartbeat_ns == 10_000_000
    assert pull.beat_at == 10_000_001


def test_what_each_subject_begins_with_is_exact_while_others_publish(tmp_path: Path) -> None:
    subjects = 3000

    async def play(server: Server, client: Client) -> None:
        await stream(client, "S", "s.>", max_msgs_per_subject=1)
        for number in range(subjects):
            await client.publish(f"s.{number}", b"old")
        await client.flush()
        server.state.turns.budget_ns = 1  # one slice in each pass of the loop
        making = asyncio.ensure_future(
            consumer(client, "C", deliver_policy="last_per_subject", filter_subject="s.>")
        )
        number = 0
        while not making.done():
            await client.publish(f"s.{number * 7 % subjects}", b"new")
            number += 1
            if number % 10 == 0:
                await client.flush()
            await next_turn()
        assert number > 20
        await making
        await client.flush()
        server.state.turns.budget_ns = 1_000_000
        left = (await api(client, "CONSUMER.INFO.S.C"))["num_pending"]
        await api(client, "CONSUMER.CREATE.S.C", {
            "stream_name": "S",
            "config": {
                "name": "C", "ack_policy": "explicit", "deliver_policy": "last_per_subject",
                "filter_subject": "s.>", "max_ack_pending": -1,
            },
        })  # fmt: skip
        got = await pulled(client, "S", "C")
        assert {message.subject for message in got} == {f"s.{n}" for n in range(subjects)}
        assert len(got) == left
        assert got[-1].metadata.num_pending == 0

    played(tmp_path, play)
