"""Clients whose certificates are asked about (`ocsp_peer`): they wait until the answer is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pynats_server.clients.session import session_of
from pynats_server.clients.who import Who
from pynats_server.core.client import ClientConnection
from pynats_server.server.state import ServerState

# What asks is loaded with the first that is asked about.
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from pynats_server.tls.force import TlsInForce
    from pynats_server.tls.revocation import Memory

AT_ONCE: Final = 4  # asked about at a time: they mostly wait for an authority
NOT_VALID: Final = "client not OCSP valid"

Then = Callable[[ClientConnection, bool], None]


class Revocation:
    """The checks of one server, on the loop's thread."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._log = state.log.part("clients")
        self._threads: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = False
        self._cache = state.options.ocsp_cache
        self._memory: Memory | None = None

    def _new_memory(self) -> Memory | None:
        from pynats_server.tls.revocation import Memory

        cache = self._cache
        if cache is not None and cache.type == "none":
            return None
        return Memory(preserve_revoked=cache is not None and cache.preserve_revoked)

    def check(self, client: ClientConnection, tls: TlsInForce, then: Then) -> None:
        """Calls `then` with whether its chain holds; the client is not read meanwhile."""
        client.hold()
        if not self._began or self._cache != self._state.options.ocsp_cache:  # by a reload
            self._began = True
            self._cache = self._state.options.ocsp_cache
            self._memory = self._new_memory()
        task = asyncio.ensure_future(self._check(client, tls, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, client: ClientConnection, tls: TlsInForce, then: Then) -> None:
        from concurrent.futures import ThreadPoolExecutor

        from pynats_server.tls.revocation import Judgement, judge

        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, "ocsp")
        peer = session_of(client).hello.tls
        options = tls.options.ocsp_peer
        assert peer is not None
        assert options is not None
        try:
            judgement = await asyncio.get_running_loop().run_in_executor(
                self._threads, judge, peer.verified, options, self._memory
            )
        except Exception as error:  # after a bug of ours the client must not wait forever
            judgement = Judgement(False, [f"internal error, please report: {error!r}"])
        if client.closing:
            return
        for note in judgement.notes:
            self._log.debug(note, Who(client))
        then(client, judgement.valid)
        client.proceed()

    async def stop(self) -> None:
        """Cancels what waits."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
