"""Reading a stream in order, from a server that is not honest about it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.msg import Msg
from pynats_cli.errors import CliError
from pynats_cli.jetstream.reading import Reading


async def read(*replies: str) -> list[int]:
    """The sequences of messages that are delivered with these subjects to reply to."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    for reply in replies:
        arrived.put_nowait(Msg(None, "$KV.B.k", reply, b"v"))

    async def publish(*_: Any, **__: Any) -> None:
        pass

    client = SimpleNamespace(max_payload=1, publish=publish)
    session: Any = SimpleNamespace(client=client, jetstream_prefix=lambda: "$JS.API")
    reading = Reading(session, "S", {}, _name="c")
    found: list[int] = []
    async for message in reading._pull(arrived, "in"):
        assert message is not None
        found.append(message.sequence)
        if len(found) == len(replies):
            break
    return found


def delivered(sequence: object, count: int) -> str:
    return f"$JS.ACK.S.c.1.{sequence}.{count}.1764460800000000000.0"


def test_sequences_that_grow() -> None:
    assert asyncio.run(read(delivered(3, 1), delivered(7, 2))) == [3, 7]


@pytest.mark.parametrize("second", [1, 3])
def test_sequences_that_go_back(second: int) -> None:
    with pytest.raises(CliError, match=f"reading the stream failed: {second} comes after 3"):
        asyncio.run(read(delivered(3, 1), delivered(second, 2)))


@pytest.mark.parametrize("number", ["-1", "9" * 5000, "٣", ""])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(CliError, match="reading the stream failed: no message"):
        asyncio.run(read(delivered(number, 1)))
