"""A stream's folder with one consumer, to be damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    ConsumerFiles,
    StoredConsumer,
    create_consumer,
)
from pynats_server.jetstream.store.consumers.recovery import (
    Extent,
    RecoveredConsumer,
    Recovery,
    recover_consumers,
)
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import QuickDisk

LAST = 100
SECOND = 10**9
NOW = 1_000_000 * SECOND
KEYS: dict[str, Keys | None] = {
    "plain": None, "chacha": Keys("secret", "A"), "aes": Keys("secret", "A", "aes"),
}  # fmt: skip
each_key = pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
BEFORE = ConsumerState((20, 20), (25, 25), {22: (22, NOW)})
TRUE = ConsumerState(
    (30, 30), (44, 41),
    {33: (33, NOW), 35: (42, NOW - 7 * SECOND), 41: (44, NOW)}, {35: 2, 38: 5},
)  # fmt: skip


class Home:
    """A stream's folder with a consumer that was at BEFORE and is at TRUE."""

    def __init__(
        self, root: Path, keys: Keys | None = None, config: dict[str, Any] | None = None
    ) -> None:
        self.root = root
        self.config = FileConfig("S", root / "S", keys=keys)
        self.config.folder.mkdir(parents=True)
        stored = StoredConsumer("c", config or {"durable_name": "c"}, ConsumerState())
        self.files = self.make(stored)
        self.save(BEFORE, 1000.0)  # late enough to be kept as the earlier one
        self.save(TRUE, 1001.0)
        self.kept = {path: path.read_bytes() for path in self.files_of(self.config.folder)}

    def make(self, stored: StoredConsumer) -> ConsumerFiles:
        return create_consumer(self.config, stored, NOW, LAST, self.root / "new", 0.0, QuickDisk())

    def save(self, state: ConsumerState, at_s: float) -> None:
        sealed = self.files.seal(encode_consumer_state(state, NOW), LAST)
        self.files.write(sealed, state.ack_floor[1], at_s, True)

    @property
    def folder(self) -> Path:
        return self.config.folder / "obs" / "c"

    @staticmethod
    def files_of(folder: Path) -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file()]

    def again(self) -> None:
        """Nothing is damaged."""
        for path in self.files_of(self.config.folder):
            if path not in self.kept:
                path.unlink()
        for path, data in self.kept.items():
            path.write_bytes(data)

    def recovery(self, last: int = LAST, seq_at: Callable[[int], int] = lambda _: 1) -> Recovery:
        return recover_consumers(self.config, Extent(last, seq_at), NOW, QuickDisk())

    def recovered(self) -> RecoveredConsumer:
        found = self.recovery()
        assert found.broken == {}
        (consumer,) = found.consumers
        return consumer

    def quarantined(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.config.folder.glob("quarantine/*")}


def delivers(state: ConsumerState, seq: int) -> bool:
    return seq > state.delivered[1] or seq in state.pending


def is_safe(state: ConsumerState) -> bool:
    """Whether a state delivers everything that TRUE would."""
    return all(delivers(state, seq) for seq in range(1, LAST) if delivers(TRUE, seq))
