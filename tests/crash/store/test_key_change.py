"""A change of key that a crash, a power cut or a full disk ends anywhere: nothing is lost, the next
start goes on, and the way back is open."""

from __future__ import annotations

import contextlib
import errno
import random
import shutil
import tracemalloc
from pathlib import Path

import pytest
from pynats_server.jetstream.store import BadKey, FileConfig
from pynats_server.jetstream.store.consumers.folder import StoredConsumer, create_consumer
from pynats_server.jetstream.store.consumers.recovery import Extent, recover_consumers
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.consumer_state import ConsumerState
from pynats_server.jetstream.store.rekeying.folder import changing_key, refuse_encrypted
from pynats_server.jetstream.store.rekeying.ring import KeyLost, KeyRing, Unreadable
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
            assert "full" in str(error)
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


def blocks_of(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in (folder / "msgs").glob("*.blk"))


def take_block(source: Path, target: Path, number: int) -> None:
    """Puts a block of one folder into another, with its key."""
    for name in (f"msgs/{number}.blk", f"msgs/{number}.key"):
        (target / name).unlink(missing_ok=True)
        if (source / name).exists():
            shutil.copy(source / name, target / name)


@pytest.mark.parametrize("own", [0, 1, 2], ids=["clear", "earlier", "current"])
def test_a_folder_with_files_of_every_kind_is_served_whole(scratch: Path, own: int) -> None:
    """`own`: what the stream's own documents are under. nats-server leaves such folders, too."""
    earlier, current = Form("A", "chacha"), Form("B", "aes")
    golden = [scratch / name for name in ("clear", "earlier", "current")]
    expected = fill(golden[0], CLEAR)
    for folder, form in zip(golden[1:], (earlier, current), strict=True):
        change(copied(golden[0], folder), form.ring())
    numbers = blocks_of(golden[0])
    assert len(numbers) > 2
    chance = random.Random(own)
    for consumer in golden:
        for _ in range(4):
            folder = copied(golden[own], scratch / "T")
            for number in numbers:
                take_block(chance.choice(golden), folder, number)
            shutil.rmtree(folder / "obs")
            shutil.copytree(consumer / "obs", folder / "obs")
            change(folder, current.ring("A"))
            assert unsettled(folder, current) == []
            assert contents(folder, current) == expected


@pytest.mark.parametrize("half", ["key", "key.next"])
def test_a_block_in_the_clear_with_a_key_already_is_encrypted(scratch: Path, half: str) -> None:
    # nats-server writes a block's key before its content; we write it beside.
    folder, current = scratch / "T", Form("B", "aes")
    expected = fill(folder, CLEAR)
    assert current.keys is not None
    for number in blocks_of(folder):
        sealed, _ = current.keys.create(f"T:{number}", random.Random(number).randbytes)
        (folder / "msgs" / f"{number}.{half}").write_bytes(sealed)
    change(folder, current.ring())
    assert unsettled(folder, current) == []
    assert contents(folder, current) == expected


def test_a_block_whose_key_is_lost_stays_as_it_is(scratch: Path) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "aes")
    fill(folder, old)
    first, second, *_ = blocks_of(folder)
    (folder / "msgs" / f"{first}.key").write_bytes(bytes(64))
    (folder / "msgs" / f"{second}.key").unlink()
    kept = [(folder / "msgs" / f"{number}.blk").read_bytes() for number in (first, second)]
    change(folder, new.ring("A"))
    assert [(folder / "msgs" / f"{number}.blk").read_bytes() for number in (first, second)] == kept
    assert (folder / "msgs" / f"{first}.key").read_bytes() == bytes(64)
    assert not (folder / "msgs" / f"{second}.key").exists()


@pytest.mark.parametrize("after", [Form("A", "aes"), Form("B", "chacha")], ids=["same", "another"])
def test_a_lost_stream_key_is_named_and_costs_no_message(scratch: Path, after: Form) -> None:
    # nats-server removes it before it changes the blocks, and writes a new one at the end.
    folder, before = scratch / "T", Form("A", "aes")
    expected = fill(folder, before)
    (folder / "meta.key").rename(scratch / "meta.key")
    whole = digest(folder)
    for _ in range(2):
        with pytest.raises(KeyLost, match=r"^meta.key: missing, and meta.inf is encrypted$"):
            change(folder, after.ring("A"))
    own = ("meta.inf", "meta.sum", "msgs/index.db")
    assert {name: digest(folder)[name] for name in own} == {name: whole[name] for name in own}
    assert (digest(folder) == whole) == (before == after)
    store = FileStore(after.config(folder))  # but for the configuration
    assert [seq for seq, _ in store.oldest()] == [seq for seq, *_ in expected]
    store.close()


@pytest.mark.parametrize("name", ["meta.sum", "obs/dur/meta.sum"])
def test_a_damaged_checksum_takes_no_configuration_away(scratch: Path, name: str) -> None:
    # nats-server writes it last, so it may be an older one, too. The key vouches for the content.
    folder, before, after = scratch / "T", Form("A", "aes"), Form("B", "chacha")
    expected = fill(folder, before)
    (folder / name).write_text("0" * 16)
    if name == "meta.sum":
        assert contents(folder, before) == expected
    change(folder, after.ring("A"))
    assert unsettled(folder, after) == []
    assert contents(folder, after) == expected


