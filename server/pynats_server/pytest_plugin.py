"""pytest fixtures: brokers on free ports, for tests that are functions or coroutines.

async def test_it(pynats_server):
    nc = await nats.connect(pynats_server.client_url)

Each is a `pynats_server.ThreadedServer`. Nothing of the broker is imported before a test asks for
one: this module is loaded in every run of pytest on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from pynats_server.auth.own import Verify
    from pynats_server.log.target import LogTarget
    from pynats_server.options import Options
    from pynats_server.threaded import ThreadedServer


class Factory(Protocol):
    """Starts brokers as `ThreadedServer` takes its arguments; all end with the test."""

    def __call__(
        self, options: Options | None = None, *, log: LogTarget = "warning",
        authenticator: Verify | None = None, **settings: Any,
    ) -> ThreadedServer: ...  # fmt: skip


def _running() -> Iterator[ThreadedServer]:
    from pynats_server.threaded import ThreadedServer

    with ThreadedServer() as server:
        yield server


@pytest.fixture
def pynats_server() -> Iterator[ThreadedServer]:
    """A running broker for the duration of a test, monitoring on."""
    yield from _running()


@pytest.fixture(scope="module")
def pynats_server_module() -> Iterator[ThreadedServer]:
    """A running broker that the tests of a module share."""
    yield from _running()


@pytest.fixture(scope="session")
def pynats_server_session() -> Iterator[ThreadedServer]:
    """A running broker that all tests share."""
    yield from _running()


@pytest.fixture
def pynats_server_factory() -> Iterator[Factory]:
    """`pynats_server_factory(jetstream=True)`: starts brokers with the test's own settings, on free
    ports, with temporary folders for their streams; all end with the test."""
    from pynats_server.threaded import ThreadedServer

    with ExitStack() as running:

        def start(options: Options | None = None, **arguments: Any) -> ThreadedServer:
            return running.enter_context(ThreadedServer(options, **arguments))

        yield start
