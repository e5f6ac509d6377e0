"""One of the two servers while they are compared: its session, its process, what was not there
before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pynats_cli.commands.bench.comparing.sides import Side
from pynats_cli.commands.bench.comparing.stage import Stage
from pynats_cli.commands.bench.comparing.workload import Workload
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_bench.judging.contest import Run
    from pynats_bench.judging.serverprocess import ServerProcess

    from pynats_cli.connect.session import Session
    from pynats_cli.signals import StopEvent


@dataclass
class Contender:
    """`makes` are the streams that the loads name and that were not there before: when a load makes
    one, it is removed again after its run."""

    side: Side
    session: Session
    server: ServerProcess
    makes: list[str]
    warned: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, side: Side, session: Session, loads: Sequence[Workload]) -> Self:
        """A connected one. Raises CliError."""
        from pynats_bench.judging.serverprocess import Place, ServerProcess, behind

        link: Any = session.client.stream_info("socket")
        server = behind(link) if link is not None else ServerProcess(Place.HIDDEN)
        names = dict.fromkeys(name for load in loads for name in streams_of(load))
        missing = [name for name in names if not await _exists(session, name)]
        return cls(side, session, server, missing)

    async def run(self, loads: Sequence[Workload], stopped: StopEvent) -> Run | None:
        """One run of all loads; None after an interrupt. Raises CliError."""
        stage = Stage(self.session, self.server, stopped)
        try:
            return await stage.play(loads)
        finally:
            for text in stage.warnings:
                if text not in self.warned:
                    log(f"WARNING: {self.side.letter}: {text}")
                    self.warned.add(text)
            for name in self.makes:
                if await _exists(self.session, name):
                    await self.session.js.request(f"STREAM.DELETE.{name}")

    @property
    def seen(self) -> bool:
        """Whether what others do on this machine can be told from what the server does."""
        from pynats_bench.judging.serverprocess import Place

        return self.server.place is not Place.HIDDEN

    def unseen(self) -> Iterator[str]:
        """What can not be seen of the server, in words."""
        from pynats_bench.judging.serverprocess import Place

        if self.server.place is Place.REMOTE:
            yield (
                f"{self.side.letter} runs on another machine: what else was done there, and on the "
                "way, was not seen"
            )
        elif self.server.place is Place.HIDDEN:
            yield (
                f"{self.side.letter}: the server's process cannot be seen (another user's, or in a "
                "container): whether others disturbed it was not measured"
            )


def streams_of(load: Workload) -> Iterator[str]:
    """The streams that a load names."""
    if stream := getattr(load.options, "stream", ""):
        yield stream
    if bucket := getattr(load.options, "bucket", ""):
        yield f"KV_{bucket}"


async def _exists(session: Session, stream: str) -> bool:
    try:
        await session.js.stream_info(stream)
    except JsApiError as error:
        if error.code != STREAM_NOT_FOUND:
            raise
        return False
    return True
