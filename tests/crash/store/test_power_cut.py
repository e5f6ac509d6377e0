"""Power cuts at every step: any subset of unsynced writes and names may be gone."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import CrashDisk, QuickDisk

FORMS = ["plain", "limits", "s2", "chacha"]


class Script:
    """Random operations on a store; tracks what is certain and what a crash may undo."""

    def __init__(self, config: FileConfig, disk: CrashDisk, form: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = FileStore(config, disk=disk)
        self.form = form
        self.in_order = disk.in_order
        self.written: dict[int, bytes] = {}
        self.live: set[int] = set()  # certain to exist
        self.gone: set[int] = set()  # certain to be gone
        self.doubt: set[int] = set()  # removed since the last commit

    def step(self, number: int) -> None:
        chance, store = self.chance, self.store
        kind = chance.randrange(12)
        before = {seq for seq, _ in store.oldest()}
        if kind == 0 and before:
            store.remove(chance.choice(sorted(before)))
        elif kind == 1 and before:
            store.erase(chance.choice(sorted(before)))
        elif kind == 2:
            store.purge(b"a.%d" % chance.randrange(3), keep=chance.randrange(3))
        elif kind == 3 and before:
            store.compact(chance.choice(sorted(before)))
        elif kind == 4:
            store.save_index()
        else:
            for _ in range(chance.randrange(1, 5)):
                subject = b"a.%d" % chance.randrange(3)
                payload = b"%d " % number + chance.randbytes(chance.randrange(40)).hex().encode()
                self.written[store.append(subject, None, payload, number + 1)] = payload
                if self.form == "limits":
                    store.enforce_limits(12, 0, 5, subject)
        store.flush()
        self.doubt |= before - {seq for seq, _ in store.oldest()}

    def commit(self) -> None:
        seen: list[StoreError | None] = []
        self.store.commit(seen.append)
        assert seen == [None]
        self.live = {seq for seq, _ in self.store.oldest()}
        self.gone = set(self.written) - self.live
        self.doubt = set()

    def check(self, back: FileStore, where: str) -> None:
        found = {seq for seq, _ in back.oldest()}
        assert not found & self.gone, f"{where}: {found & self.gone} came back"
        missing = self.live - self.doubt - found
        assert not missing, f"{where}: {missing} lost ({back.problems})"
        for seq in found:
            assert back.load(seq).payload == self.written[seq], where
        named = set(back.state().lost)
        if not self.in_order:  # else a gap before intact records may have been durable, or not
            named &= self.gone | (self.live - self.doubt)
        assert not named, f"{where}: {named} called lost"
        assert back.last_seq >= max(self.live | self.gone, default=0), where


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("in_order", [False, True])
def test_every_crash_image_keeps_what_was_committed(
    scratch: Path, form: str, seed: int, in_order: bool
) -> None:
    root, image = scratch / "live", scratch / "image"
    cipher: Any = form if form == "chacha" else None
    keys = Keys("k", "A", cipher) if cipher else None
    disk = CrashDisk(root, in_order)
    config = FileConfig("S", root, block_size=400, compress=form == "s2", keys=keys)
    script = Script(config, disk, form, seed)
    script.commit()
    moved = FileConfig("S", image, block_size=400, compress=form == "s2", keys=keys)
    for number in range(40):
        script.step(number)
        for _ in disk.images(5, script.chance, image):
            back = FileStore(moved, disk=QuickDisk())
            script.check(back, f"step {number}")
            # Again from the result of this recovery, without and with its index.
            if script.chance.random() < 0.5:
                back.close()
            shutil.rmtree(scratch / "again", ignore_errors=True)
            shutil.copytree(image, scratch / "again")
            again = FileStore(replace(moved, folder=scratch / "again"), disk=QuickDisk())
            script.check(again, f"step {number}, second start")
            again.close()
            back.close()
        if script.chance.random() < 0.3:
            script.commit()
            for _ in disk.images(4, script.chance, image):
                back = FileStore(moved, disk=QuickDisk())
                script.check(back, f"commit after step {number}")
                back.close()
    script.store.close()
