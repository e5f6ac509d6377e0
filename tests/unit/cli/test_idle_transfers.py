"""Long transfers end when nothing moves, and not after some time for the whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup import download
from pynats_cli.jetstream.backup.download import Wish
from pynats_cli.jetstream.objects import store
from pynats_cli.jetstream.objects.acked import IDLE_S
from pynats_cli.jetstream.objects.bucket import Note
from pynats_cli.jetstream.objects.store import Objects

from tests.support.deadline import next_turn

CHUNKS = 8
SESSION: Any = SimpleNamespace(options=SimpleNamespace(timeout_s=1.0), check_refused=lambda: None)


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock goes only where it is set."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def jump(self, seconds: float) -> None:
        """Later by so much; what is due then has run."""
        self.now += seconds
        for _ in range(3):
            await next_turn()


async def _get(gap_s: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """The time that it takes to get an object whose chunks come so far apart."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)

    class Reading:
        def __init__(self, *_: Any) -> None:
            pass

        async def messages(self) -> AsyncGenerator[Any, None]:
            for _ in range(CHUNKS):
                await loop.jump(gap_s)
                yield SimpleNamespace(data=b"x")

    monkeypatch.setattr(store, "Reading", Reading)
    data = b"x" * CHUNKS
    note = Note(
        name="n", bucket="B", nuid="N", size=len(data), digest=hashlib.sha256(data).digest()
    )
    written: list[bytes] = []
    bucket: Any = SimpleNamespace(stream="OBJ_B", chunk_subject=str)
    await Objects(SESSION, bucket).get(note, written.append, lambda _: None)
    assert b"".join(written) == data
    return loop.time()


def test_an_object_may_take_longer_than_any_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        took_s = runner.run(_get(0.9 * IDLE_S, monkeypatch))
        assert took_s > 5 * IDLE_S > 5 * SESSION.options.timeout_s
        with pytest.raises(CliError, match="no data came for 30 seconds"):
            runner.run(_get(1.1 * IDLE_S, monkeypatch))


async def _take(gap_s: float) -> float:
    """The time that it takes to receive a backup whose chunks come so far apart."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    begun = loop.time()
    bodies = [b"x"] * CHUNKS + [b""]

    class Arrived:
        async def get(self) -> Any:
            await loop.jump(gap_s)
            return SimpleNamespace(data=bodies.pop(0), reply="", headers=None)

    archive: Any = SimpleNamespace(chunks=0, unpacked=0, add=lambda _: None)
    arrived: Any = Arrived()
    await download._receive(SESSION, arrived, archive, Wish(), lambda _: None)
    assert not bodies
    return loop.time() - begun


def test_each_chunk_of_a_backup_has_the_whole_patience() -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        assert runner.run(_take(0.9 * download.IDLE_S)) > 5 * download.IDLE_S
        with pytest.raises(CliError, match="the backup stalled"):
            runner.run(_take(1.1 * download.IDLE_S))
