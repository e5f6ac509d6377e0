"""A server that fails in one way: it greets nobody, answers nothing, or goes away.

Runs in a process of its own (`FailingServer`), one port for each way.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from types import TracebackType

SILENT = "silent"  # accepts connections and says nothing
DEAF = "deaf"  # takes all, answers pings only
MUTE = "mute"  # answers the first ping and nothing more
LEAVING = "leaving"  # closes at the first message or subscription, and lets nobody back
REVOKING = "revoking"  # the same, saying why
WAYS = (SILENT, DEAF, MUTE, LEAVING, REVOKING)

INFO = {
    "server_id": "F", "server_name": "f", "version": "2.15.1", "proto": 1, "headers": True,
    "host": "127.0.0.1", "port": 1, "max_payload": 1_048_576, "jetstream": True, "client_id": 1,
}  # fmt: skip
WORK = (b"PUB", b"HPUB", b"SUB")


class FailingServer:
    """The process. `ports` has a port for each way. In `folder` it makes a file when a connection
    was accepted (`silent`), or of its name when the connection asked for something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(reading)
                asyncio.run(_serve(writing, folder))
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            self.ports: dict[str, int] = json.loads(pipe.readline())

    def __enter__(self) -> FailingServer:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def url(self, way: str) -> str:
        return f"nats://127.0.0.1:{self.ports[way]}"


async def _serve(told: int, folder: Path) -> None:
    ports = {}
    for way in WAYS:
        server = await asyncio.start_server(_Peer(way, folder).connected, "127.0.0.1", 0)
        ports[way] = server.sockets[0].getsockname()[1]
    os.write(told, json.dumps(ports).encode() + b"\n")
    os.close(told)
    await asyncio.Event().wait()


class _Peer:
    def __init__(self, way: str, folder: Path) -> None:
        self._way, self._folder = way, folder
        self._left: set[str] = set()  # names of connections that lost the server

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._way == SILENT:
                (self._folder / SILENT).touch()
                await reader.read()
            else:
                writer.write(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
                await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, greeted = "", False
        while line := await reader.readline():
            verb, *words = line.split()
            if verb == b"CONNECT":
                name = json.loads(line.split(b" ", 1)[1])["name"]
                if name in self._left:
                    return
            elif verb == b"PING":
                if self._way != MUTE or not greeted:
                    writer.write(b"PONG\r\n")
                greeted = True
            if verb not in WORK:
                continue
            (self._folder / name).touch()
            if verb != b"SUB":
                await reader.readexactly(int(words[-1]) + 2)
            if self._way in (LEAVING, REVOKING):
                self._left.add(name)
                if self._way == REVOKING:
                    writer.write(b"-ERR 'User Authentication Revoked'\r\n")
                return
