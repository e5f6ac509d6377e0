"""Blocks of which little is left are written anew one at a time, whatever happens in between."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.work import Work, finish

BLOCK_SIZE = 4 << 20
PAYLOAD = b"x" * 1000
SPARSE = 3  # blocks


class Compaction:
    """A store with sparse blocks, and the work that it has asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FileStore(FileConfig("S", folder, block_size=BLOCK_SIZE))
        self.jobs: list[Work[None]] = []
        self.store.background = self.jobs.append
        self.rewritten: list[int] = []
        rewrite = self.store._rewrite

        def watched(block: Block, *args: Any, **kind: Any) -> None:
            self.rewritten.append(block.index)
            rewrite(block, *args, **kind)

        self.store._rewrite = watched  # type: ignore[method-assign]
        while len(self.store.blocks) <= SPARSE:
            self.store.append(b"s", None, PAYLOAD, self.store.last_seq + 1)
        self.store.flush()

    def thin(self) -> None:
        """Leaves every fourth message."""
        for seq in range(1, self.store.last_seq):
            if seq % 4:
                self.store.remove(seq)

    def live(self) -> list[int]:
        return [seq for seq, _ in self.store.oldest()]

    def reopened(self) -> list[int]:
        """What a restart without an index finds."""
        self.store.close()
        (self.folder / "msgs" / "index.db").unlink(missing_ok=True)
        again = FileStore(FileConfig("S", self.folder, block_size=BLOCK_SIZE))
        found = [seq for seq, _ in again.oldest()]
        again.close()
        return found


@pytest.fixture
def compaction(tmp_path: Path) -> Compaction:
    return Compaction(tmp_path / "S")


def test_blocks_are_written_anew_one_in_a_step(compaction: Compaction) -> None:
    compaction.thin()
    expected = compaction.live()
    compaction.store.flush()
    compaction.store.flush()
    assert not compaction.rewritten
    (job,) = compaction.jobs
    counts = [len(compaction.rewritten) for _ in job]
    assert max(after - before for before, after in itertools.pairwise(counts)) == 1
    assert sorted(compaction.rewritten) == list(range(1, SPARSE + 1))
    assert compaction.live() == expected
    assert compaction.reopened() == expected


def test_what_is_removed_in_between_stays_removed(compaction: Compaction) -> None:
    compaction.thin()
    compaction.store.flush()
    (job,) = compaction.jobs
    for seq, _ in zip(range(4, 4000, 400), job, strict=False):
        compaction.store.remove(seq)
    finish(job)
    expected = compaction.live()
    assert 4 not in expected
    assert compaction.reopened() == expected


def test_a_store_that_closes_has_nothing_left_to_write(compaction: Compaction) -> None:
    compaction.thin()
    compaction.store.flush()
    job = compaction.jobs.pop()
    next(job)
    expected = compaction.live()
    assert compaction.reopened() == expected
    finish(job)  # finds that it is closed
