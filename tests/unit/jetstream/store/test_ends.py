"""What the threads of stores have ended is taken by the engine, in its turns."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError, Syncer
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.deadline import next_turn, wait_until
from tests.support.life import Life


@pytest.fixture
def syncer(life: Life) -> Iterator[Syncer]:
    loop: Any = life.loop
    syncer = Syncer(loop, engine=life.engine)
    yield syncer
    syncer.close()


def test_a_commit_is_answered_in_the_turn_that_finds_it_durable(
    tmp_path: Path, life: Life, syncer: Syncer
) -> None:
    store = FileStore(FileConfig("S", tmp_path, index_interval_s=0), syncer)
    peer = life.client(b"SUB durable 1\r\n")

    def committed(error: StoreError | None) -> None:
        assert error is None
        life.account.publish(life.engine, b"durable", b"x")

    store.append(b"a", None, b"x", 1)
    store.commit(committed)
    assert life.engine.vigil.expected == 1

    def turned() -> bool:
        life.engine.turn()
        return life.engine.vigil.expected == 0

    wait_until(turned, "the turn that finds the message durable", interval_s=0.001)
    assert peer.recv(4096).endswith(b"MSG durable 1 1\r\nx\r\n")
    store.close()


def test_an_error_is_told_with_its_number(life: Life, syncer: Syncer) -> None:
    reader, writer = os.pipe()  # cannot be synced
    errors: list[OSError | None] = []
    disk: Any = type("Native", (), {"native": True})()
    syncer.sync(disk, [writer], [], errors.append)

    def turned() -> bool:
        life.engine.turn()
        return bool(errors)

    wait_until(turned, "the turn that brings the error", interval_s=0.001)
    assert errors[0] is not None
    assert errors[0].errno is not None
    assert life.engine.vigil.expected == 0
    os.close(reader)
    os.close(writer)


class CountingStore(FileStore):
    """Counts how often it looks at what has to be written."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        super().flush()


def test_what_a_commit_has_written_is_not_looked_at_again(tmp_path: Path) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        syncer = Syncer(loop)
        store = CountingStore(FileConfig("S", tmp_path), syncer)
        store.flushes = 0
        for at in range(1, 4):
            durable = loop.create_future()
            store.append(b"a", None, b"x", at)
            store.commit(durable.set_result)
            assert await durable is None
            assert store.flushes == at
        store.append(b"a", None, b"x", 5)
        for _ in range(2):
            await next_turn()
        assert store.flushes == 4  # without a commit, in the next pass
        store.close()
        syncer.close()

    asyncio.run(run())
