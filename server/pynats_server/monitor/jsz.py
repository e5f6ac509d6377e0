"""/jsz, and the JetStream part of /varz (server-inventory 4.1, 4.9).

Nothing here imports JetStream: a server without it answers, too, and does not load it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from pynats_server.monitor.gotext import NS, UINT64_MAX, timestamp
from pynats_server.monitor.json import Document, encoded, give_way
from pynats_server.monitor.query import DEFAULT_LIMIT, BadRequest, Query
from pynats_server.monitor.source import MonitorSource
from pynats_server.options import BatchLimits, JetStreamServerLimits
from pynats_server.version import API_LEVEL

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.jetstream.stream.stream import Stream

T = TypeVar("T", int, float)
DEFAULT_SYNC_INTERVAL = 120 * NS  # what the real server shows when every write is synced
DEFAULT_MAX_CONSUMERS = 1000  # of a stream that does not say; the real server's default
STREAM_SLICE = 64  # streams described between two looks at the loop
NOT_LEADER = "filtered response: not leader"


class ApiFigures(msgspec.Struct, omit_defaults=True, kw_only=True):
    level: int
    total: int
    errors: int
    inflight: int = 0


class Figures(msgspec.Struct, kw_only=True):
    """What JetStream uses of the server, or an account of JetStream; sizes in bytes."""

    memory: int
    storage: int
    reserved_memory: int
    reserved_storage: int
    accounts: int
    ha_assets: int
    api: ApiFigures


class Configured(msgspec.Struct, omit_defaults=True, kw_only=True):
    max_memory: int
    max_storage: int
    store_dir: str = ""
    sync_interval: int = 0
    sync_always: bool = False
    domain: str = ""
    compress_ok: bool = False
    unique_tag: str = ""
    strict: bool = False


class ServerLimits(msgspec.Struct, omit_defaults=True, kw_only=True):
    max_request_batch: int = 0
    max_ack_pending: int = 0
    max_ha_assets: int = 0
    max_duplicate_window: int = 0
    max_batch_inflight_per_stream: int = 0
    max_batch_inflight_total: int = 0
    max_batch_size: int = 0
    max_batch_timeout: int = 0
    default_max_consumers: int = 0


class Varz(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`jetstream` in /varz; an empty object where JetStream is off."""

    config: Configured | None = None
    stats: Figures | None = None
    limits: ServerLimits | None = None


class Info(msgspec.Struct, omit_defaults=True, kw_only=True):
    """/jsz: the server's `Figures`, then what is in its streams."""

    memory: int
    storage: int
    reserved_memory: int
    reserved_storage: int
    accounts: int
    ha_assets: int
    api: ApiFigures
    server_id: str
    now: str
    disabled: bool = False
    config: Configured
    limits: ServerLimits | None = None
    streams: int
    streams_leader: int = 0
    consumers: int
    messages: int
    bytes: int
    account_details: list[Any] | None = None  # None = left out
    total: int


