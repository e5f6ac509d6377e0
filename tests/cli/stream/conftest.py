"""Streams for the tests of `pynats stream`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Cli

Make = Callable[..., str]
Json = Callable[..., Any]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return re.sub(r"\W", "_", request.node.name)[:60]


@pytest.fixture
def run(stream_cli: Cli) -> Callable[..., str]:
    """Runs `pynats stream …`, which must succeed, and returns what it printed."""

    def run(*arguments: str, code: int = 0, **environment: str) -> str:
        result = stream_cli.run("stream", *arguments, **environment)
        assert result.code == code, (arguments, result)
        return result.out

    return run


@pytest.fixture
def fails(stream_cli: Cli) -> Callable[..., str]:
    """Runs `pynats stream …`, which must fail and print nothing but its error; the error."""

    def fails(*arguments: str, **environment: str) -> str:
        result = stream_cli.run("stream", *arguments, **environment)
        assert (result.code, result.out) == (1, ""), (arguments, result)
        return result.err.removeprefix("pynats: error: ").strip()

    return fails


@pytest.fixture
def read(run: Callable[..., str]) -> Json:
    """The one JSON document that a command prints with `--json`."""

    def read(*arguments: str, code: int = 0) -> Any:
        return json.loads(run(*arguments, "--json", code=code))

    return read


@pytest.fixture
def made(run: Callable[..., str], name: str) -> str:
    """An empty stream with the subjects `<name>.>`; its name."""
    run("add", name, "--subjects", f"{name}.>", "--defaults", "--storage", "memory")
    return name


@pytest.fixture
def filled(made: str, stream_cli: Cli) -> str:
    """A stream with m1, m2, m3 on .a, and m4 with a header on .b; its name."""
    first = stream_cli.run("pub", f"{made}.a", "m{{Count}}", "--count", "3", "-J", "-q")
    second = stream_cli.run("pub", f"{made}.b", "m4", "-J", "-q", "-H", "K: V")
    assert first.code == second.code == 0, (first, second)
    return made
