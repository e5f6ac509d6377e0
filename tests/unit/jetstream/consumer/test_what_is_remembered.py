"""What is remembered from one message to the next (whose acknowledgement came last, who listens to
an inbox) does not outlive its truth."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.errors import NoRespondersError

from tests.support.jetstream import PatientClient, api, serving
from tests.support.on_loop import on_loop

Test = Callable[[PatientClient], Awaitable[None]]


async def with_stream(folder: Path, test: Test) -> None:
    """A stream S with six messages, and consumers c and cc of it."""
    async with serving(folder) as (_, client):
        assert "error" not in await api(
            client, "STREAM.CREATE.S", {"name": "S", "subjects": ["s.>"]}
        )
        for name in ("c", "cc"):
            config = {"durable_name": name, "ack_policy": "explicit"}
            made = await api(
                client, f"CONSUMER.CREATE.S.{name}", {"stream_name": "S", "config": config}
            )
            assert "error" not in made
        for _ in range(6):
            await client.request("s.a")
        await test(client)


async def fetch(client: PatientClient, name: str, count: int) -> list[Any]:
    waiting = await client.subscribe(f"in.{name}")
    body = json.dumps({"batch": count}).encode()
    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.S.{name}", body, reply=f"in.{name}")
    return [await waiting.next_msg(timeout=30) for _ in range(count)]


async def unacked(client: PatientClient, name: str) -> int:
    return int((await api(client, f"CONSUMER.INFO.S.{name}"))["num_ack_pending"])


@on_loop
async def test_an_acknowledgement_is_of_the_consumer_that_its_subject_names(tmp_path: Path) -> None:
    async def test(client: PatientClient) -> None:
        one, other = await fetch(client, "c", 3), await fetch(client, "cc", 3)
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True), 1):
            await client.request(mine.reply, b"+ACK")
            assert await unacked(client, "c") == 3 - number
            await client.request(theirs.reply, b"+ACK")
            assert await unacked(client, "cc") == 3 - number

    await with_stream(tmp_path, test)


@on_loop
async def test_odd_acknowledgements_mean_the_same_after_plain_ones(tmp_path: Path) -> None:
    async def test(client: PatientClient) -> None:
        messages = await fetch(client, "c", 3)
        await client.request(messages[0].reply, b"+ACK")
        head, _, numbers = messages[1].reply.rpartition(".c.")
        count, seq, delivery, time, pending = numbers.split(".")
        for tokens in (
            (count, seq, delivery, time),
            (count, seq, delivery, time, pending, "x"),
            (count, seq),
        ):
            with pytest.raises(NoRespondersError):
                await client.request(f"{head}.c.{'.'.join(tokens)}", b"+ACK")
        for tokens in (
            (count, "x" + seq, delivery, time, pending),
            (count, "9" * 18 + seq, delivery, time, pending),
        ):
            await client.publish(f"{head}.c.{'.'.join(tokens)}", b"+ACK")
        assert await unacked(client, "c") == 2
        await client.request(f"{head}.c.{count}.{seq}.{delivery}.x.y", b"+ACK")
        assert await unacked(client, "c") == 1

    await with_stream(tmp_path, test)


@on_loop
async def test_nobody_listens_for_acknowledgements_of_a_consumer_that_went(
    tmp_path: Path,
) -> None:
    async def test(client: PatientClient) -> None:
        first, second = await fetch(client, "c", 2)
        await client.request(first.reply, b"+ACK")
        await api(client, "CONSUMER.DELETE.S.c")
        with pytest.raises(NoRespondersError):
            await client.request(second.reply, b"+ACK")

    await with_stream(tmp_path, test)


@on_loop
async def test_the_rest_of_a_pull_goes_to_who_listens_now(tmp_path: Path) -> None:
    async def test(client: PatientClient) -> None:
        plain = await client.subscribe("box")
        body = json.dumps({"batch": 9}).encode()
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c", body, reply="box")
        for _ in range(6):
            await plain.next_msg(timeout=30)
        wild = await client.subscribe("*")
        await client.request("s.a")
        assert (await wild.next_msg(timeout=30)).subject == "s.a"
        await plain.next_msg(timeout=30)
        await plain.unsubscribe()
        await client.request("s.b")
        assert (await wild.next_msg(timeout=30)).subject == "s.b"

    await with_stream(tmp_path, test)
