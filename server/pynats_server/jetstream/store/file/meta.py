"""A stream's meta.inf and meta.sum on disk: written so that a crash leaves a pair that matches."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pynats_common.go.json import read_json

from pynats_server.jetstream.store.errors import BadKey, CorruptRecord
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk, Room
from pynats_server.jetstream.store.format.meta_inf import encode_meta, meta_sum

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer

MISMATCH: Final = "meta.inf does not match meta.sum"
SUM_FILES: Final = ("meta.sum", "meta.sum.next")  # with a checksum that meta.inf may have


def write_new_stream(
    config: FileConfig, meta: dict[str, Any], random: Callable[[int], bytes] = os.urandom
) -> None:
    """Make the folder of a stream without messages, durably. It is whole only at the end: for a
    place where nobody looks until it is moved to its own. Raises OSError."""
    disk = Disk()
    disk.make_folder(config.folder / "msgs")
    files: dict[str, bytes] = {}
    sealer: Sealer | None = None
    if config.keys is not None:
        files["meta.key"], seed = config.keys.create(config.name, random)
        sealer = config.keys.seed_sealer(seed)
    files["meta.inf"] = encode_meta(meta, sealer, random)
    files["meta.sum"] = meta_sum(config.name, files["meta.inf"])
    handles: list[int] = []
    try:
        for name, data in files.items():
            handles.append(disk.open(config.folder / name))
            disk.write(handles[-1], data, 0)
        disk.sync_together(handles, config.folder)
    finally:
        for handle in handles:
            disk.close(handle)


def replace_meta(disk: Disk, folder: Path, name: str, data: bytes) -> None:
    """Replace meta.inf and meta.sum. The new checksum waits beside the old one while the content
    changes, so that a crash leaves a pair that matches. All is written before anything changes, so
    a full disk changes nothing."""
    total = meta_sum(name, data)
    files = {"meta.sum.next": total, "meta.inf": data, "meta.sum": total}
    rooms: list[Room] = []
    try:
        for file, content in files.items():
            place = folder / f"{file}.tmp"
            disk.remove(place)
            rooms.append(Room(place, disk.open(place)))
            disk.write(rooms[-1].handle, content, 0)
            disk.sync(rooms[-1].handle)
        for file, room in zip(files, rooms, strict=True):
            disk.rename(room.place, folder / file)
            disk.sync_folder(folder)
    finally:
        for room in rooms:
            disk.close(room.handle)
            if room.place.exists():
                disk.remove(room.place)
    disk.remove(folder / "meta.sum.next")  # if it comes back, it is the same


def read_sums(folder: Path, disk: Disk) -> list[bytes]:
    """The checksums that meta.inf may have; two of them after a crash."""
    found = []
    for name in SUM_FILES:
        with contextlib.suppress(FileNotFoundError):
            found.append(disk.read(folder / name).strip())
    return found


def read_meta(config: FileConfig, disk: Disk | None = None) -> dict[str, Any]:
    """The configuration; CorruptRecord when its checksum does not match, BadKey without the key.
    What a key has sealed is known to be whole, whatever the checksum says."""
    disk = disk or Disk()
    data = disk.read(config.folder / "meta.inf")
    matches = meta_sum(config.name, data) in read_sums(config.folder, disk)
    if not matches and config.keys is None:
        raise CorruptRecord(MISMATCH)
    if config.keys is not None:
        seed = config.keys.recover(config.name, disk.read(config.folder / "meta.key"))
        try:
            data = config.keys.seed_sealer(seed).open(data)
        except BadKey:
            if not matches:
                raise CorruptRecord(MISMATCH) from None
            raise
    loaded = read_json(data)
    if not isinstance(loaded, dict):
        raise CorruptRecord("meta.inf holds no object")
    return loaded
