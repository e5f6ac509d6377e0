"""A stream's meta.inf and meta.sum: its configuration, checksummed, encrypted when it is on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .api import CorruptRecord
from .crypt import Sealer
from .disk import Disk
from .highway import hash64

if TYPE_CHECKING:
    from .diskblocks import DiskBlocks, FileConfig


def name_key(name: str) -> bytes:
    """The key of the checksums of a stream (its name) or a consumer (`stream/consumer`)."""
    return hashlib.sha256(name.encode()).digest()


def meta_sum(name: str, data: bytes) -> bytes:
    """Content of meta.sum: the checksum in hex."""
    return hash64(name_key(name), data).to_bytes(8, "little").hex().encode()


def write_meta(store: DiskBlocks, meta: dict[str, Any]) -> None:
    """Write the configuration, sealed when encryption is on."""
    data = json.dumps(meta, separators=(",", ":")).encode()
    sealer = store.sealer
    if sealer is not None:
        data = sealer.seal(data, store.random(sealer.nonce_size))
    replace_meta(store.disk, store.config.folder, store.config.name, data)


def replace_meta(disk: Disk, folder: Path, name: str, data: bytes) -> None:
    """Replace meta.inf and meta.sum. The new checksum waits beside the old one while the content
    changes, so that a crash leaves a pair that matches."""
    disk.replace(folder / "meta.sum.next", meta_sum(name, data))
    disk.replace(folder / "meta.inf", data)
    disk.rename(folder / "meta.sum.next", folder / "meta.sum")
    disk.sync_folder(folder)


def read_sums(folder: Path, disk: Disk) -> list[bytes]:
    """The checksums that meta.inf may have: meta.sum, and one that was about to replace it."""
    found = []
    for name in ("meta.sum", "meta.sum.next"):
        with contextlib.suppress(FileNotFoundError):
            found.append(disk.read(folder / name).strip())
    return found


def read_meta(config: FileConfig, disk: Disk | None = None) -> dict[str, Any]:
    """The configuration; CorruptRecord when its checksum does not match, BadKey without the key."""
    disk = disk or Disk()
    data = disk.read(config.folder / "meta.inf")
    if meta_sum(config.name, data) not in read_sums(config.folder, disk):
        raise CorruptRecord("meta.inf does not match meta.sum")
    if config.keys is not None:
        seed = config.keys.recover(config.name, disk.read(config.folder / "meta.key"))
        data = Sealer(config.keys.cipher, seed).open(data)
    loaded = json.loads(data)
    if not isinstance(loaded, dict):
        raise CorruptRecord("meta.inf holds no object")
    return loaded
