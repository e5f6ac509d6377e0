"""What a store is opened with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys

MIB = 1024 * 1024


def choose_block_size(
    max_bytes: int, limits_retention: bool, per_subject: bool, encrypted: bool
) -> int:
    """A stream's block size, as nats-server chooses it (`autoTuneFileStorageBlockSize`)."""
    if max_bytes > 0:
        quarter = -(-(max_bytes // 4 + 1) // 100) * 100
        size = 32000 if quarter <= 32000 else 8 * MIB if quarter >= 8 * MIB else 4 * MIB
    elif per_subject:
        size = 4 * MIB
    else:
        size = 8 * MIB if limits_retention else 4 * MIB
    return min(size, 2 * MIB) if encrypted else size


@dataclass(frozen=True, slots=True)
class FileConfig:
    """How one stream is kept. `sync_interval_s` in seconds; 0 = every acknowledgement waits for
    an fsync. `cache_bytes` bounds the buffers of blocks that are only read; what is beyond
    `kept_bytes` goes when it has not been read for some seconds. Every `index_interval_s` seconds,
    and a quarter more at random, a changed index is saved. `held`: why nothing may be written at
    all; empty if it may."""

    name: str
    folder: Path
    block_size: int = 8 * MIB
    compress: bool = False
    keys: Keys | None = None
    sync_interval_s: float = 0.0
    cache_bytes: int = 128 * MIB
    kept_bytes: int = 64 * MIB
    first_seq: int = 1
    index_interval_s: float = 120.0
    held: str = ""


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """A stream that is kept in memory alone."""

    name: str
    first_seq: int = 1
