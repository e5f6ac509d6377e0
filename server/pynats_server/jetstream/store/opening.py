"""How stores are made: the only place that knows their kinds."""

from __future__ import annotations

from collections.abc import Callable

from pynats_server.jetstream.store.contract import Store
from pynats_server.jetstream.store.file.config import FileConfig, MemoryConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.memory import MemoryStore


def open_store(
    config: FileConfig | MemoryConfig,
    syncer: Syncer | None = None,
    on_problem: Callable[[str], None] | None = None,
    on_remark: Callable[[str], None] | None = None,
) -> Store:
    """A store with what its folder holds, if it has one. Without a `syncer` any one thread may
    fill it and close it. Raises StoreError and OSError."""
    if isinstance(config, MemoryConfig):
        return MemoryStore(config.name, config.first_seq)
    return FileStore(config, syncer, on_problem=on_problem, on_remark=on_remark)
