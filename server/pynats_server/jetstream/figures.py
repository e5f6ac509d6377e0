"""What JetStream tells of itself in numbers: for monitoring, which reads nothing else of it.

Plain values as of the call. Sizes are bytes; a limit of -1 = none.
"""

from __future__ import annotations

import msgspec


class ServerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """JetStream of one server."""

    memory: int
    storage: int
    max_memory: int
    max_storage: int
    reserved_memory: int  # claimed by streams' max_bytes
    reserved_storage: int
    accounts: int
    api_total: int
    api_errors: int
    api_inflight: int


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """JetStream of one account."""

    name: str
    memory: int
    storage: int
    max_memory: int
    max_storage: int
    reserved_memory: int
    reserved_storage: int
    streams: int
    broken: int  # streams on disk that could not be opened
    api_total: int
    api_errors: int


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One stream."""

    account: str
    name: str
    messages: int
    bytes: int
    first_seq: int
    last_seq: int
    durable_seq: int
    subjects: int
    lost: int  # messages that damage has taken
    lost_bytes: int
    pending_acks: int  # messages taken but not yet acknowledged
    failure: str  # why the storage takes no more changes; empty while it does


class SyncTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long the fsyncs took that acknowledgements waited for: how many took up to each bound
    and more than the one before; the last count is of those above all bounds."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    total_s: float
