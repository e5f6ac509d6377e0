"""A stream with messages, of an own name for each test: the server is shared."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

import pytest
import rich.table  # noqa: F401
import typer.main  # noqa: F401 - all of these are imported before forking

from tests.cli.conftest import Cli, Result
from tests.support.jetstream import api, connect

_NUMBERS = count(1)


class Stage:
    """`pynats` and a stream `stream` with 14 messages on `<stream>.a`."""

    def __init__(self, cli: Cli, stream: str) -> None:
        self.cli = cli
        self.stream = stream

    def run(self, *words: str) -> Result:
        """`pynats consumer WORDS`; `S` is the stream."""
        return self.cli.run("consumer", *(self.stream if word == "S" else word for word in words))

    def done(self, *words: str) -> str:
        """The same, which has to work; what it printed."""
        result = self.run(*words)
        assert result.code == 0, result.err
        return result.out

    def failed(self, *words: str) -> str:
        """The same, which has to fail in one line and print nothing else; that line."""
        result = self.run(*words)
        assert result.code == 1, result.out
        assert result.out == ""
        assert result.err.startswith("pynats: error: ") and result.err.count("\n") == 1, result.err
        return result.err.removeprefix("pynats: error: ").rstrip()

    def info(self, consumer: str) -> dict[str, Any]:
        """What the server says of a consumer."""
        found: dict[str, Any] = json.loads(self.done("info", "S", consumer, "--json"))
        return found


@pytest.fixture
def stage(stream_cli: Cli) -> Stage:
    made = Stage(stream_cli, f"CON{next(_NUMBERS)}")

    async def prepare() -> None:
        client = await connect(stream_cli.environment["NATS_URL"])
        try:
            config = {"name": made.stream, "subjects": [f"{made.stream}.>"], "storage": "memory"}
            answer = await api(client, f"STREAM.CREATE.{made.stream}", config)
            assert "error" not in answer, answer
            for number in range(1, 15):
                await client.request(f"{made.stream}.a", b"hello %d" % number)
        finally:
            await client.close()

    asyncio.run(prepare())
    return made
