"""A server on which account D copies streams of account A: what A exports of its JetStream, D
imports, as https://docs.nats.io/nats-concepts/jetstream/source_and_mirror has it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.stream.copying.distant import Distant
from pynats_server.jetstream.stream.copying.follower import Follower
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    JetStreamOptions,
    Options,
    ServiceExport,
    ServiceImport,
    StreamExport,
    StreamImport,
    User,
)
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import PatientClient, connect

Json = dict[str, Any]
FLOW = "$JS.FC.>"
ODD = "odd.>"
"""Where a client of A answers instead of its JetStream; in D it is the API JS.ODD."""


def sharing_options(folder: Path, domain: str = "", more: tuple[str, ...] = ()) -> Options:
    """A has the origins, D the copies. A exports `more` services, too."""
    exporter = AccountOptions(
        users=[User(user="a", password="p")],
        jetstream=AccountLimits(),
        service_exports=[
            ServiceExport("$JS.API.>", response="stream"),
            *(ServiceExport(each) for each in (FLOW, ODD, *more)),
        ],
        stream_exports=[StreamExport("dlv.>")],
    )
    importer = AccountOptions(
        users=[User(user="d", password="p")],
        jetstream=AccountLimits(),
        service_imports=[
            ServiceImport("A", "$JS.API.>", to="JS.A.>"),
            ServiceImport("A", ODD, to="JS.ODD.>"),
            ServiceImport("A", FLOW),
        ],
        stream_imports=[StreamImport("A", "dlv.>")],
    )
    return Options(
        host="127.0.0.1",
        port=-1,
        jetstream=JetStreamOptions(enabled=True, store_dir=folder, domain=domain),
        accounts={"A": exporter, "D": importer},
    )


def origin_of_a(api: str = "JS.A") -> Json:
    """Stream O of A, as a configuration in D names it."""
    return {"name": "O", "external": {"api": api, "deliver": "dlv"}}


def copying(how: str, api: str = "JS.A") -> Json:
    """The part of a configuration that makes a stream a mirror, or one with a source."""
    return {"mirror": origin_of_a(api)} if how == "mirror" else {"sources": [origin_of_a(api)]}


each_way = pytest.mark.parametrize("how", ["mirror", "source"])


class Scene:
    """A server with clients of both accounts."""

    def __init__(self, server: Server, a: PatientClient, d: PatientClient) -> None:
        self.server, self.a, self.d = server, a, d

    def stream(self, account: str, name: str) -> Stream:
        assert self.server.state.jetstream is not None
        found = self.server.state.jetstream.accounts[account].streams[name]
        assert isinstance(found, Stream)
        return found

    def follower(self, name: str = "M") -> Follower:
        """What copies into a stream of D."""
        found = self.stream("D", name).following
        return found.mirror or found.sources[0]

    def reader(self, name: str = "M") -> Distant:
        """What reads for it."""
        found = self.follower(name)._distant
        assert found is not None
        return found

    async def make(self, client: Client, name: str, **config: Any) -> None:
        await ask(client, f"STREAM.CREATE.{name}", name=name, **config)

    async def begin(self, how: str, count: int = 0, name: str = "M", **config: Any) -> None:
        """O in A, `count` messages there, and a stream of D that has copied them."""
        await self.make(self.a, "O", **{"subjects": ["o"], **config})
        await self.make(self.d, name, **copying(how))
        await self.publish(count)
        await self.until_copied(list(range(count)), name)

    async def publish(self, count: int, start: int = 0, size: int = 0) -> None:
        for number in range(start, start + count):
            await self.a.publish("o", b"%d " % number + b"x" * size)
        await self.a.flush()

    async def until_copied(self, numbers: list[int], name: str = "M") -> None:
        stream = self.stream("D", name)
        await wait_until_async(lambda: stream.store.msgs >= len(numbers), f"{name} has all")
        assert bodies(stream) == numbers


def bodies(stream: Stream) -> list[int]:
    """What a stream holds, in order."""
    store = stream.store
    found = (store.load(seq) for seq in range(store.first_seq, store.last_seq + 1))
    return [int(each.payload.split()[0]) for each in found if each is not None]


async def ask(client: Client, subject: str, prefix: str = "$JS.API", **body: Any) -> Json:
    """What the API answers, which is no error."""
    payload = json.dumps(body).encode() if body else b""
    reply = await client.request(f"{prefix}.{subject}", payload, timeout=PATIENCE_S)
    found: Json = json.loads(reply.data)
    assert "error" not in found, found
    return found


@contextlib.asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Scene]:
    """The server and its clients, for as long as the block lasts."""
    server = Server(sharing_options(folder))
    await server.start()
    a = await connect(server.client_url, user="a", password="p")
    d = await connect(server.client_url, user="d", password="p")
    try:
        yield Scene(server, a, d)
    finally:
        await a.close()
        await d.close()
        await server.shutdown()
