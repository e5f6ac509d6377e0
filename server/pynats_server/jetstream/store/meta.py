"""A stream's meta.inf and meta.sum: its configuration, checksummed, encrypted when it is on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from .api import CorruptRecord
from .crypt import Sealer
from .disk import Disk
from .highway import hash64

if TYPE_CHECKING:
    from .filestore import FileConfig, FileStore


def meta_sum(name: str, data: bytes) -> bytes:
    """Content of meta.sum: the checksum in hex."""
    key = hashlib.sha256(name.encode()).digest()
    return hash64(key, data).to_bytes(8, "little").hex().encode()


def write_meta(store: FileStore, meta: dict[str, Any]) -> None:
    """Write the configuration: content first, its checksum second, each atomically."""
    data = json.dumps(meta, separators=(",", ":")).encode()
    sealer = store.sealer
    if sealer is not None:
        data = sealer.seal(data, store.random(sealer.nonce_size))
    folder = store.config.folder
    store.disk.replace(folder / "meta.inf", data)
    store.disk.replace(folder / "meta.sum", meta_sum(store.config.name, data))


def read_meta(config: FileConfig, disk: Disk | None = None) -> dict[str, Any]:
    """The configuration; CorruptRecord when its checksum does not match, BadKey without the key."""
    disk = disk or Disk()
    data = disk.read(config.folder / "meta.inf")
    if disk.read(config.folder / "meta.sum").strip() != meta_sum(config.name, data):
        raise CorruptRecord("meta.inf does not match meta.sum")
    if config.keys is not None:
        seed = config.keys.recover(config.name, disk.read(config.folder / "meta.key"))
        data = Sealer(config.keys.cipher, seed).open(data)
    loaded = json.loads(data)
    if not isinstance(loaded, dict):
        raise CorruptRecord("meta.inf holds no object")
    return loaded
