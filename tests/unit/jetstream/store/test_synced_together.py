"""Files that are synced together cost one wait for the disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import StoredConsumer, create_consumer
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.syncing.syncthread import sync_together
from pynats_server.jetstream.store.format.consumer_state import ConsumerState
from pynats_server.jetstream.store.format.crypt import Keys


class CountingDisk(Disk):
    """Counts how often somebody waits for it."""

    def __init__(self) -> None:
        self.waits = 0
        self.synced: set[str] = set()

    def sync(self, handle: int) -> None:
        self.waits += 1

    def sync_folder(self, folder: Path) -> None:
        self.waits += 1

    def sync_together(self, handles: list[int], folder: Path) -> None:
        self.waits += 1
        self.synced = {Path(f"/proc/self/fd/{handle}").readlink().name for handle in handles}


@pytest.mark.parametrize("keys", [None, Keys("secret", "A")])
def test_a_consumer_is_made_with_two_waits_for_the_disk(tmp_path: Path, keys: Keys | None) -> None:
    """One for what it is made of, and one for its place."""
    disk = CountingDisk()
    config = FileConfig("S", tmp_path / "S", keys=keys)
    config.folder.mkdir()
    for number in range(2):
        disk.waits = 0
        stored = StoredConsumer(f"c{number}", {}, ConsumerState())
        create_consumer(config, stored, 0, 0, tmp_path / "new", 0.0, disk)
        made = {path.name for path in (config.folder / "obs" / f"c{number}").iterdir()}
        assert disk.synced == made
    assert disk.waits == 2


def test_an_error_of_one_of_them_is_told(tmp_path: Path) -> None:
    whole = os.open(tmp_path / "whole", os.O_CREAT | os.O_RDWR)
    home = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    front, back = os.pipe()
    try:
        sync_together([whole], [home])
        sync_together([], [home])
        for files in ([back, whole], [whole, back]):  # a pipe cannot be synced
            with pytest.raises(OSError) as caught:
                sync_together(files, [home])
            assert caught.value.errno == errno.EINVAL
    finally:
        for handle in (whole, home, front, back):
            os.close(handle)


@pytest.mark.parametrize("count", [0, 17])
def test_the_number_of_files_is_bounded(count: int) -> None:
    with pytest.raises(ValueError, match="descriptors"):
        sync_together([1] * count, [])
