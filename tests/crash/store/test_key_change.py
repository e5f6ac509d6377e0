"""A change of key that a crash, a power cut or a full disk ends anywhere: nothing is lost, the next
start goes on, and the way back is open."""

from __future__ import annotations

import contextlib
import errno
import random
from pathlib import Path

import pytest
from pynats_server.jetstream.store import BadKey
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.rekeying.folder import changing_key, refuse_encrypted
from pynats_server.jetstream.store.rekeying.ring import KeyRing
from pynats_server.work import finish

from tests.support.crashdisk import CrashDisk, Inode, QuickDisk
from tests.support.keyed_folders import Form, contents, copied, digest, fill, unsettled

CLEAR = Form()
FEW = [
    pytest.param(CLEAR, Form("B", "aes"), id="clear-aes"),
    pytest.param(Form("A", "aes"), Form("A", "chacha"), id="aes-chacha"),
    pytest.param(Form("A", "aes"), Form("B", "chacha"), id="another key and cipher"),
]
ALL = [
    *FEW,
    pytest.param(CLEAR, Form("B", "chacha"), id="clear-chacha"),
    pytest.param(Form("A", "chacha"), Form("A", "aes"), id="chacha-aes"),
    pytest.param(Form("A", "aes"), Form("B", "aes"), id="another key"),
]
SOME_CHANGES = pytest.mark.parametrize(("before", "after"), FEW)
CHANGES = pytest.mark.parametrize(("before", "after"), ALL)


