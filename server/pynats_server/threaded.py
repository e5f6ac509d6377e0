"""A server in a thread of its own, for code without an event loop: tests, scripts, notebooks.

with ThreadedServer() as server:
    ...  # clients connect to server.client_url
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from pynats_server.auth.own import Verify
from pynats_server.log.target import LogTarget
from pynats_server.options import JetStreamOptions, Options
from pynats_server.server.server import Server, ServerError

START_TIMEOUT_S = 10.0

T = TypeVar("T")


def local_options(**settings: Any) -> Options:
    """Options for a server on free ports of this machine, monitoring on. `settings` are other
    fields of `Options`; `jetstream=True` switches JetStream on. Raises ServerError for others."""
    if isinstance(settings.get("jetstream"), bool):
        settings["jetstream"] = JetStreamOptions(enabled=settings["jetstream"])
    usual = {"host": "127.0.0.1", "port": -1, "http_host": "127.0.0.1", "http_port": -1}
    try:
        return Options(**{**usual, **settings})
    except TypeError as error:
        raise ServerError(str(error).replace("Options.__init__() got an ", "")) from None


class ThreadedServer:
    """A `Server` in a thread with a loop of its own; use it as a context manager, or with `start`
    and `stop`, from one thread at a time. Started again, it has the port, the monitoring port and
    the streams that it had.

    `options` default to `local_options(**settings)`; give one or the other. `log` and
    `authenticator` are those of `Server`: warnings and errors go to standard error, and who decides
    about log-ins does so in the server's thread. With JetStream and no `store_dir`, streams live in
    a temporary folder, which goes with this object.
    """

    def __init__(
        self, options: Options | None = None, *, log: LogTarget = "warning",
        authenticator: Verify | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        if options is not None and settings:
            raise ServerError(f"give options or single settings ({', '.join(settings)}), not both")
        self._options = options if options is not None else local_options(**settings)
        self._log = log
        self._authenticator = authenticator
        self._store: Path | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The server that runs now. Its methods belong to its loop: use `call`. Raises ServerError
        while none runs."""
        if self._server is None:
            raise ServerError("the server is not running")
        return self._server

    @property
    def client_url(self) -> str:
        """Where clients connect, e.g. `nats://127.0.0.1:4222`. Raises ServerError while it does not
        run."""
        return self.server.client_url

    @property
    def monitor_url(self) -> str:
        """Where monitoring answers over HTTP; empty when it is off. Raises ServerError while it
        does not run."""
        return self.server.monitor_url

    @property
    def running(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None and self._server.ready

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when clients can connect. Raises ServerError: the reason why it does not start,
        or that it runs already."""
        if self.running:
            raise ServerError("the server is running already")
        self.stop()  # it may be stopping by itself
        options = self._with_store(self._options)
        started = threading.Event()
        problems: list[BaseException] = []
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(options, started, problems)),
            name="pynats-server", daemon=True,
        )  # fmt: skip
        self._thread.start()
        if not started.wait(START_TIMEOUT_S):
            raise ServerError(f"the server did not start within {START_TIMEOUT_S:g} s")
        if problems:
            self._thread.join()
            raise problems[0]
        self._keep_ports()

    def stop(self) -> None:
        """Shuts the server down and waits for it. Does nothing if it does not run."""
        server, thread = self._server, self._thread
        if thread is None:
            return
        if server is not None:
            assert self._loop is not None
            with contextlib.suppress(RuntimeError):  # stopped by itself, and the loop is closed
                self._loop.call_soon_threadsafe(
                    lambda: asyncio.ensure_future(server.shutdown(), loop=self._loop)
                )
        thread.join()
        self._thread = None

    def restart(self) -> None:
        """Stops the server, if it runs, and starts it again."""
        self.stop()
        self.start()

    def call(self, function: Callable[[Server], T]) -> T:
        """The result of `function(server)` on the server's own thread."""

        async def work() -> T:
            return function(self.server)

        server_loop = self._loop
        if self._server is None or server_loop is None:
            raise ServerError("the server is not running")
        return asyncio.run_coroutine_threadsafe(work(), server_loop).result()

    async def _serve(
        self, options: Options, started: threading.Event, problems: list[BaseException]
    ) -> None:
        try:
            server = Server(options, log=self._log, authenticator=self._authenticator)
            await server.start()
        except BaseException as problem:
            problems.append(problem)
            started.set()
            return
        self._loop, self._server = asyncio.get_running_loop(), server
        started.set()
        try:
            await server.wait_stopped()
        finally:
            self._server = None

    # -- what a restart keeps -----------------------------------------------------------------

    def _with_store(self, options: Options) -> Options:
        jetstream = options.jetstream
        if not isinstance(jetstream, JetStreamOptions) or not jetstream.enabled:
            return options
        if jetstream.store_dir is not None:
            return options
        if self._store is None:
            self._store = Path(tempfile.mkdtemp(prefix="pynats-"))
            weakref.finalize(self, shutil.rmtree, self._store, ignore_errors=True)
        return dataclasses.replace(
            options, jetstream=dataclasses.replace(jetstream, store_dir=self._store)
        )

    def _keep_ports(self) -> None:
        server = self.server
        self._options = dataclasses.replace(self._options, port=server.client_port)
        if server.http_port:
            self._options = dataclasses.replace(self._options, http_port=server.http_port)
