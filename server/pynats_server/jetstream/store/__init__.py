"""Storage of streams.

A store is opened with `open_store` and used through `Store`, the contract; only the store itself
knows which kind it is. Streams and their features may use both, and the compiled publish path works
on `retention.Retention`, below every kind; nothing here knows of configurations of streams, of the
API or of the broker.

`contract` is the interface with its errors, `opening` the factory, `base` what all kinds share,
`memory` one kind, `file/` the other, `format/` the bytes; `search/` finds things and `removal/`
takes them out, both in steps; `places` is how far a stream's sources have come. Compiled: `record`
and `block` (records and a run of them), `streamindex` (what is where), `retention` (limits) over
`ages/` (what runs out, also where the clock was set back), `rings`, `subjects`, `seqset` and
`expiry`; `witness`, who is told of what comes and goes.

A stream appends during a loop turn, then calls `commit(callback)` once; the callback runs when
an fsync covers all of it (or the write, with `sync_interval_s` > 0), and the acks go out.
"""

from pynats_server.jetstream.store.block import Message
from pynats_server.jetstream.store.contract import SEQ_MAX, Store, StoreState
from pynats_server.jetstream.store.errors import (
    BadKey,
    CorruptRecord,
    OutOfSequences,
    SequenceNotFound,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreHeld,
    TooLarge,
    Unavailable,
)
from pynats_server.jetstream.store.file.config import FileConfig, MemoryConfig, choose_block_size
from pynats_server.jetstream.store.file.discarding import Discarding
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.opening import open_store

__all__ = [
    "SEQ_MAX",
    "BadKey",
    "CorruptRecord",
    "Discarding",
    "FileConfig",
    "MemoryConfig",
    "Message",
    "OutOfSequences",
    "SequenceNotFound",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreFailed",
    "StoreFull",
    "StoreHeld",
    "StoreState",
    "Syncer",
    "TooLarge",
    "Unavailable",
    "choose_block_size",
    "open_store",
]
