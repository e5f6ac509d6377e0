"""Consumers' folders after a power cut at any moment: all of a change or nothing of it, and states
that were synced are not lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    ConsumerFiles,
    StoredConsumer,
    create_consumer,
)
from pynats_server.jetstream.store.consumers.recovery import Extent, recover_consumers
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import QuickDisk
from tests.support.faultdisk import LookedDisk

LAST = 10_000
EXTENT = Extent(LAST, lambda _: 1)
KEYS = Keys("secret", "A")
NAMES = ("one", "two")


@dataclass
class Possible:
    """What a restart may find of one consumer: None stands for no consumer."""

    versions: set[int | None] = field(default_factory=lambda: {None})
    floors: set[int] = field(default_factory=lambda: {0})


class Script:
    """Random work on two consumers, and what may be found of it at every moment."""

    def __init__(self, home: Path, scratch: Path, seed: int, keys: Keys | None) -> None:
        self.chance = random.Random(seed)
        self.root, self.image = home, scratch
        self.keys = keys
        self.config = FileConfig("S", home / "S", keys=keys)
        self.disk = LookedDisk(home, self.look)
        self.files: dict[str, ConsumerFiles] = {}
        self.possible = {name: Possible() for name in NAMES}
        self.version = 0
        self.clock = 0.0
        self.looked = 0

    def look(self) -> None:
        for image in self.disk.images(1, self.chance, self.image):
            config = FileConfig("S", image / "S", keys=self.keys)
            found = recover_consumers(config, EXTENT, 0, QuickDisk())
            assert found.broken == {}
            by_name = {consumer.name: consumer for consumer in found.consumers}
            assert set(by_name) <= set(NAMES)
            for name, possible in self.possible.items():
                consumer = by_name.get(name)
                version = consumer.config["version"] if consumer is not None else None
                assert version in possible.versions, name
                if consumer is not None:
                    assert consumer.problems == []
                    assert consumer.state.ack_floor[1] in possible.floors, name
            self.looked += 1

    def step(self) -> None:
        name = self.chance.choice(NAMES)
        possible = self.possible[name]
        self.version += 1
        if name not in self.files:
            possible.versions.add(self.version)
            possible.floors = {start := self.chance.randrange(5)}
            stored = StoredConsumer(
                name, {"version": self.version}, ConsumerState((0, start), (0, start))
            )
            self.files[name] = create_consumer(
                self.config, stored, 0, LAST, self.root / f"new{self.version}", self.clock,
                self.disk, self.chance.randbytes,
            )  # fmt: skip
            possible.versions = {self.version}
            return
        files = self.files[name]
        kind = self.chance.randrange(8)
        if kind == 0:
            possible.versions.add(None)
            assert files.remove(self.root / f"old{self.version}") is None
            del self.files[name]
            possible.versions = {None}
        elif kind == 1:
            possible.versions.add(self.version)
            assert files.change({"version": self.version}, 0) is None
            possible.versions = {self.version}
        else:
            self.write(files, possible)

    def write(self, files: ConsumerFiles, possible: Possible) -> None:
        self.clock += self.chance.choice((0.0, 1.0, 200.0))
        # Also back, as a reset does.
        floor = max(0, max(possible.floors) + self.chance.randrange(-3, 10))
        possible.floors.add(floor)
        sync = self.chance.random() < 0.5
        state = ConsumerState((floor, floor), (floor, floor))
        files.write(files.seal(encode_consumer_state(state, 0), LAST), floor, self.clock, sync)
        if sync:
            possible.floors = {floor}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sealed", [False, True])
def test_a_power_cut_leaves_all_of_a_change_or_nothing(
    tmp_path: Path, scratch: Path, seed: int, sealed: bool
) -> None:
    script = Script(scratch / "home", scratch / "image", seed, KEYS if sealed else None)
    for _ in range(25):
        script.step()
        script.look()
    assert script.looked > 100
