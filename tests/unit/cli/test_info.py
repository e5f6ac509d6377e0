"""INFO as no server sends it, or as one of thousands of servers."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from nats.errors import ProtocolError
from pynats_cli.connect.natspy.client import PatchedClient
from pynats_cli.connect.natspy.info import POOL_MAX, InfoError, check_info

from tests.support.deadline import wait_until_async

BAD: list[tuple[object, str]] = [
    ([], "it is not a JSON object"), (None, "it is not a JSON object"),
    ({"max_payload": "lots"}, "max_payload"), ({"max_payload": 1e300}, "max_payload"),
    ({"max_payload": True}, "max_payload"), ({"nonce": 5}, "nonce"), ({"version": {}}, "version"),
    ({"tls_required": "no"}, "tls_required"), ({"connect_urls": {}}, "connect_urls"),
    ({"connect_urls": [5]}, "connect_urls"), ({"connect_urls": ["[::1"]}, "connect_urls"),
]  # fmt: skip


async def greeted(line: bytes, later: bytes = b"") -> PatchedClient:
    """A client that a server has greeted in this way; `later` is said after that."""

    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line + b"\r\n")
        with suppress(ConnectionError):
            while await reader.readline():
                writer.write(b"PONG\r\n" + later)
        writer.close()
        served.set()

    async def on_error(error: Exception) -> None:
        """nats-py would log it."""

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = PatchedClient()
    try:
        await client.connect(
            f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            allow_reconnect=False,
            error_cb=on_error,
        )
        if later:
            await wait_until_async(lambda: client.is_closed, "the client has given up")
    finally:
        await client.close()
        await served.wait()
        server.close()
    return client


def info(fields: object) -> bytes:
    return b"INFO " + json.dumps(fields).encode()


@pytest.mark.parametrize(("fields", "what"), BAD)
def test_fields_of_wrong_types(fields: object, what: str) -> None:
    with pytest.raises(InfoError) as caught:
        asyncio.run(greeted(info(fields)))
    assert str(caught.value) == f"nats: malformed INFO of the server: {what}"


def test_after_the_first_one_too() -> None:
    client = asyncio.run(greeted(info({}), info({"max_payload": "lots"}) + b"\r\n"))
    assert isinstance(client.lost_by, ProtocolError)


def test_what_is_null_is_not_said() -> None:
    client = asyncio.run(greeted(info({"max_payload": None, "connect_urls": None, "xkey": None})))
    assert client.max_payload > 0 and client.info == {"xkey": None}


def test_a_greeting_of_thousands_of_servers() -> None:
    urls = [f"10.0.{number // 250}.{number % 250}:4222" for number in range(3000)]
    client = asyncio.run(greeted(info({"connect_urls": [*urls, *urls]})))
    assert sorted(client.info["connect_urls"]) == sorted(urls)


def test_a_greeting_without_an_end() -> None:
    with pytest.raises(ProtocolError, match="a line of the server is longer than 4194304 bytes"):
        asyncio.run(greeted(bytes(5 * 1024 * 1024)))


def test_addresses_that_are_too_many_are_forgotten() -> None:
    said: dict[str, Any] = {"connect_urls": ["a:1", "b:1", *map(str, range(2 * POOL_MAX))]}
    check_info(said, {"a:1"})
    assert len(said["connect_urls"]) == POOL_MAX - 1 and said["connect_urls"][0] == "b:1"
