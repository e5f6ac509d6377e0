"""Buckets and object stores of another account, or of a domain, through the client library: what
clients make of a prefix or a domain works as in the account that has them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js.api import ExternalStream, KeyValueConfig, StreamConfig, StreamSource
from nats.js.client import JetStreamContext
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from pynats_server.options import (
    AccountOptions,
    Options,
    ServiceImport,
    StreamExport,
    StreamImport,
    User,
)
from pynats_server.server.server import Server

from tests.support.copying import sharing_options
from tests.support.deadline import wait_until_async
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop

INBOX = "_INBOX_B"
SERVICES = ("$JS.ACK.>", "$JS.FC.>", "$KV.>", "$O.>")


def options(folder: Path) -> Options:
    """A has the streams; B and D take its API, and D has streams of its own."""
    made = sharing_options(folder, "hub", ("$JS.ACK.>", "$KV.>", "$O.>"))
    made.accounts["A"].stream_exports.append(StreamExport(f"{INBOX}.>"))
    made.accounts["B"] = AccountOptions(
        users=[User(user="b", password="p")],
        service_imports=[
            ServiceImport("A", "$JS.API.>", to="JS.A.>"),
            *(ServiceImport("A", each) for each in SERVICES),
        ],
        stream_imports=[StreamImport("A", f"{INBOX}.>")],
    )
    return made


@contextlib.asynccontextmanager
async def clients(folder: Path) -> AsyncIterator[dict[str, Client]]:
    """One of each account."""
    server = Server(options(folder))
    await server.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.shutdown)
        made: dict[str, Client] = {}
        for name in "abd":
            inbox = {"inbox_prefix": INBOX} if name == "b" else {}
            made[name] = await connect(server.client_url, user=name, password="p", **inbox)
            stack.push_async_callback(made[name].close)
        yield made


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "import": ("b", {"prefix": "JS.A"}),
    "domain": ("a", {"domain": "hub"}),
}
each_way = pytest.mark.parametrize("way", WAYS)


def context(made: dict[str, Client], way: str) -> JetStreamContext:
    who, how = WAYS[way]
    return made[who].jetstream(**how)


@each_way
@on_loop
async def test_a_bucket(way: str, tmp_path: Path) -> None:
    async with clients(tmp_path) as made:
        bucket = await context(made, way).create_key_value(KeyValueConfig("K", history=3))
        first = await bucket.put("x", b"one")
        assert await bucket.put("x", b"two") == first + 1
        assert (await bucket.get("x")).value == b"two"
        with pytest.raises(KeyWrongLastSequenceError):
            await bucket.update("x", b"three", first)
        assert await bucket.update("x", b"three", first + 1) == first + 2
        await bucket.put("y", b"")
        watcher = await bucket.watchall()
        seen = []
        while (entry := await watcher.updates(timeout=10)) is not None:
            seen.append((entry.key, entry.value))
        assert seen == [("x", b"three"), ("y", b"")]
        assert [each.value for each in await bucket.history("x")] == [b"one", b"two", b"three"]
        assert sorted(await bucket.keys()) == ["x", "y"]
        await bucket.delete("x")
        entry = await watcher.updates(timeout=10)
        assert entry is not None and (entry.key, entry.operation) == ("x", "DEL")
        await watcher.stop()
        with pytest.raises(KeyNotFoundError):
            await bucket.get("x")
        await bucket.purge("y")
        owner = await made["a"].jetstream().key_value("K")
        assert (await owner.status()).values == 4
        assert await context(made, way).delete_key_value("K")


@each_way
@on_loop
async def test_an_object_store(way: str, tmp_path: Path) -> None:
    async with clients(tmp_path) as made:
        store = await context(made, way).create_object_store("S")
        content = bytes(range(256)) * 2000  # several chunks
        await store.put("file", content)
        assert (await store.get("file")).data == content
        assert [each.name for each in await store.list()] == ["file"]
        owner = await made["a"].jetstream().object_store("S")
        assert (await owner.get("file")).data == content
        await store.delete("file")


@on_loop
async def test_a_pull_subscription_and_acknowledgements(tmp_path: Path) -> None:
    async with clients(tmp_path) as made:
        js = context(made, "import")
        await js.add_stream(name="O", subjects=["$KV.o"])
        bodies = [b"0", b"1", b"", b"3", b"4"]  # an empty one ends the answers of other services
        for number, body in enumerate(bodies):
            ack = await js.publish("$KV.o", body)
            assert (ack.stream, ack.domain, ack.seq) == ("O", "hub", number + 1)
        subscription = await js.pull_subscribe("$KV.o", "C", stream="O")
        messages = await subscription.fetch(5, timeout=10)
        assert [each.data for each in messages] == bodies
        for message in messages:
            await message.ack_sync(timeout=10)
        found = await js.consumer_info("O", "C")
        assert (found.num_ack_pending, found.num_pending) == (0, 0)


@on_loop
async def test_an_ordered_subscription(tmp_path: Path) -> None:
    async with clients(tmp_path) as made:
        js = context(made, "import")
        await js.add_stream(name="O", subjects=["$KV.o"])
        for number in range(200):
            await js.publish("$KV.o", b"%d" % number)
        subscription = await js.subscribe("$KV.o", stream="O", ordered_consumer=True)
        found = [int((await subscription.next_msg(timeout=10)).data) for _ in range(200)]
        assert found == list(range(200))


@on_loop
async def test_a_mirror_of_a_bucket_of_another_account(tmp_path: Path) -> None:
    async with clients(tmp_path) as made:
        bucket = await made["a"].jetstream().create_key_value(KeyValueConfig("K"))
        await bucket.put("x", b"one")
        js = made["d"].jetstream()
        origin = StreamSource("KV_K", external=ExternalStream(api="JS.A", deliver="dlv.k"))
        await js.add_stream(
            StreamConfig(
                name="KV_K", max_msgs_per_subject=1, mirror=origin, allow_direct=True,
                mirror_direct=True,
            )
        )  # fmt: skip
        copy = await js.key_value("K")

        async def has(value: bytes) -> bool:
            with contextlib.suppress(KeyNotFoundError):
                return (await copy.get("x")).value == value
            return False

        await wait_until_async(lambda: has(b"one"), "the copy")
        await bucket.put("x", b"two")
        await wait_until_async(lambda: has(b"two"), "the next value")
        await bucket.delete("x")

        async def is_gone() -> bool:
            return not (await has(b"two"))

        await wait_until_async(is_gone, "the end of the key")