def test_a_lost_stream_key_may_come_back(scratch: Path) -> None:
    folder, before, after = scratch / "T", Form("A", "aes"), Form("B", "chacha")
    expected = fill(folder, before)
    (folder / "meta.key").rename(scratch / "meta.key")
    with pytest.raises(KeyLost):
        change(folder, after.ring("A"))
    (scratch / "meta.key").rename(folder / "meta.key")
    change(folder, after.ring("A"))
    assert unsettled(folder, after) == []
    assert contents(folder, after) == expected


def test_a_consumer_whose_key_is_lost_does_not_stop_the_others(scratch: Path) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "aes")
    fill(folder, old)
    shutil.copytree(folder / "obs" / "dur", folder / "obs" / "lost")
    whole = digest(folder / "obs" / "lost")
    change(folder, new.ring("A"))
    assert digest(folder / "obs" / "lost") == whole  # its key is another's
    shutil.rmtree(folder / "obs" / "lost")
    assert unsettled(folder, new) == []


@pytest.mark.parametrize("damaged", ["meta.inf", "o.dat"])
def test_what_helps_a_damaged_consumer_helps_under_the_new_key(scratch: Path, damaged: str) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "chacha")
    fill(folder, old)
    (folder / "obs" / "dur" / damaged).write_bytes(b"damaged")
    change(folder, new.ring("A"))
    config = new.config(folder)
    recovery = recover_consumers(config, Extent(40, lambda _: 1), 10**18)
    assert recovery.broken == {}
    [consumer] = recovery.consumers
    assert consumer.config["durable_name"] == "dur"
    assert consumer.state.ack_floor == (5, 5)
    assert any(damaged in problem for problem in consumer.problems)


UNREADABLE = ["msgs/1.blk", "msgs/1.key", "obs/dur/o.dat", "obs/dur/meta.key", "msgs/index.db"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_waits_until_it_can_be_read(scratch: Path, name: str) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "aes")
    expected = fill(folder, old)
    aside = scratch / "aside"
    (folder / name).rename(aside)
    (folder / name).mkdir()
    assert change(folder, new.ring("A"))
    assert not change(folder, new.ring("A"))  # and no other file waits
    (folder / name).rmdir()
    aside.rename(folder / name)
    change(folder, new.ring("A"))
    if name == "msgs/index.db":  # made anew
        (folder / name).unlink()
    assert contents(folder, new) == expected
    assert unsettled(folder, new) == []


@pytest.mark.parametrize("name", ["meta.key", "meta.inf"])
def test_an_unreadable_document_of_the_stream_keeps_it_from_a_change(
    scratch: Path, name: str
) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "aes")
    expected = fill(folder, old)
    aside = scratch / "aside"
    (folder / name).rename(aside)
    (folder / name).mkdir()
    whole = digest(folder)
    with contextlib.suppress(Unreadable):
        assert not change(folder, new.ring("A"))
    assert digest(folder) == whole
    (folder / name).rmdir()
    aside.rename(folder / name)
    assert contents(folder, old) == expected
    change(folder, new.ring("A"))
    assert contents(folder, new) == expected


def test_very_many_consumers_change_side_by_side(scratch: Path) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "chacha")
    fill(folder, old)
    states = {f"c{number:03}": ConsumerState((number, 1), (number, 1)) for number in range(150)}
    for name, state in states.items():
        made = StoredConsumer(name, {"durable_name": name}, state)
        create_consumer(old.config(folder), made, 1, 40, folder / "built", 0.0, QuickDisk())
    assert change(folder, new.ring("A"), Disk())
    assert unsettled(folder, new) == []
    recovery = recover_consumers(new.config(folder), Extent(40, lambda _: 1), 10**18)
    assert recovery.broken == {}
    found = {each.name: each for each in recovery.consumers}
    assert [name for name, each in found.items() if each.problems] == []
    assert {name: found[name].state for name in states} == states


def test_blocks_of_many_pieces_are_as_in_one(scratch: Path) -> None:
    folder, old, new = scratch / "T", Form("A", "aes"), Form("B", "chacha")
    store = FileStore(FileConfig("T", folder, block_size=1 << 21, keys=old.keys))
    payloads = [random.Random(i).randbytes(300_001) for i in range(12)]
    for i, payload in enumerate(payloads):
        store.append(b"t", None, payload, i)
    store.write_meta({"name": "T"})
    store.close()
    change(folder, new.ring("A"))
    store = FileStore(FileConfig("T", folder, block_size=1 << 21, keys=new.keys))
    assert [store.load(seq).payload for seq, _ in store.oldest()] == payloads
    store.close()


def test_one_block_is_in_memory_at_a_time(scratch: Path) -> None:
    folder, size = scratch / "T", 200_000
    config = FileConfig("T", folder, block_size=size)
    store = FileStore(config)
    for i in range(100):
        store.append(b"t", None, bytes(size // 5), i)
        store.flush()
    store.write_meta({"name": "T"})
    store.close()
    assert len(blocks_of(folder)) > 15
    steps = changing_key(folder, "T", Form("B", "aes").ring(), QuickDisk())
    next(steps)
    tracemalloc.start()
    try:
        finish(steps)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * size
