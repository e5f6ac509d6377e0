"""The ledger: what is written is read, its end may be torn, and it never says more than is true."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.syncing.group_commit import Committer, Syncer, Task
from pynats_server.jetstream.store.format.index_db import BlockEntry, FullState
from pynats_server.jetstream.store.format.ledger_file import (
    MAGIC,
    Claim,
    cut_entry,
    decode_ledger,
    encode_entries,
    holds_entry,
    removed_entry,
)
from pynats_server.jetstream.store.format.meta_inf import name_key
from pynats_server.jetstream.store.inventory import ledger
from pynats_server.jetstream.store.inventory.expected import Expected
from pynats_server.jetstream.store.inventory.ledger import PLACE
from pynats_server.jetstream.store.seqset import SequenceSet

from tests.support.crashdisk import QuickDisk

KEY = bytes(range(32))


def some(*seqs: int) -> SequenceSet:
    made = SequenceSet()
    for seq in seqs:
        made.add(seq)
    return made


ENTRIES = [
    holds_entry(1, Claim(1, 73, some(5, 6), 7300, 7360, b"12345678")),
    holds_entry(2, Claim(74, 74)),
    removed_entry(1),
    holds_entry(2, Claim(74, 146, some(), 7200, 7200, b"abcdefgh")),
    cut_entry(100),
]


def test_what_is_written_is_read() -> None:
    data, checksum = encode_entries(ENTRIES[:4], KEY, MAGIC)
    found = decode_ledger(MAGIC + data, KEY)
    assert (found.size, found.sum) == (len(MAGIC + data), checksum)
    assert found.claims[1] is None
    claim = found.claims[2]
    assert claim is not None
    assert (claim.first, claim.last, claim.nbytes) == (74, 146, 7200)
    assert (claim.size, claim.end, list(claim.deleted)) == (7200, b"abcdefgh", [])
    more, _ = encode_entries(ENTRIES[4:], KEY, checksum)
    cut = decode_ledger(MAGIC + data + more, KEY).claims[2]
    assert cut is not None
    assert cut.last == 100


def test_a_torn_or_damaged_end_is_ignored_and_nothing_behind_it_counts() -> None:
    sizes, data, checksum = [len(MAGIC)], MAGIC, MAGIC
    for entry in ENTRIES:
        piece, checksum = encode_entries([entry], KEY, checksum)
        data += piece
        sizes.append(len(data))
    for at in range(len(data)):
        cut = decode_ledger(data[:at], KEY)
        assert cut.size == max((size for size in sizes if size <= at), default=0)
        hurt = bytearray(data)
        hurt[at] ^= 1
        found = decode_ledger(bytes(hurt), KEY)
        assert found.size == max((size for size in sizes if size <= at), default=0)
    # What an earlier, longer ledger has left behind a new end is nobody's.
    other, _ = encode_entries([ENTRIES[1]], KEY, MAGIC)
    first, _ = encode_entries([ENTRIES[0]], KEY, MAGIC)
    second, _ = encode_entries([ENTRIES[2]], KEY, b"8 bytes!")
    assert decode_ledger(MAGIC + other + second, KEY).size == len(MAGIC + other)
    assert decode_ledger(MAGIC + first + second, KEY).claims.keys() == {1}


SETS = st.sets(st.integers(1, 12), max_size=12)


@given(SETS, SETS, st.integers(1, 12), st.integers(1, 12), st.booleans(), st.booleans())
def test_expected_is_what_one_knows_as_stored_and_none_as_removed(
    early: set[int], removed: set[int], when: int, horizon: int, noted: bool, index: bool
) -> None:
    """One block with 1..12; the ledger saw it up to `when`, the index up to `horizon`, the later
    of the two behind more removals."""
    late = early | removed
    ledger_last, index_last = max(when, 1), max(horizon, 1)
    ledger_gone, index_gone = (late, early) if ledger_last > index_last else (early, late)
    claims: dict[int, Claim | None] = {}
    prior = None
    true = set()
    if noted:
        claims[1] = Claim(1, ledger_last, some(*(s for s in ledger_gone if s <= ledger_last)))
        true |= set(range(1, ledger_last + 1))
    if index:
        deleted = some(*(s for s in index_gone if s <= index_last))
        entry = BlockEntry(1, 9, 1, 0, index_last, 0, deleted)
        prior = FullState(entry.msgs, 9, 1, 0, index_last, 0, b"\0", [entry], 1, bytes(8))
        true |= set(range(1, index_last + 1))
    if noted:
        true -= {s for s in ledger_gone if s <= ledger_last}
    if index:
        true -= {s for s in index_gone if s <= index_last}
    expected = Expected(prior, claims)
    assert {s for a, b in expected.of(1) for s in range(a, b + 1)} == true
    everything = [(1, 12)]
    gone = {s for a, b in expected.gone(1, everything) for s in range(a, b + 1)}
    assert gone == {
        s
        for s in range(1, 13)
        if (noted and s <= ledger_last and s in ledger_gone)
        or (index and s <= index_last and s in index_gone)
    }
    assert Expected(prior, {1: None}).of(1) == []
    assert Expected(None, {1: None}).gone(1, everything) == everything


def filled(folder: Path, disk: Disk | None = None, count: int = 60) -> FileStore:
    store = FileStore(FileConfig("S", folder, block_size=400), disk=disk)
    for i in range(count):
        store.append(b"t", None, b"value %02d" % i, i + 1)
        store.commit(lambda _: None)
    return store


def test_blocks_are_written_down_as_they_begin_and_end(tmp_path: Path) -> None:
    store = filled(tmp_path, QuickDisk())
    claims = decode_ledger((tmp_path / PLACE).read_bytes(), name_key("S")).claims
    numbers = [block.index for block in store.blocks]
    assert sorted(claims) == numbers
    for block in store.blocks[:-1]:
        claim = claims[block.index]
        assert claim is not None
        assert (claim.first, claim.last) == (block.first_seq, block.last_seq)
        assert claim.size == store.files.path_of(block).stat().st_size
        assert claim.end == store.files.path_of(block).read_bytes()[-8:]
    newest = claims[numbers[-1]]
    assert newest is not None
    assert (newest.first, newest.last) == (store.blocks[-1].first_seq,) * 2
    store.close()


def test_a_store_without_a_ledger_begins_one_with_what_it_finds(tmp_path: Path) -> None:
    filled(tmp_path, QuickDisk()).close()
    before = decode_ledger((tmp_path / PLACE).read_bytes(), name_key("S")).claims
    (tmp_path / PLACE).unlink()
    again = FileStore(FileConfig("S", tmp_path, block_size=400), disk=QuickDisk())
    again.close()
    after = decode_ledger((tmp_path / PLACE).read_bytes(), name_key("S")).claims
    assert {n: (c.first, c.last, c.size, c.end) for n, c in before.items() if c} == {
        n: (c.first, c.last, c.size, c.end) for n, c in after.items() if c
    }


def test_the_ledger_of_a_store_that_forgets_much_stays_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "SPARE", 2000)
    store = filled(tmp_path, QuickDisk(), count=1)
    longest = 0
    for i in range(200):
        store.append(b"t", None, b"x" * 300, i + 2)
        store.enforce_limits(max_msgs=3)
        store.commit(lambda _: None)
        longest = max(longest, (tmp_path / PLACE).stat().st_size)
    assert 2000 < longest < 4000
    store.close()
    again = FileStore(FileConfig("S", tmp_path, block_size=400))
    assert (again.msgs, list(again.lost), again.problems) == (3, [], [])
    again.close()


class CountingDisk(QuickDisk):
    """Counts the bytes that are read."""

    read_bytes = 0

    def read(self, path: Path) -> bytes:
        data = super().read(path)
        self.read_bytes += len(data) * (path.suffix == ".blk")
        return data

    def glance(self, path: Path, most: int) -> tuple[int, bytes] | None:
        found = super().glance(path, most)
        self.read_bytes += len(found[1]) if found else 0
        return found


def test_a_start_reads_eight_bytes_of_each_block_and_the_newest(tmp_path: Path) -> None:
    filled(tmp_path, QuickDisk()).close()
    disk = CountingDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=400), disk=disk)
    newest = store.files.path_of(store.blocks[-1]).stat().st_size
    assert len(store.blocks) > 5
    assert disk.read_bytes <= newest + 8 * len(store.blocks)
    store.close()


class NoLedgerDisk(QuickDisk):
    """Full for the ledger alone."""

    full = False

    def write(self, handle: int, data: bytes, offset: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        if self.full and name.startswith("ledger.db"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(handle, data, offset)


@pytest.mark.parametrize("way", ["purge", "compaction"])
def test_a_ledger_that_cannot_be_written_stops_nothing_and_says_nothing_wrong(
    tmp_path: Path, way: str
) -> None:
    disk = NoLedgerDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=1000), disk=disk)
    for i in range(100):
        store.append(b"t.%d" % (i // 50), None, b"value %02d" % i, i + 1)
        store.commit(lambda _: None)
    disk.full = True
    if way == "purge":
        store.purge(b"t.1")
    else:
        for seq in range(2, 20, 2):
            store.remove(seq)
        store.flush()
        store.compact_block(store.blocks[0])
    store.commit(lambda _: None)
    assert store.failed is None
    assert not (tmp_path / PLACE).exists()
    left = store.msgs
    store.append(b"t", None, b"more", 200)
    store.commit(lambda _: None)
    store._closed = True  # killed
    (tmp_path / "msgs" / "index.db").unlink(missing_ok=True)
    again = FileStore(FileConfig("S", tmp_path, block_size=1000))
    assert (again.msgs, list(again.lost), again.problems) == (left + 1, [], [])
    again.close()


def test_work_that_waited_for_room_does_not_undo_what_was_noted_meanwhile(tmp_path: Path) -> None:
    tasks: list[Task] = []

    class Waiting(Committer):
        def after(self, task: Task) -> None:
            tasks.append(task)

    disk = QuickDisk()
    book = ledger.Ledger(tmp_path, KEY, disk, Waiting(Syncer(), disk, lambda _: None))
    block = Block(1, 1, "S")
    block.mark(1, 1, True)
    book.begun(block)
    book.removing([1], lambda: None, covered=False)()
    tasks[0].work()
    assert decode_ledger((tmp_path / PLACE).read_bytes(), KEY).claims == {1: None}
