"""Embedded servers with streams, and a client with long time-outs.

The client library waits half a second for a reply. One fsync on a busy disk may take longer, and
must not fail a test about something else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_server.jetstream.folders import root
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.options import JetStreamOptions, Options
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, wait_until_async


class PatientClient(Client):
    """The library's client, waiting up to `PATIENCE_S` for replies and flushes."""

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = PATIENCE_S,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        return await super().request(subject, payload, timeout, old_style, headers)

    async def flush(self, timeout: int = int(PATIENCE_S)) -> None:
        await super().flush(timeout)


async def connect(url: str, **options: Any) -> PatientClient:
    """A connected client; the caller closes it."""
    client = PatientClient()
    try:
        await client.connect(url, connect_timeout=int(PATIENCE_S), **options)
    except BaseException:
        with contextlib.suppress(Exception):
            await client.close()  # a refused client does not do it itself
        raise
    return client


async def until_free(folder: Path) -> None:
    """Waits until no server has the folder."""

    def free() -> bool:
        try:
            root.take(folder).release()
        except root.StoreInUse:
            return False
        return True

    await wait_until_async(free, "the folder")


def jetstream_server(folder: Path, **options: Any) -> Server:
    """A server, not started, with its streams in `folder`; `options` are JetStream's."""
    jetstream = JetStreamOptions(enabled=True, store_dir=folder, **options)
    return Server(Options(host="127.0.0.1", port=-1, jetstream=jetstream))


@contextlib.asynccontextmanager
async def serving(folder: Path, **options: Any) -> AsyncIterator[tuple[Server, PatientClient]]:
    """A running server with its streams in `folder`, and a client of it; `options` are
    JetStream's."""
    server = jetstream_server(folder, **options)
    await server.start()
    client = await connect(server.client_url)
    try:
        yield server, client
    finally:
        await client.close()
        await server.shutdown()


async def api(client: Client, subject: str, body: Any = None) -> dict[str, Any]:
    """The answer to a request of `$JS.API.<subject>`; the body is sent as JSON, None as nothing."""
    payload = b"" if body is None else json.dumps(body).encode()
    reply = await client.request(f"$JS.API.{subject}", payload, timeout=PATIENCE_S)
    found: dict[str, Any] = json.loads(reply.data)
    return found


class HeldCommits:
    """Streams of this name do not learn that something has become durable, until `let_go`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._held: list[tuple[Stream, int]] = []
        self._monkeypatch = monkeypatch
        committed = Stream.committed

        def hold(stream: Stream, last_seq: int) -> None:
            if stream.name == name:
                self._held.append((stream, last_seq))
            else:
                committed(stream, last_seq)

        monkeypatch.setattr(Stream, "committed", hold)

    def let_go(self) -> None:
        self._monkeypatch.undo()
        for stream, last_seq in self._held:
            stream.committed(last_seq)
