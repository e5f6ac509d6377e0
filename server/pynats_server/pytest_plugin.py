"""pytest fixtures: a broker for the duration of a test, on free ports.

async def test_it(pynats_server):  # or a plain function: the server runs in its own thread
    nc = await nats.connect(pynats_server.client_url)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from pynats_server.options import Options
    from pynats_server.server.server import Server

START_TIMEOUT_S = 10.0


class ThreadedServer:
    """A `Server` in a thread with a loop of its own; use as a context manager from any code."""

    def __init__(self, options: Options | None = None) -> None:
        from pynats_server.options import LogOptions, Options

        self._options = options or Options(
            host="127.0.0.1", port=-1, http_host="127.0.0.1", http_port=-1, log=LogOptions()
        )
        self._thread = threading.Thread(target=self._run, name="pynats-server", daemon=True)
        self._started = threading.Event()
        self._problem: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self.server: Server

    @property
    def client_url(self) -> str:
        """Where clients connect."""
        return self.server.client_url

    @property
    def monitor_url(self) -> str:
        """Where monitoring answers over HTTP."""
        return self.server.monitor_url

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise TimeoutError("the server did not start")
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(self, *exc: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(
                lambda: asyncio.ensure_future(self.server.shutdown(), loop=self._loop)
            )
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        from pynats_server.server.server import Server

        try:
            self._loop = asyncio.get_running_loop()
            self.server = Server(self._options)
            await self.server.start()
        except BaseException as problem:
            self._problem = problem
            self._started.set()
            return
        self._started.set()
        await self.server.wait_stopped()


@pytest.fixture
def pynats_server() -> Iterator[ThreadedServer]:
    """A running broker with default options, monitoring on."""
    with ThreadedServer() as server:
        yield server


@pytest.fixture
def pynats_server_factory() -> Iterator[Callable[[Options], ThreadedServer]]:
    """Starts brokers with the test's options; all end with the test."""
    running: list[ThreadedServer] = []

    def start(options: Options) -> ThreadedServer:
        server = ThreadedServer(options).__enter__()
        running.append(server)
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)
