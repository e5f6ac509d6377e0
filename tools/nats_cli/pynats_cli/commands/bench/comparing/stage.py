"""One run of several loads at once on one server.

Every load is a command of `pynats bench`, which prepares the server and its clients as it always
does. What it would do then, run and print, is done here: `measure` in `bench.running` asks whether
there is a stage. The loads get ready one after the other, the measured one last, so that who
listens is there before who speaks; then they run together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pynats_cli.commands.bench.comparing.workload import Workload
from pynats_cli.commands.bench.running import STAGE, Making, in_thread
from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_bench.clients.bench import Bench
    from pynats_bench.judging.contest import Run
    from pynats_bench.judging.serverprocess import ServerProcess

    from pynats_cli.connect.session import Session
    from pynats_cli.signals import StopEvent

_NUMBER: ContextVar[int] = ContextVar("_NUMBER")  # of the load that a task is about


class Stage:
    """Where the loads of one run meet."""

    def __init__(self, session: Session, server: ServerProcess, stopped: StopEvent) -> None:
        self._session = session
        self._server = server
        self._stopped = stopped
        self._benches: dict[int, Bench] = {}
        self.warnings: list[str] = []
        self._ready = asyncio.Event()
        self._over = asyncio.Event()

    async def take(self, make: Making) -> None:
        """A load is about to run: it is connected, and stays so until all have run."""
        bench = await make(self._session)
        await in_thread(bench.__enter__)
        try:
            self._benches[_NUMBER.get()] = bench
            self._ready.set()
            await self._over.wait()
        finally:
            bench.__exit__(None, None, None)

    async def play(self, loads: Sequence[Workload]) -> Run | None:
        """Runs them, the first one is measured; None after an interrupt. Raises CliError."""
        from pynats_bench.model import LoadError

        tasks: list[asyncio.Task[None]] = []
        try:
            for number in reversed(range(len(loads))):
                tasks.append(asyncio.create_task(self._load(number, loads[number])))
                if not await self._is_ready(tasks[-1]):
                    return None
            return await self._run()
        except LoadError as error:
            raise CliError(str(error)) from None
        finally:
            self._over.set()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _load(self, number: int, load: Workload) -> None:
        STAGE.set(self)  # in the context of this task only
        _NUMBER.set(number)
        await load.command.function()(self._session.options, load.options)

    async def _is_ready(self, task: asyncio.Task[None]) -> bool:
        """Whether the load has come here; raises what it has raised instead."""
        self._ready.clear()
        ready = asyncio.create_task(self._ready.wait())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({task, ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            stopped.cancel()
        if task.done():
            task.result()
        if self._stopped.is_set():
            task.cancel()  # nobody waits for connections that are on their way
        return not self._stopped.is_set()

    async def _run(self) -> Run | None:
        from pynats_bench.clients.together import Together

        together = Together([self._benches[at] for at in sorted(self._benches)], self._server)
        running = in_thread(together.run)
        stopped = asyncio.create_task(self._stopped.wait())
        both: set[asyncio.Future[Any]] = {running, stopped}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            together.stop()  # a run that has ended does not mind
            await asyncio.wait({running})
        for bench in self._benches.values():
            self.warnings += bench.warnings
        return running.result()
