"""The consumers in a stream's folder: `obs/<name>/` with `meta.inf` and `meta.sum`, the state
`o.dat`, and with encryption the key `meta.key`.

They are read for backups and written by restores; nothing here changes those that are there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_server.jetstream.store.errors import CorruptRecord
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk, make_durable_folder
from pynats_server.jetstream.store.file.meta import read_sums
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    decode_consumer_state,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.meta_inf import encode_meta, meta_sum

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer

FOLDER = "obs"
_OF_THE_FILE = ("Created", "Name")  # what meta.inf says besides the configuration


@dataclass(frozen=True, slots=True)
class StoredConsumer:
    """A consumer that nobody runs: its configuration as JSON, and how far it has come."""

    name: str
    config: dict[str, Any]
    state: ConsumerState


def consumer_names(folder: Path) -> list[str]:
    """The consumers in a stream's folder, by name. Raises OSError."""
    try:
        found = [path for path in (folder / FOLDER).iterdir() if (path / "meta.inf").is_file()]
    except FileNotFoundError:
        return []
    return sorted(path.name for path in found)


def read_consumers(config: FileConfig) -> list[StoredConsumer]:
    """All consumers of a stream, by name. Raises OSError, CorruptRecord, BadKey: one that cannot be
    read is not left out in silence."""
    return [_read(config, name) for name in consumer_names(config.folder)]


def _read(config: FileConfig, name: str) -> StoredConsumer:
    folder = config.folder / FOLDER / name
    meta = (folder / "meta.inf").read_bytes()
    if meta_sum(f"{config.name}/{name}", meta) not in read_sums(folder, Disk()):
        raise CorruptRecord(f"meta.inf of consumer {name!r} does not match meta.sum")
    state = (folder / "o.dat").read_bytes() if (folder / "o.dat").exists() else None
    if config.keys is not None and (folder / "meta.key").exists():
        sealed = (folder / "meta.key").read_bytes()
        sealer = config.keys.seed_sealer(config.keys.recover(f"{config.name}.{name}", sealed))
        meta = sealer.open(meta)
        state = sealer.open(state) if state is not None else None
    try:
        loaded = json.loads(meta)
        kept = {key: value for key, value in loaded.items() if key not in _OF_THE_FILE}
        came = decode_consumer_state(state) if state is not None else ConsumerState()
    except (ValueError, AttributeError) as error:
        raise CorruptRecord(f"consumer {name!r} cannot be read: {error}") from None
    return StoredConsumer(name, kept, came)


def write_consumer(
    config: FileConfig,
    consumer: StoredConsumer,
    created: str,
    now_ns: int,
    random: Callable[[int], bytes] = os.urandom,
) -> None:
    """Writes a consumer into the folder of a stream that nobody serves yet, durably. `created` is
    the time that it gets as its own. Raises OSError."""
    disk = Disk()
    folder = config.folder / FOLDER / consumer.name
    make_durable_folder(folder)
    sealer: Sealer | None = None
    if config.keys is not None:
        key, seed = config.keys.create(f"{config.name}.{consumer.name}", random)
        disk.replace(folder / "meta.key", key)
        sealer = config.keys.seed_sealer(seed)
    meta = {"Created": created, "Name": consumer.name, **consumer.config}
    data = encode_meta(meta, sealer, random)
    disk.replace(folder / "meta.inf", data)
    disk.replace(folder / "meta.sum", meta_sum(f"{config.name}/{consumer.name}", data))
    state = encode_consumer_state(consumer.state, now_ns)
    if sealer is not None:
        state = sealer.seal(state, random(sealer.nonce_size))
    disk.replace(folder / "o.dat", state)
