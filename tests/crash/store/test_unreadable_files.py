"""One file that cannot be read takes no other message away, and nothing on the disk: when it can be
read again, everything is there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, SequenceNotFound, StoreError, StoreFailed
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import QuickDisk

COUNT = 40
GONE = 7  # deleted long ago
LATE = 8  # deleted last, which the newest block tells of


class FailingDisk(QuickDisk):
    """Reading some files fails."""

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self.number = number

    def read(self, path: Path) -> bytes:
        if path == self.path:
            raise OSError(self.number, os.strerror(self.number), str(path))
        return super().read(path)

    def open(self, path: Path) -> int:
        if path == self.path:
            raise OSError(self.number, os.strerror(self.number), str(path))
        return super().open(path)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "something").write_bytes(b"of somebody")


def _nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("on a disk that is not mounted"))


LAID: dict[str, Callable[[Path], None]] = {
    "folder": _folder,
    "pipe": lambda path: os.mkfifo(path),
    "nowhere": _nowhere,
    "circle": lambda path: path.symlink_to(path),
}
FAILS = {"permission": errno.EACCES, "disk": errno.EIO}
WAYS = [*LAID, *FAILS]


class Home:
    """A stream's folder of which one file cannot be read."""

    def __init__(self, folder: Path, sealed: bool = False, indexed: bool = True) -> None:
        keys = Keys("k", "A", "chacha") if sealed else None
        self.config = FileConfig("S", folder / "S", block_size=400, keys=keys)
        self.aside = folder / "aside"
        store = FileStore(self.config, disk=QuickDisk())
        for seq in range(1, COUNT + 1):
            store.append(b"s.%d" % (seq % 3), None, body(seq), seq)
            if seq == COUNT // 2:
                store.remove(GONE)
        self.live = set(range(1, COUNT + 1)) - {GONE}
        if indexed:
            store.remove(LATE)
            self.live.discard(LATE)
        store.write_meta({"name": "S"})
        store.close()
        self.owners = {block.index: range(block.first_seq, block.last_seq + 1)
                       for block in store.blocks}  # fmt: skip
        if not indexed:
            (self.messages / "index.db").unlink()

    @property
    def messages(self) -> Path:
        return self.config.folder / "msgs"

    def opened(self, disk: QuickDisk | None = None) -> FileStore:
        return FileStore(self.config, disk=disk or QuickDisk())

    def spoiled(self, path: Path, way: str) -> FileStore:
        if way in FAILS:
            return self.opened(FailingDisk(path, FAILS[way]))
        path.rename(self.aside)
        LAID[way](path)
        return self.opened()

    def mend(self, path: Path, way: str) -> None:
        if way not in FAILS:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            self.aside.rename(path)

    def contents(self) -> dict[str, Any]:
        return {
            str(path.relative_to(self.config.folder)): (
                path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else 0
            )
            for path in self.config.folder.rglob("*")
        }


def body(seq: int) -> bytes:
    return b"%04d" % seq * 8


def served(store: FileStore) -> set[int]:
    found = set()
    for seq in range(1, COUNT + 1):
        try:
            message = store.load(seq)
        except SequenceNotFound:
            continue
        except StoreError as error:
            assert "cannot be read" in str(error)
            continue
        assert message.payload == body(seq)
        found.add(seq)
    return found


def check_whole(home: Home) -> None:
    store = home.opened()
    assert store.problems == []
    assert store.failed is None
    assert served(store) == home.live
    assert not store.lost
    assert store.append(b"s.1", None, b"", COUNT + 1) > COUNT
    store.close()


def check_held(store: FileStore, name: str) -> None:
    """It says why it takes no changes, and takes none."""
    assert store.failed is not None and name in str(store.failed)
    assert any("read-only" in problem and name in problem for problem in store.problems)
    with pytest.raises(StoreFailed, match="read-only"):
        store.append(b"s.1", None, b"", COUNT + 1)
    for change in (
        lambda: store.remove(2),
        lambda: store.erase(3),
        lambda: store.purge(),
        lambda: store.truncate(5),
        lambda: store.compact(9),
        lambda: store.skip(1, 99),
    ):
        with pytest.raises(StoreError):
            change()
    failures: list[StoreError | None] = []
    store.commit(failures.append)
    assert isinstance(failures[0], StoreFailed)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("which", ["first", "middle", "newest"])