class CountingDisk(QuickDisk):
    """Fails the nth operation and, if `lasting`, all later ones; without syncing, for speed."""

    def __init__(self, at: int = 1 << 60, lasting: bool = False) -> None:
        self.at, self.lasting, self.count = at, lasting, 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.at or (self.lasting and self.count > self.at):
            self.fail()

    def fail(self) -> None:
        raise NotImplementedError

    def open(self, path: Path) -> int:
        self.step()
        return super().open(path)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        try:
            self.step()
        except OSError:
            super().write(handle, data[: len(data) // 2], offset)
            raise
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.step()

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        if path.exists():
            self.step()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self.step()


class DyingDisk(CountingDisk):
    """The process ends there."""

    def fail(self) -> None:
        raise KeyboardInterrupt


class FullDisk(CountingDisk):
    """There is no room."""

    def fail(self) -> None:
        raise OSError(errno.ENOSPC, "full")


def change(folder: Path, ring: KeyRing, disk: Disk | None = None) -> bool:
    return finish(changing_key(folder, "T", ring, disk or QuickDisk()))


@CHANGES
def test_everything_is_under_the_new_key(scratch: Path, before: Form, after: Form) -> None:
    folder = scratch / "T"
    expected = fill(folder, before)
    told: list[bool] = []
    ring = after.ring(before.key)
    assert finish(changing_key(folder, "T", ring, on_begin=told.append))
    assert told == [before == CLEAR]
    assert unsettled(folder, after) == []
    whole = digest(folder)
    assert not change(folder, ring)
    assert not change(folder, after.ring())
    assert digest(folder) == whole
    assert contents(folder, after) == expected


@CHANGES
def test_a_crash_at_any_operation_loses_nothing(scratch: Path, before: Form, after: Form) -> None:
    golden = scratch / "golden"
    expected = fill(golden, before)
    ring = after.ring(before.key)
    count, finished = 0, False
    while not finished:
        count += 1
        folder = copied(golden, scratch / "T")
        try:
            change(folder, ring, DyingDisk(count))
            finished = True
        except KeyboardInterrupt:
            pass
        change(folder, ring)
        assert unsettled(folder, after) == [], count
        assert contents(folder, after) == expected, count
    assert count > 100


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@SOME_CHANGES
def test_a_full_disk_ends_it_anywhere_and_the_next_start_goes_on(
    scratch: Path, before: Form, after: Form, lasting: bool
) -> None:
    golden = scratch / "golden"
    expected = fill(golden, before)
    ring = after.ring(before.key)
    count, finished = 0, False
    while not finished:
        count += 1
        folder = copied(golden, scratch / "T")
        try:
            change(folder, ring, FullDisk(count, lasting))
            finished = True
        except OSError as error:
            assert error.errno == errno.ENOSPC
        change(folder, ring)
        assert unsettled(folder, after) == [], count
        assert contents(folder, after) == expected, count
    assert count > 100


def test_the_way_back_is_open_anywhere(scratch: Path) -> None:
    # The operator gives the old key again, and the new one as the previous; then a third.
    old, new, third = Form("A", "aes"), Form("B", "chacha"), Form("C", "aes")
    golden = scratch / "golden"
    expected = fill(golden, old)
    count, finished = 0, False
    while not finished:
        count += 1
        folder = copied(golden, scratch / "T")
        try:
            change(folder, new.ring("A"), DyingDisk(count))
            finished = True
        except KeyboardInterrupt:
            pass
        if count % 2:  # also interrupted, elsewhere
            with contextlib.suppress(KeyboardInterrupt):
                change(folder, old.ring("B"), DyingDisk(3 + count % 40))
        change(folder, old.ring("B"))
        assert unsettled(folder, old) == [], count
        assert contents(folder, old) == expected, count
        change(folder, third.ring("A"))
        assert unsettled(folder, third) == [], count
    assert contents(folder, third) == expected


@pytest.mark.parametrize("before", [CLEAR, Form("A", "aes")], ids=["clear", "encrypted"])
def test_an_interrupted_change_is_nobodys_without_its_keys(scratch: Path, before: Form) -> None:
    after = Form("B", "aes")
    golden = scratch / "golden"
    fill(golden, before)
    seen, count = set(), 0
    while "meta.key" not in seen:
        count += 1
        folder = copied(golden, scratch / "T")
        with pytest.raises(KeyboardInterrupt):
            change(folder, after.ring(before.key), DyingDisk(count))
        if not (folder / "meta.key.next").exists():
            continue
        whole = digest(folder)
        with pytest.raises(BadKey, match=r"meta.key(.next)?: encrypted, but no jetstream.key"):
            refuse_encrypted(folder)
        for key, prev in (("C", ""), ("C", "A"), ("A", "C"), ("A", "")):
            with pytest.raises(
                BadKey, match=r"^meta.key(.next)?: encrypted with another key than "
            ):
                change(folder, Form(key, "aes").ring(prev))
        assert digest(folder) == whole
        if not list(folder.rglob("obs/**/*.next")) and list(folder.rglob("obs/*/meta.key")):
            seen.add("meta.key")
        if count > 400:
            break
    assert seen


class WatchedDisk(CrashDisk):
    """Looks at a few images of a power cut before every change."""

    def __init__(self, folder: Path, image: Path, seed: int, rate: int) -> None:
        super().__init__(folder)
        for path in folder.rglob("*"):
            if path.is_file():
                self.names_now[path] = self.names_durable[path] = Inode(path.read_bytes())
        self.image, self.chance, self.rate = image, random.Random(seed), rate
        self.found: list[Path] = []

    def look(self) -> None:
        if self.chance.randrange(self.rate):
            return
        for image in self.images(2, self.chance, self.image):
            self.found.append(copied(image, self.image.with_name(f"image-{len(self.found)}")))

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.look()
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.look()
        super().sync(handle)

    def rename(self, source: Path, target: Path) -> None:
        self.look()
        super().rename(source, target)

    def sync_folder(self, folder: Path) -> None:
        self.look()
        super().sync_folder(folder)


@SOME_CHANGES
def test_a_power_cut_loses_nothing(scratch: Path, before: Form, after: Form) -> None:
    golden = scratch / "golden"
    expected = fill(golden, before)
    ring = after.ring(before.key)
    for seed in range(2):
        folder = copied(golden, scratch / "T")
        disk = WatchedDisk(folder, scratch / "image", seed, 4)
        change(folder, ring, disk)
        assert len(disk.found) > 20
        for image in disk.found:
            change(image, ring)
            assert unsettled(image, after) == []
            assert contents(image, after) == expected
