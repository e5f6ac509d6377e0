"""Storage of streams: `Store` (the interface), `FileStore`, `MemoryStore`.

May be used by the JetStream layer; imports nothing of the broker. `api` holds the contract;
compiled are `record`/`block` (bytes), `streamindex` (what is where), `engine` (limits, ages) and
`syncthread` (fsync without the interpreter lock). `diskblocks`, `filestore`, `recover`, `rekey`
are the disk, `commit` the group commit, `crypt`, `s2`, `highway`, `index`, `meta` the formats,
`consumer_state` the o.dat codec.

A stream appends during a loop turn, then calls `commit(callback)` once; the callback runs when
an fsync covers all of it (or the write, with `sync_interval` > 0), and the acks go out.
"""

from pynats_server.jetstream.store.block import Message
from pynats_server.jetstream.store.contract import (
    SEQ_MAX,
    BadKey,
    CorruptRecord,
    OutOfSequences,
    SequenceNotFound,
    Store,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreState,
    TooLarge,
)
from pynats_server.jetstream.store.file.diskblocks import FileConfig, choose_block_size
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.group_commit import Syncer
from pynats_server.jetstream.store.memory import MemoryStore

__all__ = [
    "SEQ_MAX",
    "BadKey",
    "CorruptRecord",
    "FileConfig",
    "FileStore",
    "MemoryStore",
    "Message",
    "OutOfSequences",
    "SequenceNotFound",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreFailed",
    "StoreFull",
    "StoreState",
    "Syncer",
    "TooLarge",
    "choose_block_size",
]
