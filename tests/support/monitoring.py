"""A server in this process, and requests to its monitoring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import LogOptions, Options
from pynats_server.server.server import Server
from pynats_server.settings import SettingsError

from tests.support.deadline import PATIENCE_S

HOST = b"Host: x\r\n"


def serve(folder: Path, scenario: Callable[[Server], Awaitable[None]], **settings: Any) -> str:
    """Runs a scenario against a server; returns the log."""
    log = folder / "server.log"

    async def run() -> None:
        options = Options(
            host="127.0.0.1", port=-1, http_port=-1, log=LogOptions(log_file=log), **settings
        )
        async with Server(options) as server:
            await asyncio.wait_for(scenario(server), 3 * PATIENCE_S)

    asyncio.run(run())
    text = log.read_text()
    assert "Traceback" not in text
    return text


def fault_of(text: str, folder: Path) -> str:
    """The only fault of a configuration file, from its line on."""
    path = folder / "s.conf"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        Options.load(path)
    (shown,) = caught.value.errors
    assert shown.startswith(f"{path}:")
    return str(shown).removeprefix(f"{path}:")


async def exchange(server: Server, data: bytes, *, end: bool = True) -> bytes:
    """Sends bytes, and returns what comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]  # names in small letters
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


async def ask(server: Server, path: str, headers: bytes = b"", method: str = "GET") -> Answer:
    """One request on a connection of its own; `headers` are whole lines."""
    first = f"{method} {path} HTTP/1.1".encode()
    request = b"%b\r\n%b%bConnection: close\r\n\r\n" % (first, HOST, headers)
    head, _, body = (await exchange(server, request, end=False)).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    if b"chunked" in head:
        body = unchunked(body)
    return Answer(int(status.split()[1]), [(name.lower(), v) for name, _, v in pairs], body)


async def get(server: Server, path: str, headers: bytes = b"") -> tuple[int, bytes]:
    """Status and body of a request."""
    answer = await ask(server, path, headers)
    return answer.status, answer.body


def unchunked(body: bytes) -> bytes:
    """What a body means that was sent in chunks."""
    parts: list[bytes] = []
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return b"".join(parts)
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]


async def connect(server: Server, commands: bytes) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"pedantic":false}\r\n' + commands + b"PING\r\n")
    while await reader.readline() != b"PONG\r\n":
        pass
    return writer
