"""A server with everything on, in this process, for pages that show what one answers."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from pynats_server import (
    AccountLimits,
    AccountOptions,
    HttpAuth,
    JetStreamOptions,
    Options,
    Server,
    User,
)

T = TypeVar("T")
PASSWORD: Final = "secret"
TOKEN: Final = "token"


def served(scenario: Callable[[Server], Awaitable[T]], **settings: Any) -> T:
    """What the scenario finds out, asked of a server with two accounts, JetStream, monitoring that
    wants a token, and a limit of connections."""

    async def run(folder: Path) -> T:
        options = Options(
            host="127.0.0.1",
            port=-1,
            http_host="127.0.0.1",
            http_port=-1,
            server_name="n1",
            http_auth=HttpAuth(token=TOKEN),
            jetstream=JetStreamOptions(
                enabled=True, store_dir=folder, max_memory=1 << 30, max_file=10 << 30
            ),
            accounts={
                "SHOP": AccountOptions(
                    users=[User("web", PASSWORD)], jetstream=AccountLimits(max_storage=1 << 30)
                ),
                "LOGS": AccountOptions(users=[User("agent", PASSWORD)]),
            },
            **settings,
        )
        async with Server(options, log=None) as server:
            return await scenario(server)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


class Client:
    """A client that speaks the protocol by hand, so that its INFO and figures are always the
    same."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, server: Server, user: str, name: str) -> Client:
        """Connects and logs in."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        client = cls(reader, writer)
        await reader.readline()  # INFO
        connect = {
            "verbose": False, "pedantic": False, "user": user, "pass": PASSWORD, "name": name,
            "lang": "python3", "version": "2.16.0", "protocol": 1, "headers": True,
            "no_responders": True,
        }  # fmt: skip
        await client.say(f"CONNECT {json.dumps(connect)}\r\n")
        return client

    async def say(self, text: str) -> None:
        """Sends protocol, and returns when the server has done it."""
        self._writer.write(text.encode() + b"PING\r\n")
        while await self._reader.readline() not in (b"PONG\r\n", b""):
            pass

    async def ask(self, subject: str, body: str = "") -> dict[str, Any]:
        """The answer to one request of the JetStream API."""
        self._writer.write(f"SUB _INBOX.1 9\r\nUNSUB 9 1\r\nPUB {subject} _INBOX.1 {len(body)}\r\n"
                           f"{body}\r\n".encode())  # fmt: skip
        while not (line := await self._reader.readline()).startswith((b"MSG _INBOX", b"HMSG")):
            assert line, subject
        size = int(line.split()[-1])
        found: dict[str, Any] = json.loads(await self._reader.readexactly(size))
        await self._reader.readline()
        assert "error" not in found, found
        return found

    def close(self) -> None:
        self._writer.close()


async def busy(server: Server) -> list[Client]:
    """Clients of an account with a stream, its consumer, and some messages."""
    web = await Client.of(server, "web", "shop")
    await web.ask(
        "$JS.API.STREAM.CREATE.ORDERS",
        json.dumps({"name": "ORDERS", "subjects": ["orders.>"], "storage": "file",
                    "num_replicas": 1}),
    )  # fmt: skip
    await web.ask(
        "$JS.API.CONSUMER.CREATE.ORDERS.worker",
        json.dumps({"stream_name": "ORDERS", "config": {"durable_name": "worker", "name": "worker",
                    "ack_policy": "explicit"}}),
    )  # fmt: skip
    for number in range(3):
        await web.ask(f"orders.{number}", "hello")
    await web.say("SUB prices.* pricing 1\r\n")
    agent = await Client.of(server, "agent", "collector")
    await agent.say("SUB logs.> 1\r\n")
    return [web, agent]


async def get(server: Server, path: str) -> tuple[int, str]:
    """Status and body of a monitoring request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())  # fmt: skip
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if b"chunked" in head.lower():
        body = _unchunked(body)
    return int(head.split()[1]), body.decode()


def _unchunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        found += rest[:length]
        body = rest[length + 2 :]
    return found
