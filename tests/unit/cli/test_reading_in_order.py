"""Reading a stream in order, from a server that is not honest about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.msg import Msg
from pynats_cli.errors import CliError
from pynats_cli.jetstream import reading
from pynats_cli.jetstream.reading import Reading, Stored


async def read(*replies: str) -> list[int]:
    """The sequences of messages that are delivered with these subjects to reply to."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    for reply in replies:
        arrived.put_nowait(Msg(None, "$KV.B.k", reply, b"v"))

    async def publish(*_: Any, **__: Any) -> None:
        pass

    client = SimpleNamespace(max_payload=1, publish=publish)
    session: Any = SimpleNamespace(client=client, jetstream_prefix=lambda: "$JS.API")
    reader = Reading(session, "S", {}, _name="c")
    found: list[int] = []
    async for message in reader._pull(arrived, "in"):
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


class Losing(Reading):
    """A consumer that promises a message and is lost before it comes."""

    async def _created(self) -> int:
        return 1

    async def _pull(self, arrived: asyncio.Queue[Any], inbox: str) -> AsyncGenerator[Stored, None]:
        if self._count == 0:
            raise reading._Lost
        yield Stored("", 0, 0, (), b"")


def test_a_consumer_that_is_always_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_RECONNECTED_S", 0)

    async def subscribe(*_: Any, **__: Any) -> None:
        pass

    async def read_all() -> None:
        client = SimpleNamespace(subscribe=subscribe, is_closed=True)
        session: Any = SimpleNamespace(client=client, inbox="in")
        async for _ in Losing(session, "S", {}).messages():
            pass

    with pytest.raises(CliError, match="messages are missing"):
        asyncio.run(read_all())
