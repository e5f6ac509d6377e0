"""A block's bytes are looked at in steps, with the same result as at once, damage included."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.block import Block, BlockScan
from pynats_server.jetstream.store.file.diskblocks import SCAN
from pynats_server.jetstream.store.file.filestore import FileStore

MESSAGES = 20_000


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(FileConfig("S", tmp_path / "S", block_size=1 << 20))
    for number in range(MESSAGES):
        headers = b"NATS/1.0\r\nA: b\r\n\r\n" if number % 97 == 0 else None
        made.append(b"s.%d" % number, headers, b"x" * (number % 50), number + 1)
        if number % 10 == 9:
            made.remove(number - 5)
    made.flush()
    return made


def scanned(data: bytes, most: int) -> tuple[object, ...]:
    block = Block(1, 1, "S")
    scan = BlockScan(block, data)
    while scan.step(most):
        pass
    block.last_seq = MESSAGES
    return (
        scan.tombs, scan.skips, scan.holes, block.floor, block.notes, block.plain,
        block.record_seqs(), block.buffered,
    )  # fmt: skip


@pytest.mark.parametrize("damage", [0, 1, 300])
def test_steps_of_any_size_find_the_same(store: FileStore, damage: int) -> None:
    data = bytearray(store.blocks[0].content())
    chance = random.Random(damage)
    for _ in range(damage):
        data[chance.randrange(len(data))] ^= 1 + chance.randrange(255)
    block = Block(1, 1, "S")
    tombs, skips, holes = block.scan(data)
    assert bool(holes) == bool(damage)
    whole = scanned(bytes(data), len(data))
    assert whole[:3] == (tombs, skips, holes)
    for most in (1, 1000, 4097, len(data) - 1):
        assert scanned(bytes(data), most) == whole


def test_an_empty_block_needs_no_step() -> None:
    assert not BlockScan(Block(1, 1, "S"), b"").step(1)


def test_a_block_is_read_back_in_steps(store: FileStore) -> None:
    block = store.blocks[0]
    size = block.buffered
    assert size > 5 * SCAN
    before = [store.load(seq) for seq in block.record_seqs() if store.is_live(seq)]
    block.unload()
    steps = 0
    for _ in store.loading(block):
        steps += 1
        assert not block.loaded
    assert block.loaded
    assert steps > size // SCAN
    after = [store.load(seq) for seq in block.record_seqs() if store.is_live(seq)]
    assert [(m.seq, m.subject, m.payload) for m in after] == [
        (m.seq, m.subject, m.payload) for m in before
    ]
