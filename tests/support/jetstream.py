"""Servers with streams inside the test, and a client that is in no hurry.

The client library gives a reply half a second; a busy disk may take longer for one fsync, and then
a test would fail that proves something else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_server.options import JetStreamOptions, Options
from pynats_server.server.server import Server

REPLY_TIMEOUT_S = 20.0


class PatientClient(Client):
    """The library's client, waiting up to `REPLY_TIMEOUT_S` for replies and flushes."""

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = REPLY_TIMEOUT_S,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        return await super().request(subject, payload, timeout, old_style, headers)

    async def flush(self, timeout: int = int(REPLY_TIMEOUT_S)) -> None:
        await super().flush(timeout)


async def connect(url: str, **options: Any) -> PatientClient:
    """A connected client; the caller closes it."""
    client = PatientClient()
    await client.connect(url, connect_timeout=int(REPLY_TIMEOUT_S), **options)
    return client


def jetstream_server(folder: Path, **options: Any) -> Server:
    """A server, not started, with its streams in `folder`; `options` are JetStream's."""
    jetstream = JetStreamOptions(enabled=True, store_dir=folder, **options)
    return Server(Options(host="127.0.0.1", port=-1, jetstream=jetstream))


async def api(client: Client, subject: str, body: Any = None) -> dict[str, Any]:
    """The answer to a request of `$JS.API.<subject>`; the body is sent as JSON, None as nothing."""
    payload = b"" if body is None else json.dumps(body).encode()
    reply = await client.request(f"$JS.API.{subject}", payload, timeout=REPLY_TIMEOUT_S)
    found: dict[str, Any] = json.loads(reply.data)
    return found
