"""What JetStream tells of itself, for monitoring.

Plain values as of the call. Sizes are bytes; a limit of -1 = none.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pynats_server.jetstream.config.model import SourceInfo, StreamConfig, StreamState


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


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The streams of all accounts together."""

    streams: int
    broken: int  # streams on disk that could not be opened
    failed: int  # streams whose storage takes no more changes
    consumers: int  # without those of mirrors and sources
    broken_consumers: int  # consumers on disk that could not be recovered
    messages: int
    bytes: int
    lost: int  # messages that damage has taken
    pending_acks: int  # messages taken but not yet acknowledged


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """JetStream of one account."""

    name: str
    memory: int
    storage: int
    max_memory: int
    max_storage: int
    reserved_memory: int
    reserved_storage: int
    max_streams: int
    max_consumers: int
    streams: int
    broken: int  # streams on disk that could not be opened
    consumers: int  # those of mirrors and sources, too
    api_total: int
    api_errors: int
    tiered: bool = False  # its limits are by number of replicas


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One stream."""

    account: str
    name: str
    messages: int
    bytes: int
    max_messages: int
    max_bytes: int
    max_consumers: int
    first_seq: int
    first_ns: int  # when its first message came, since 1970; 0 = there is none
    last_seq: int
    durable_seq: int
    subjects: int
    lost: int  # messages that damage has taken
    lost_bytes: int
    unreadable: list[str]  # blocks of which the last try to read them failed, and why
    pending_acks: int  # messages taken but not yet acknowledged
    max_pending_acks: int
    failure: str | None  # why the storage takes no more changes; None while it does
    consumers: int  # without those of mirrors and sources
    broken_consumers: dict[str, str]  # those that could not be recovered -> why
    damaged_consumers: dict[str, str]  # what was damaged of those that could
    folder: Path | None  # None in memory


class StreamDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What STREAM.INFO tells of one stream."""

    name: str
    created_ns: int  # since 1970
    config: StreamConfig
    state: StreamState
    mirror: SourceInfo | None
    sources: list[SourceInfo]
    consumers: int  # without those of mirrors and sources
    hidden_consumers: int


class ConsumerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer."""

    account: str
    stream: str
    name: str
    pending: int  # messages that it has not delivered yet
    ack_pending: int  # delivered, and not yet acknowledged
    max_ack_pending: int
    again: int  # of them, those that wait to be delivered again
    redelivered: int  # of them, those delivered more than once
    waiting: int  # requests that wait for messages
    max_waiting: int  # 0 = it takes none
    delivered_seq: int  # of the stream: it has delivered up to here
    acked_seq: int  # of the stream: everything up to here is acknowledged
    deliveries: int  # since it was made, or reset
    redeliveries: int  # but for the first of each message, since the server started
    delivered_ns: int  # when it delivered last, since 1970; 0 = never
    acked_ns: int  # when something was acknowledged last
    paused: bool


class OnDisk(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a server's JetStream folder."""

    accounts: list[str]  # folders of accounts
    unserved: list[tuple[str, str]]  # streams (account, name) of accounts without JetStream
    quarantined: dict[Path, int]  # folder of a stream -> files in its quarantine, if any


class SyncTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long the fsyncs took that acknowledgements waited for: how many took up to each bound
    and more than the one before; the last count is of those above all bounds."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    total_s: float
