"""Memory after a recovery, and the facts that it keeps about blocks outside memory."""

from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore

SUBJECTS = 300


def _fill(folder: Path, headers: bytes = b"", compress: bool = False) -> FileConfig:
    config = FileConfig("S", folder / "S", block_size=32000, compress=compress)
    store = FileStore(config)
    for number in range(3000):
        store.append(b"a.%d" % (number % SUBJECTS), headers, b"x" * 100, number + 1)
    for seq in (3, 700, 2990, 701):
        assert store.remove(seq)
    store.close()
    return config


@pytest.mark.parametrize("indexed", [True, False])
def test_only_the_last_block_stays_in_memory(tmp_path: Path, indexed: bool) -> None:
    config = _fill(tmp_path)
    if not indexed:
        (config.folder / "msgs" / "index.db").unlink()
    store = FileStore(config)
    loaded = [block.index for block in store.blocks if block.loaded]
    assert len(store.blocks) > 5
    # Blocks named by tombstones were read again.
    assert len(loaded) <= (1 if indexed else 4)
    state = store.state(deleted=True)
    assert (state.msgs, state.num_subjects) == (2996, SUBJECTS)
    assert state.deleted == [3, 700, 701, 2990]
    assert store.subject_state(b"a.2") == (9, 303, 2703)
    assert store.subject_totals(b"a.3") == {b"a.3": 10}
    assert store.problems == []
    store.close()


@pytest.mark.parametrize(("headers", "plain"), [(b"", True), (b"NATS/1.0\r\nA: b\r\n\r\n", False)])
def test_a_scanned_block_knows_whether_it_has_headers(
    tmp_path: Path, headers: bytes, plain: bool
) -> None:
    config = _fill(tmp_path, headers)
    (config.folder / "msgs" / "index.db").unlink()
    store = FileStore(config)
    assert [block.plain for block in store.blocks] == [plain] * len(store.blocks)
    store.append(b"a.1", b"NATS/1.0\r\nA: b\r\n\r\n", b"", 4000)
    assert not store.blocks[-1].plain
    store.close()


def test_damage_is_found_though_blocks_leave_memory(tmp_path: Path) -> None:
    config = _fill(tmp_path)
    path = config.folder / "msgs" / "2.blk"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    last = max((config.folder / "msgs").glob("*.blk"), key=lambda blk: int(blk.stem))
    last.write_bytes(last.read_bytes()[:-5])  # the index does not fit: every block is scanned
    store = FileStore(config)
    state = store.state()
    assert state.lost
    assert store.lost_bytes > 0
    for seq in range(1, 3001):
        if seq in (3, 700, 701, 2990) or seq in state.lost:
            assert store.get(seq) is None
        else:
            message = store.get(seq)
            assert message is not None
            assert message.seq == seq
    store.close()


@pytest.mark.parametrize(("headers", "plain"), [(b"", True), (b"NATS/1.0\r\nA: b\r\n\r\n", False)])
@pytest.mark.parametrize("compress", [False, True])
def test_a_glance_tells_whether_a_file_has_headers(
    tmp_path: Path, headers: bytes, plain: bool, compress: bool
) -> None:
    config = _fill(tmp_path, headers, compress)
    store = FileStore(config)
    finished = store.blocks[:-1]
    assert not any(block.plain or block.loaded for block in finished)
    store.glance(finished)
    # Compressed blocks must be loaded to find out.
    assert [block.plain for block in finished] == [plain and not compress] * len(finished)
    assert not any(block.loaded for block in finished)
    store.close()
    again = FileStore(config)
    first = again.blocks[0]
    torn = config.folder / "msgs" / "1.blk"
    torn.write_bytes(torn.read_bytes()[:-1])
    again.glance([first])
    assert not (first.loaded or first.plain)
    again.close()
