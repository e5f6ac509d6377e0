"""How far sources have come survives power cuts: nothing that was taken over comes again, and
nothing that was lost is left out."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pynats_server.core.protocol import headers
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.jetstream.store.format.sources_db import Place
from pynats_server.jetstream.stream.copying.names import SourceName, header_value
from pynats_server.jetstream.stream.copying.places import find_places
from pynats_server.work import finish

from tests.support.crashdisk import CrashDisk, QuickDisk
from tests.support.faultdisk import LookedDisk

FORMS = ["plain", "s2", "chacha"]
NAMES = [SourceName(origin, b">", b">") for origin in (b"A", b"B")]
KEYS = [name.whole for name in NAMES]


def places_of(store: FileStore) -> dict[bytes, int]:
    """What a stream finds that begins to follow its sources."""
    finish(find_places(store, KEYS))
    return {key: store.places.known[key].seq for key in KEYS}


class Script:
    """Random work on a stream with two sources."""

    def __init__(self, config: FileConfig, disk: CrashDisk, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = FileStore(config, disk=disk)
        places_of(self.store)
        self.limit = self.chance.choice((2, 5, 30))
        self.copies: dict[bytes, dict[int, int]] = {key: {} for key in KEYS}  # theirs -> ours
        self.at = dict.fromkeys(KEYS, 0)
        self.committed = dict(self.at)
        self.removing = 0  # a removal has begun that may take messages up to this one

    def copy(self, which: int) -> None:
        key, store = KEYS[which], self.store
        self.at[key] = seq = self.at[key] + self.chance.randrange(1, 4)
        block = headers.build(
            ((b"Nats-Stream-Source", header_value(NAMES[which], seq, b"o", b"I")),)
        )
        mine = store.append(b"o.%d" % which, block, b"x" * self.chance.randrange(30), 1)
        store.places.copied(key, Place(seq, b"I"), mine)
        self.copies[key][seq] = mine

    def step(self) -> None:
        chance, store = self.chance, self.store
        before = {seq for seq, _ in store.oldest()}
        kind = chance.randrange(14)
        self.removing = store.last_seq if kind < 4 else 0
        if kind == 0 and before:
            store.remove(chance.choice(sorted(before)))
        elif kind == 1 and before:
            store.erase(max(before))
        elif kind == 2:
            store.purge(chance.choice((b"o.0", b"o.1", b"own", b">")), keep=chance.randrange(2))
        elif kind == 3:
            store.purge()
        elif kind == 4:
            store.save_index()
        elif kind < 9:
            for _ in range(chance.randrange(1, 4)):
                store.append(b"own", None, b"mine" * chance.randrange(9), 1)
                store.enforce_limits(self.limit, 0, 0, b"own")
        else:
            for _ in range(chance.randrange(1, 4)):
                self.copy(chance.randrange(2))
                store.enforce_limits(self.limit, 0, 0, b"o")
        if chance.random() < 0.8:
            store.flush()
        self.removing = 0

    def commit(self) -> None:
        seen: list[Any] = []
        self.store.commit(seen.append)
        assert seen == [None]
        self.store.places.kept(self.store.last_seq)
        self.committed = dict(self.at)

    def check(self, back: FileStore, where: str) -> None:
        kept = {seq for seq, _ in back.oldest()} | set(back.lost)
        for key, place in places_of(back).items():
            assert place >= self.committed[key], f"{where}: {key!r} forgets {self.committed[key]}"
            for theirs, mine in self.copies[key].items():
                removed = mine <= self.removing or not self.store.is_live(mine)
                if self.committed[key] < theirs <= place and not removed:
                    # Unsynced writes may get lost out of order: then a younger message is there.
                    assert mine <= max(kept, default=0), f"{where}: {key!r} {theirs} is left out"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(4))
def test_every_crash_image_knows_the_places(scratch: Path, form: str, seed: int) -> None:
    root, image = scratch / "live", scratch / "image"
    keys = Keys("k", "A", "chacha") if form == "chacha" else None
    config = FileConfig("S", root, block_size=500, compress=form == "s2", keys=keys)
    moved = replace(config, folder=image)
    chance = random.Random(seed)
    script: Script | None = None

    def look() -> None:
        if script is None:
            return
        for _ in disk.images(1, chance, image):
            back = FileStore(moved, disk=QuickDisk())
            script.check(back, "an image")
            if chance.random() < 0.5:
                back.close()  # with what it has found
            shutil.rmtree(scratch / "again", ignore_errors=True)
            shutil.copytree(image, scratch / "again")
            again = FileStore(replace(moved, folder=scratch / "again"), disk=QuickDisk())
            script.check(again, "a second start")
            again.close()
            back.close()

    disk = LookedDisk(root, look, in_order=True)
    script = Script(config, disk, seed)
    script.commit()
    for _ in range(60):
        script.step()
        if chance.random() < 0.3:
            script.commit()
            look()
    script.store.close()
    back = FileStore(config)
    assert places_of(back) == script.at
    back.close()
