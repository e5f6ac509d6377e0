"""Whatever happens to a block: exactly what it had is named as lost, at the first start that finds
it missing and at every later one, and served again when the good file is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_server.jetstream.store import CorruptRecord, FileConfig, SequenceNotFound
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.inventory.losses import LOST, Losses

from tests.support.crashdisk import QuickDisk

COUNT = 60
RECORD = 30 + len(b"t.0") + len(b"value 00")
PER_BLOCK = 400 // RECORD


def config_of(folder: Path) -> FileConfig:
    return FileConfig("S", folder, block_size=400)


def opened(folder: Path) -> FileStore:
    return FileStore(config_of(folder), disk=QuickDisk())


def committed(store: FileStore) -> None:
    seen: list[object] = []
    store.commit(seen.append)
    assert seen == [None]


def make(folder: Path, stop: str) -> None:
    """A stream of several blocks, stopped or killed."""
    live = folder.with_name("live") if stop == "kill" else folder
    store = opened(live)
    for i in range(COUNT):
        store.append(b"t.%d" % (i % 3), None, b"value %02d" % (i + 1), i + 1)
        committed(store)
    if stop == "kill":
        shutil.copytree(live, folder)
    store.close()


def held(folder: Path) -> dict[int, list[int]]:
    """The sequences in each block, by its number."""
    copy = folder.with_name("look")
    shutil.copytree(folder, copy)
    store = opened(copy)
    found = {}
    for block in store.blocks:
        if not block.loaded:
            store.load_block(block)
        found[block.index] = [row[0] for row in block.live()]
    store.close(keep=False)
    shutil.rmtree(copy)
    return found


def served(store: FileStore) -> list[int]:
    out = []
    for seq in range(1, store.last_seq + 1):
        try:
            message = store.load(seq)
        except (SequenceNotFound, CorruptRecord):
            continue
        if seq <= COUNT:
            assert message.payload == b"value %02d" % seq
        out.append(seq)
    return out


def halve(path: Path) -> int:
    """Cut in the middle of a record; how many are left."""
    data = path.read_bytes()
    size = len(data) // 2 // RECORD * RECORD + RECORD // 2
    path.write_bytes(data[:size])
    return size // RECORD


def cut_at_a_record(path: Path) -> int:
    path.write_bytes(path.read_bytes()[: 2 * RECORD])
    return 2


def zero(path: Path) -> int:
    path.write_bytes(bytes(path.stat().st_size))
    return 0


def empty(path: Path) -> int:
    path.write_bytes(b"")
    return 0


def delete(path: Path) -> int:
    path.unlink()
    return 0


DAMAGES = [delete, zero, empty, halve, cut_at_a_record]
Damage = Callable[[Path], int]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("stop", "where"),
    # What the newest block had after a kill: see below.
    [("clean", "first"), ("clean", "middle"), ("clean", "newest"), ("kill", "first"),
     ("kill", "middle")],
)  # fmt: skip
def test_what_a_block_loses_is_named_at_every_start_until_it_is_back(
    scratch: Path, stop: str, where: str, damage: Damage
) -> None:
    home = scratch / "s"
    make(home, stop)
    blocks = held(home)
    number = {"first": 1, "middle": len(blocks) // 2, "newest": max(blocks)}[where]
    path = home / "msgs" / f"{number}.blk"
    good = path.read_bytes()
    left = damage(path)
    expected = blocks[number][left:]
    others = [seq for seq in range(1, COUNT + 1) if seq not in expected]
    for start in range(3):
        store = opened(home)
        served(store)
        assert list(store.lost) == expected, f"start {start}"
        assert served(store) == [*others, *range(COUNT + 1, COUNT + 1 + start)]
        assert store.msgs == len(others) + start
        assert store.append(b"t.0", None, b"more", 99) == COUNT + 1 + start, "a sequence came twice"
        committed(store)
        assert sum("lost" in problem for problem in store.problems) == 1, store.problems
        if start == 1:  # killed
            shutil.rmtree(scratch / "copy", ignore_errors=True)
            shutil.copytree(home, scratch / "copy")
            store.close()
            shutil.rmtree(home)
            (scratch / "copy").rename(home)
        else:
            store.close()
    path.write_bytes(good)
    for _ in range(2):
        store = opened(home)
        assert list(store.lost) == []
        assert served(store) == list(range(1, COUNT + 4))
        assert store.msgs == COUNT + 3
        assert store.problems == []
        store.close()
    assert not (home / LOST).exists()


@pytest.mark.parametrize("damage", [delete, zero, empty])
def test_of_the_newest_block_the_first_message_is_known_after_a_kill(
    scratch: Path, damage: Damage
) -> None:
    home = scratch / "s"
    make(home, "kill")
    blocks = held(home)
    path = home / "msgs" / f"{max(blocks)}.blk"
    good = path.read_bytes()
    damage(path)
    first = blocks[max(blocks)][0]
    for start in range(2):
        store = opened(home)
        assert list(store.lost) == [first]
        assert store.append(b"t.0", None, b"more", 99) == first + 1 + start
        committed(store)
        store.close()
    path.write_bytes(good)
    for _ in range(2):
        store = opened(home)
        assert (list(store.lost), store.problems) == ([], [])
        assert store.load(first).payload == b"value %02d" % first
        assert [store.load(first + n).payload for n in (1, 2)] == [b"more", b"more"]
        assert store.msgs == first + 2
        store.close()


def test_a_missing_folder_of_messages_is_named_and_no_sequence_comes_twice(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "kill")
    blocks = held(home)
    shutil.rmtree(home / "msgs")
    (home / "meta.inf").write_bytes(b"{}")
    for start in range(2):
        store = opened(home)
        assert ("msgs/ is missing" in store.problems) == (start == 0)
        assert list(store.lost) == list(range(1, blocks[max(blocks)][0] + 1))
        assert store.append(b"t.0", None, b"more", 99) == blocks[max(blocks)][0] + 1 + start
        committed(store)
        assert store.msgs == 1 + start
        store.close()


def test_an_acknowledged_loss_is_named_no_more_and_its_file_may_go(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "clean")
    delete(home / "msgs" / "1.blk")
    opened(home).close()
    losses = Losses.decoded((home / LOST).read_bytes())
    assert losses.acknowledge(1, COUNT, 7) == [(1, PER_BLOCK)]
    (home / LOST).write_bytes(losses.encoded())
    store = opened(home)
    assert (list(store.lost), store.problems) == ([], [])
    assert store.first_seq == PER_BLOCK + 1
    store.close()


def test_a_damaged_file_that_has_to_go_is_kept_in_quarantine(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "clean")
    path = home / "msgs" / "2.blk"
    data = bytearray(path.read_bytes())
    data[RECORD + 25] ^= 1
    path.write_bytes(data)
    store = opened(home)
    assert store.get(PER_BLOCK + 2) is None  # nothing has shown the damage before
    store.purge()
    committed(store)
    store.close()
    assert [file.read_bytes() for file in (home / "quarantine").iterdir()] == [bytes(data)]
    assert not path.exists()


def killed_behind_its_index(scratch: Path) -> Path:
    """A stream stopped in order, and in `killed` as a kill leaves it that has stored more than
    index.db knows."""
    home = scratch / "s"
    make(home, "clean")
    store = opened(home)
    store.append(b"t.0", None, b"more", 99)
    committed(store)
    shutil.copytree(home, scratch / "killed")
    store.close()
    return home


def test_blocks_that_another_server_may_have_removed_are_not_called_lost(scratch: Path) -> None:
    """Killed, it leaves an old index.db behind; and it removes the ledger of what it opens."""
    home = killed_behind_its_index(scratch)
    (scratch / "stopped").mkdir()
    shutil.copytree(home, scratch / "stopped", dirs_exist_ok=True)
    for folder, lost in (("killed", []), ("stopped", list(range(1, PER_BLOCK + 1)))):
        shutil.rmtree(scratch / folder / "__msgs__")
        (scratch / folder / "msgs" / "1.blk").unlink()
        again = opened(scratch / folder)
        assert list(again.lost) == lost
        assert again.msgs == COUNT + 1 - PER_BLOCK
        again.close()


def test_an_index_without_a_ledger_names_what_damage_has_taken(scratch: Path) -> None:
    killed_behind_its_index(scratch)
    shutil.rmtree(scratch / "killed" / "__msgs__")
    zero(scratch / "killed" / "msgs" / "1.blk")
    again = opened(scratch / "killed")
    assert again.get(1) is None
    assert list(again.lost) == list(range(1, PER_BLOCK + 1))
    again.close()


@pytest.mark.parametrize("way", ["limits", "purge", "everything", "ages"])
def test_limits_ages_and_purges_pass_what_is_lost(scratch: Path, way: str) -> None:
    home = scratch / "s"
    make(home, "clean")
    zero(home / "msgs" / "1.blk")
    store = opened(home)
    assert store.get(1) is None
    assert list(store.lost) == list(range(1, PER_BLOCK + 1))
    committed(store)
    if way == "limits":
        store.enforce_limits(max_msgs=5)
    elif way == "purge":
        store.purge(up_to=COUNT - 4)
    elif way == "everything":
        store.purge()
    else:
        now = (1 << 62) - 1
        for seq, *_ in list(store.expired(now, 1000)):
            store.remove(seq)
    committed(store)
    assert list(store.lost) == []
    store.close()
    again = opened(home)
    assert (list(again.lost), again.problems) == ([], [])
    assert again.msgs == (5 if way in ("limits", "purge") else 0)
    again.close()
    assert not (home / LOST).exists()


def test_explicit_deletes_do_not_give_up_what_is_lost_before_them(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "clean")
    good = (home / "msgs" / "1.blk").read_bytes()
    zero(home / "msgs" / "1.blk")
    store = opened(home)
    assert store.get(1) is None
    for seq in range(PER_BLOCK + 1, 3 * PER_BLOCK + 1):  # two blocks die
        store.remove(seq)
    committed(store)
    assert store.first_seq == 3 * PER_BLOCK + 1
    store.close()
    (home / "msgs" / "1.blk").write_bytes(good)
    again = opened(home)
    assert list(again.lost) == []
    expected = [*range(1, PER_BLOCK + 1), *range(3 * PER_BLOCK + 1, COUNT + 1)]
    assert served(again) == expected
    again.close()


def test_a_loss_found_while_serving_is_written_down(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "clean")
    data = bytearray((home / "msgs" / "2.blk").read_bytes())
    data[RECORD + 25] ^= 1  # of the second record: nothing shows it before it is read
    (home / "msgs" / "2.blk").write_bytes(data)
    store = opened(home)
    assert list(store.lost) == []
    lost = PER_BLOCK + 2
    for _ in range(3):
        assert store.get(lost) is None
    assert (list(store.lost), store.msgs) == ([lost], COUNT - 1)
    assert len(store.problems) == 1
    committed(store)
    assert list(Losses.decoded((home / LOST).read_bytes()).sequences) == [lost]
    store.close()
    again = opened(home)
    assert (list(again.lost), again.msgs) == ([lost], COUNT - 1)
    assert again.subject_totals(b">") == {
        b"t.%d" % n: sum(s % 3 == (n + 1) % 3 for s in range(1, COUNT + 1) if s != lost)
        for n in range(3)
    }
    again.close()


def test_a_torn_end_that_nobody_was_told_of_is_no_damage(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "kill")
    newest = max(home.glob("msgs/*.blk"), key=lambda path: int(path.stem))
    with newest.open("ab") as file:
        file.write(b"\x40\x00\x00\x00torn")
    for _ in range(2):
        store = opened(home)
        assert (list(store.lost), store.problems) == ([], [])
        assert store.msgs == COUNT
        store.close()
    assert not (home / "quarantine").exists()


def test_an_erased_message_is_not_called_lost_after_a_kill(scratch: Path) -> None:
    home = scratch / "s"
    make(home, "clean")
    store = opened(home)
    store.erase(5)
    committed(store)
    shutil.copytree(home, scratch / "killed")
    store.close()
    again = opened(scratch / "killed")
    assert (list(again.lost), again.problems, again.msgs) == ([], [], COUNT - 1)
    again.close()