@pytest.mark.parametrize("way", WAYS)
def test_an_unreadable_block_without_an_index(
    tmp_path: Path, way: str, which: str, sealed: bool
) -> None:
    home = Home(tmp_path, sealed, indexed=False)
    numbers = sorted(home.owners)
    number = {"first": numbers[0], "middle": numbers[2], "newest": numbers[-1]}[which]
    path = home.messages / f"{number}.blk"
    store = home.spoiled(path, way)
    before = home.contents()
    lacking = set(home.owners[number])
    assert served(store) == home.live - lacking
    assert not lacking & set(store.lost)
    for seq in lacking:
        with pytest.raises(StoreError, match=r"blk cannot be read"):
            store.load(seq)
    assert store.whole_to == min(lacking) - 1
    check_held(store, path.name)
    store.close()
    assert home.contents() == before
    home.mend(path, way)
    check_whole(home)


@pytest.mark.parametrize("way", WAYS)
def test_an_old_block_that_the_index_knows_is_looked_for_again(tmp_path: Path, way: str) -> None:
    home = Home(tmp_path)
    number = sorted(home.owners)[1]
    path, lacking = home.messages / f"{number}.blk", set(home.owners[number])
    store = home.spoiled(path, way)
    assert store.failed is None
    assert served(store) == home.live - lacking
    assert not store.lost
    assert store.msgs == len(home.live)
    assert store.append(b"s.1", None, b"more", COUNT + 1) == COUNT + 1
    with pytest.raises(StoreError, match="cannot be read"):
        store.remove(min(lacking) + 1)
    store.close()
    home.mend(path, way)
    store = home.opened()
    assert served(store) == home.live
    assert store.last_seq == COUNT + 1
    assert store.problems == []
    store.close()


@pytest.mark.parametrize("way", WAYS)
def test_the_newest_block_holds_everything_up(tmp_path: Path, way: str) -> None:
    home = Home(tmp_path)
    number = max(home.owners)
    path, lacking = home.messages / f"{number}.blk", set(home.owners[number])
    store = home.spoiled(path, way)
    before = home.contents()
    assert served(store) == home.live - lacking
    assert store.last_seq == COUNT
    check_held(store, path.name)
    store.close()
    assert home.contents() == before
    home.mend(path, way)
    check_whole(home)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name", ["msgs/index.db", "sources.db", "lost.db", "__msgs__/ledger.db", "meta.key"]
)
def test_other_unreadable_files(tmp_path: Path, name: str, way: str) -> None:
    home = Home(tmp_path, sealed=True)
    path = home.config.folder / name
    if name in ("sources.db", "lost.db"):
        path.touch()
    store = home.spoiled(path, way)
    before = home.contents()
    assert served(store) == home.live
    check_held(store, path.name)
    store.close()
    assert home.contents() == before
    home.mend(path, way)
    if name in ("sources.db", "lost.db"):
        path.unlink()
    check_whole(home)


def test_no_folder_for_the_ledger_takes_nothing_away(tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.rmtree(home.config.folder / "__msgs__")
    (home.config.folder / "__msgs__").write_bytes(b"of somebody")
    store = home.opened()
    assert served(store) == home.live
    store.purge(up_to=COUNT // 2)
    store.append(b"s.1", None, b"x" * 300, COUNT + 1)
    store.append(b"s.1", None, b"x" * 300, COUNT + 2)
    store.close()
    store = home.opened()
    assert store.failed is None and store.problems == []
    assert (store.first_seq, store.last_seq) == (COUNT // 2, COUNT + 2)
    store.close()
    assert (home.config.folder / "__msgs__").read_bytes() == b"of somebody"


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("which", ["middle", "newest"])
@pytest.mark.parametrize("way", WAYS)
def test_an_unreadable_key_of_a_block(tmp_path: Path, way: str, which: str, indexed: bool) -> None:
    home = Home(tmp_path, sealed=True, indexed=indexed)
    number = sorted(home.owners)[2 if which == "middle" else -1]
    path, lacking = home.messages / f"{number}.key", set(home.owners[number])
    store = home.spoiled(path, way)
    before = home.contents()
    assert served(store) == home.live - lacking
    assert not store.lost
    if store.failed is not None:
        check_held(store, f"{number}.blk")
        store.close()
        assert home.contents() == before
    else:
        assert indexed and which == "middle"
        store.close()
    home.mend(path, way)
    check_whole(home)


@pytest.mark.parametrize("way", [*LAID, "file"])
def test_damage_that_cannot_be_kept_aside_stays_where_it_is(tmp_path: Path, way: str) -> None:
    home = Home(tmp_path)
    path = home.messages / f"{max(home.owners)}.blk"
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    quarantine = home.config.folder / "quarantine"
    if way == "folder":
        quarantine.symlink_to("/proc/self/fd")  # one in which nothing can be made
    elif way == "file":
        quarantine.write_bytes(b"of somebody")
    else:
        LAID[way](quarantine)
    store = home.opened()
    before = home.contents()
    assert served(store) == home.live
    check_held(store, "quarantine")
    store.close()
    assert home.contents() == before
    quarantine.unlink()
    path.write_bytes(content)
    check_whole(home)
