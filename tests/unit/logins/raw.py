"""Clients of a server that runs in the test's own loop, on raw bytes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from pynats_server.server.server import Server


@dataclass
class Connection:
    """A client on raw bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    told: str = ""

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def read_to_end(self) -> str:
        return (await self.reader.read()).decode()


async def log_in(server: Server, **credentials: Any) -> Connection:
    """A client that was let in, or told why not."""
    streams = await asyncio.open_connection("127.0.0.1", server.client_port)
    client = Connection(*streams)
    await client.reader.readline()
    names = {"token": "auth_token", "password": "pass"}
    said = {names.get(name, name): value for name, value in credentials.items()}
    client.writer.write(f"CONNECT {json.dumps(said | {'verbose': False})}\r\nPING\r\n".encode())
    client.told = (await client.reader.readline()).decode().strip()
    return client


async def is_in(server: Server, **credentials: Any) -> bool:
    client = await log_in(server, **credentials)
    await client.close()
    assert client.told in ("PONG", "-ERR 'Authorization Violation'")
    return client.told == "PONG"


def verdicts(server: Server) -> list[Any]:
    return [client.context.verdict for client in server.state.clients()]