class Detail(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One account: its `Figures` with names in front, its streams when asked for."""

    name: str
    id: str
    memory: int
    storage: int
    reserved_memory: int
    reserved_storage: int
    accounts: int
    ha_assets: int
    api: ApiFigures
    stream_detail: list[Any] | None = None  # None = left out


class Request(msgspec.Struct, kw_only=True):
    """The parameters of /jsz. `limit` 0 = the default, less = all accounts in any order."""

    account: str = ""
    accounts: bool = False
    streams: bool = False
    config: bool = False
    offset: int = 0
    limit: int = 0
    leader_only: bool = False
    raft: bool = False  # also count streams led by this server: all of them


def read_request(query: Query) -> Request:
    """Raises BadRequest for the first wrong parameter in the order of the real server."""
    accounts, streams = query.flag("accounts"), query.flag("streams")
    consumers = query.flag("consumers")
    query.flag("direct-consumers")
    request = Request(
        accounts=accounts,
        streams=streams or consumers,
        config=query.flag("config"),
        offset=query.integer("offset"),
        limit=query.integer("limit"),
        leader_only=query.flag("leader-only"),
        raft=query.flag("raft"),
        account=query.text("acc"),
    )
    query.flag("stream-leader-only")  # every stream's leader is here
    return request


def figures(jetstream: JetStream) -> Figures:
    """What the server's JetStream uses."""
    return Figures(
        memory=max(0, jetstream.memory_usage.used),
        storage=max(0, jetstream.file_usage.used),
        reserved_memory=jetstream.reserved("memory"),
        reserved_storage=jetstream.reserved("file"),
        accounts=len(jetstream.accounts),
        ha_assets=0,
        api=ApiFigures(
            level=API_LEVEL,
            total=jetstream.api_total,
            errors=jetstream.api_errors,
            inflight=jetstream.api.inflight,
        ),
    )


def configured(jetstream: JetStream) -> Configured:
    """The configuration in force."""
    options = jetstream.options
    always = options.sync_interval <= 0
    return Configured(
        max_memory=jetstream.memory_usage.limit,
        max_storage=jetstream.file_usage.limit,
        store_dir=str(jetstream.folder),
        sync_interval=DEFAULT_SYNC_INTERVAL if always else int(options.sync_interval * NS),
        sync_always=always,
        domain=options.domain,
        compress_ok=True,
        unique_tag=options.unique_tag,
        strict=options.strict,
    )


def server_limits(limits: JetStreamServerLimits) -> ServerLimits:
    """`jetstream.limits`; of a batch's limits those that are not the default."""
    batch, usual = limits.batch, BatchLimits()
    return ServerLimits(
        max_request_batch=limits.max_request_batch,
        max_ack_pending=limits.max_ack_pending,
        max_ha_assets=limits.max_ha_assets,
        max_duplicate_window=int(limits.duplicate_window * NS),
        max_batch_inflight_per_stream=_unusual(
            batch.max_inflight_per_stream, usual.max_inflight_per_stream
        ),
        max_batch_inflight_total=_unusual(batch.max_inflight_total, usual.max_inflight_total),
        max_batch_size=_unusual(batch.max_msgs, usual.max_msgs),
        max_batch_timeout=int(_unusual(batch.timeout, usual.timeout) * NS),
        default_max_consumers=limits.default_max_consumers or DEFAULT_MAX_CONSUMERS,
    )


def _unusual(value: T, usual: T) -> T | Literal[0]:
    return 0 if value == usual else value


def varz_part(source: MonitorSource) -> Varz:
    """`jetstream` of /varz."""
    jetstream = source.jetstream
    if jetstream is None:
        return Varz()
    return Varz(
        config=configured(jetstream),
        stats=figures(jetstream),
        limits=server_limits(jetstream.options.limits),
    )


async def jsz(source: MonitorSource, query: Query) -> list[bytes]:
    """The body of /jsz, in pieces. Raises BadRequest."""
    return await answer(source, read_request(query))


async def answer(source: MonitorSource, request: Request) -> list[bytes]:
    """What /jsz says of `request`, as pieces of JSON. Raises BadRequest."""
    jetstream = source.jetstream
    if jetstream is None:
        if request.leader_only:
            raise BadRequest(NOT_LEADER)
        return Document(_disabled(source)).parts()
    info = _totals(source, jetstream, request)
    chosen = _chosen(jetstream, request)
    if not chosen:
        return Document(info).parts()
    info.account_details = []
    document = Document(info)
    await document.fill("account_details", _details(source, chosen, request))
    return document.parts()


def _disabled(source: MonitorSource) -> Info:
    return Info(
        memory=0, storage=0, reserved_memory=0, reserved_storage=0, accounts=0, ha_assets=0,
        api=ApiFigures(level=0, total=0, errors=0), server_id=source.id, now=timestamp(time.time()),
        disabled=True, config=Configured(max_memory=0, max_storage=0), streams=0, consumers=0,
        messages=0, bytes=0, total=0,
    )  # fmt: skip


def _totals(source: MonitorSource, jetstream: JetStream, request: Request) -> Info:
    """What is in all streams, whichever accounts were asked for."""
    streams = [s for account in jetstream.accounts.values() for s in account.streams.values()]
    return Info(
        **msgspec.structs.asdict(figures(jetstream)),
        server_id=source.id,
        now=timestamp(time.time()),
        config=configured(jetstream),
        limits=server_limits(jetstream.options.limits),
        streams=len(streams),
        streams_leader=len(streams) if request.raft else 0,
        consumers=0,
        messages=sum(stream.store.msgs for stream in streams),
        bytes=sum(stream.store.nbytes for stream in streams),
        total=len(jetstream.accounts),
    )


def _chosen(jetstream: JetStream, request: Request) -> list[JetStreamAccount]:
    """The accounts to show: the one named, else the page of all when they were asked for. Naming
    an unknown one is no error; as in the real server it asks for none."""
    named = jetstream.accounts.get(request.account)
    if named is not None:
        return [named]
    if not request.accounts and (request.account or not request.streams):
        return []
    ordered = [account for _, account in sorted(jetstream.accounts.items())]
    if request.limit < 0:
        return ordered
    offset = max(0, request.offset)
    return ordered[offset : offset + (request.limit or DEFAULT_LIMIT)]


async def _details(
    source: MonitorSource, accounts: list[JetStreamAccount], request: Request
) -> AsyncIterator[list[bytes]]:
    for account in accounts:
        detail = _detail(account)
        streams = sorted(account.streams.items()) if request.streams else []
        if streams:
            detail.stream_detail = []
        document = Document(detail, depth=2)
        if streams:
            described = _streams([stream for _, stream in streams], source.name, request.config)
            await document.fill("stream_detail", encoded(described, 4, STREAM_SLICE))
        yield document.parts()
        await give_way()


def _detail(account: JetStreamAccount) -> Detail:
    limits = account.limits
    return Detail(
        name=account.name,
        id=account.name,
        memory=max(0, account.usage("memory").used),
        storage=max(0, account.usage("file").used),
        # The account's limits, not what its streams claim; -1 (none) as the unsigned number.
        reserved_memory=limits.max_memory & UINT64_MAX,
        reserved_storage=limits.max_storage & UINT64_MAX,
        accounts=0,
        ha_assets=0,
        api=ApiFigures(level=0, total=account.api_total, errors=account.api_errors),
    )


def _streams(
    streams: list[Stream], server_name: str, with_config: bool
) -> Iterator[dict[str, Any]]:
    from pynats_server.jetstream.config.model import plain
    from pynats_server.jetstream.times import format_time

    for stream in streams:
        mirror, sources = stream.origins()
        yield {
            "name": stream.name,
            "created": format_time(stream.created),
            "cluster": {"leader": server_name},
            **({"config": stream.config.as_dict()} if with_config else {}),
            "state": stream.state().as_dict(),
            **({"mirror": mirror.as_dict()} if mirror else {}),
            **({"sources": plain(sources)} if sources else {}),
        }
