"""Files of which the names only look like a block's are never read, never removed, and told."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from pynats_common import s2
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.snapshot import BadArchive, unpack_snapshot
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.jetstream.store.inventory.names import BLOCK_MAX

from tests.support.crashdisk import QuickDisk

COUNT = 40
STRAYS = [
    "01.blk",
    "²blk",
    "².blk",
    "١.blk",
    "+1.blk",
    "1 .blk",
    "1_0.blk",
    "0.blk",
    ".blk",
    "99999999999.blk",
    str(BLOCK_MAX + 1) + ".blk",
    "1.blk.blk",
    "copy of 1.blk",
]


def config_of(folder: Path, key: bool = False) -> FileConfig:
    return FileConfig("S", folder, block_size=400, keys=Keys("k", "A", "chacha") if key else None)


def fill(config: FileConfig) -> None:
    store = FileStore(config, disk=QuickDisk())
    for seq in range(1, COUNT + 1):
        store.append(b"s", None, b"%04d" % seq * 8, seq)
    store.close()


@pytest.mark.parametrize("content", [b"", b"something"])
@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("key", [False, True])
def test_stray_blocks_take_nothing_away(
    tmp_path: Path, content: bytes, indexed: bool, key: bool
) -> None:
    config = config_of(tmp_path, key)
    fill(config)
    messages = tmp_path / "msgs"
    names = [*STRAYS, *(name.replace("blk", "key") for name in STRAYS)]
    for name in names:
        (messages / name).write_bytes(content)
    for _ in range(3):
        if not indexed:
            (messages / "index.db").unlink()
        told: list[str] = []
        store = FileStore(config, disk=QuickDisk(), on_remark=told.append)
        assert [seq for seq, _ in store.oldest()] == list(range(1, COUNT + 1))
        assert [store.load(seq).payload for seq in (1, COUNT)] == [b"0001" * 8, b"%04d" % COUNT * 8]
        assert store.problems == []
        assert len(told) == 1 and "stray" in told[0] and "'01.blk'" in told[0]
        store.close()
    store = FileStore(config, disk=QuickDisk())
    store.purge()
    store.append(b"s", None, b"last", COUNT + 1)
    store.close()
    assert {name: (messages / name).read_bytes() for name in names} == dict.fromkeys(names, content)


def test_a_key_without_its_block_keeps_its_number(tmp_path: Path) -> None:
    config = config_of(tmp_path, key=True)
    fill(config)
    (tmp_path / "msgs" / "4000.key").write_bytes(b"of a block that may come back")
    store = FileStore(config, disk=QuickDisk())
    store.append_many([(b"s", None, b"x" * 100)] * 10, COUNT + 1)
    store.close()
    assert (tmp_path / "msgs" / "4000.key").read_bytes() == b"of a block that may come back"
    assert (tmp_path / "msgs" / "4001.blk").exists()


def test_no_block_gets_a_name_that_is_not_read_again(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    fill(config)
    (tmp_path / "msgs" / f"{BLOCK_MAX}.blk").write_bytes(b"")
    store = FileStore(config, disk=QuickDisk())
    kept = COUNT
    with pytest.raises(StoreFull):
        for _ in range(COUNT):
            kept = store.append(b"s", None, b"x" * 100, COUNT + 1)
            store.flush()
    store.close()
    store = FileStore(config, disk=QuickDisk())
    assert store.last_seq == kept > COUNT
    assert store.msgs == kept
    store.close()


@pytest.mark.parametrize("name", ["msgs/01.blk", "msgs/١.blk", "msgs/9999999999.blk"])
def test_backups_with_such_names_are_refused(tmp_path: Path, name: str) -> None:
    plain = tarfile.TarInfo(name).tobuf(tarfile.PAX_FORMAT) + bytes(1024)
    source = io.BytesIO(s2.IDENTIFIER + s2.encode_chunks(plain))
    with pytest.raises(BadArchive, match="unexpected content"):
        for _ in unpack_snapshot(source, "S", tmp_path / "S", tmp_path / "staging", 1 << 20):
            pass
