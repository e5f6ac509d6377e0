"""/jsz, and the JetStream part of /varz.

Nothing here imports JetStream: a server without it answers too, and must not load it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.numbers import UINT64_MAX
from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns, format_time_s

from pynats_server.monitor.json import Document, Pieces, encoded
from pynats_server.monitor.options import DEFAULT_LIMIT, BadRequest, JszOptions
from pynats_server.monitor.source import (
    JetStreamAccountView,
    JetStreamView,
    MonitorSource,
    StreamView,
)
from pynats_server.options import BatchLimits, JetStreamServerLimits
from pynats_server.version import API_LEVEL
from pynats_server.work import Work

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import ServerFigures

T = TypeVar("T", int, float)
DEFAULT_SYNC_INTERVAL = 120 * SECOND_NS  # the real server shows this when every write is synced
DEFAULT_MAX_CONSUMERS = 1000  # the real server's default for streams
STREAMS = 4  # described in one step
CONSUMERS = 8  # the same
NOT_LEADER = "filtered response: not leader"


class ApiFigures(msgspec.Struct, omit_defaults=True, kw_only=True):
    level: int
    total: int
    errors: int
    inflight: int = 0


class Figures(msgspec.Struct, kw_only=True):
    """The usage of JetStream by the whole server or by one account; sizes in bytes."""

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
    """/jsz: the server's `Figures`, then the content of its streams."""

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
    consumers_leader: int = 0
    messages: int
    bytes: int
    account_details: list[Any] | None = None  # None = left out
    total: int


class Detail(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One account: its names, its `Figures`, and its streams if requested."""

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


def figures(found: ServerFigures) -> Figures:
    """The JetStream usage of the server."""
    return Figures(
        memory=max(0, found.memory),
        storage=max(0, found.storage),
        reserved_memory=found.reserved_memory,
        reserved_storage=found.reserved_storage,
        accounts=found.accounts,
        ha_assets=0,
        api=ApiFigures(
            level=API_LEVEL,
            total=found.api_total,
            errors=found.api_errors,
            inflight=found.api_inflight,
        ),
    )


def _configured(jetstream: JetStreamView, found: ServerFigures) -> Configured:
    """The configuration in force."""
    options = jetstream.options
    always = options.sync_interval <= 0
    return Configured(
        max_memory=found.max_memory,
        max_storage=found.max_storage,
        store_dir=str(jetstream.folder),
        sync_interval=DEFAULT_SYNC_INTERVAL if always else int(options.sync_interval * SECOND_NS),
        sync_always=always,
        domain=options.domain,
        compress_ok=bool(options.max_memory and options.max_file),  # as the real server says it
        unique_tag=options.unique_tag,
        strict=options.strict,
    )


def server_limits(limits: JetStreamServerLimits) -> ServerLimits:
    """`jetstream.limits`; batch limits only if they are not the default."""
    batch, usual = limits.batch, BatchLimits()
    return ServerLimits(
        max_request_batch=limits.max_request_batch,
        max_ack_pending=limits.max_ack_pending,
        max_ha_assets=limits.max_ha_assets,
        max_duplicate_window=int(limits.duplicate_window * SECOND_NS),
        max_batch_inflight_per_stream=_unusual(
            batch.max_inflight_per_stream, usual.max_inflight_per_stream
        ),
        max_batch_inflight_total=_unusual(batch.max_inflight_total, usual.max_inflight_total),
        max_batch_size=_unusual(batch.max_msgs, usual.max_msgs),
        max_batch_timeout=int(_unusual(batch.timeout, usual.timeout) * SECOND_NS),
        default_max_consumers=limits.default_max_consumers or DEFAULT_MAX_CONSUMERS,
    )


def _unusual(value: T, usual: T) -> T | Literal[0]:
    return 0 if value == usual else value


def varz_part(source: MonitorSource) -> Varz:
    """`jetstream` of /varz."""
    jetstream = source.jetstream
    if jetstream is None:
        return Varz()
    found = jetstream.figures()
    return Varz(
        config=_configured(jetstream, found),
        stats=figures(found),
        limits=server_limits(jetstream.options.limits),
    )


def jsz(source: MonitorSource, options: JszOptions) -> Work[Pieces]:
    """The body of /jsz, in pieces. Raises BadRequest."""
    jetstream = source.jetstream
    if jetstream is None:
        if options.leader_only:
            raise BadRequest(NOT_LEADER)
        return Document(_disabled(source)).pieces()
    info = yield from _totals(source, jetstream, options)
    chosen = _chosen(jetstream, options)
    if not chosen:
        return Document(info).pieces()
    info.account_details = []
    document = Document(info)
    document.fill("account_details", _details(source, chosen, options))
    return document.pieces()


def account_jsz(source: MonitorSource, options: JszOptions) -> Work[Pieces]:
    """What /jsz tells of the one account of `options`. Raises BadRequest."""
    yield from ()  # nothing has to be done before the document is sent
    jetstream = source.jetstream
    if jetstream is None:
        raise BadRequest("jetstream not enabled")
    if options.account not in source.accounts:
        raise BadRequest(f"account {quote(options.account)} not found")
    found = jetstream.accounts.get(options.account)
    if found is None:
        raise BadRequest(f"account {quote(options.account)} not jetstream enabled")
    return _account(source, found, options)


def _disabled(source: MonitorSource) -> Info:
    return Info(
        memory=0, storage=0, reserved_memory=0, reserved_storage=0, accounts=0, ha_assets=0,
        api=ApiFigures(level=0, total=0, errors=0), server_id=source.id,
        now=format_time_s(time.time()), disabled=True,
        config=Configured(max_memory=0, max_storage=0), streams=0, consumers=0,
        messages=0, bytes=0, total=0,
    )  # fmt: skip


def _totals(source: MonitorSource, jetstream: JetStreamView, options: JszOptions) -> Work[Info]:
    """The totals of all streams, whichever accounts were requested."""
    contents = yield from jetstream.contents()
    used = jetstream.figures()
    return Info(
        **msgspec.structs.asdict(figures(used)),
        server_id=source.id,
        now=format_time_s(time.time()),
        config=_configured(jetstream, used),
        limits=server_limits(jetstream.options.limits),
        streams=contents.streams,
        streams_leader=contents.streams if options.raft else 0,
        consumers=contents.consumers,
        consumers_leader=contents.consumers if options.raft else 0,
        messages=contents.messages,
        bytes=contents.bytes,
        total=len(jetstream.accounts),
    )


def _chosen(jetstream: JetStreamView, options: JszOptions) -> list[JetStreamAccountView]:
    """The accounts to show: the named one, or a page of all if requested. As in the real server, an
    unknown name is no error and shows no account."""
    named = jetstream.accounts.get(options.account)
    if named is not None:
        return [named]
    if not options.accounts and (options.account or not _wants_streams(options)):
        return []
    ordered = [account for _, account in sorted(jetstream.accounts.items())]
    if options.limit < 0:
        return ordered
    offset = max(0, options.offset)
    return ordered[offset : offset + (options.limit or DEFAULT_LIMIT)]


def _wants_streams(options: JszOptions) -> bool:
    return options.streams or options.consumers


def _details(
    source: MonitorSource, accounts: list[JetStreamAccountView], options: JszOptions
) -> Iterator[Pieces]:
    for account in accounts:
        yield _account(source, account, options)
        yield iter(())


def _account(source: MonitorSource, account: JetStreamAccountView, options: JszOptions) -> Pieces:
    detail = _detail(source, account)
    streams = sorted(account.served(), key=attrgetter("name")) if _wants_streams(options) else []
    if streams:
        detail.stream_detail = []
    document = Document(detail, depth=2)
    if streams:
        document.fill("stream_detail", _streams(streams, source.name, options))
    return document.pieces()


def _detail(source: MonitorSource, account: JetStreamAccountView) -> Detail:
    found = account.figures()
    return Detail(
        name=source.name_tag(found.name),
        id=found.name,
        memory=max(0, found.memory),
        storage=max(0, found.storage),
        # The account's limits, not what its streams reserve; -1 (no limit) as an unsigned number.
        # Those by number of replicas do not show.
        reserved_memory=0 if found.tiered else found.max_memory & UINT64_MAX,
        reserved_storage=0 if found.tiered else found.max_storage & UINT64_MAX,
        accounts=0,
        ha_assets=0,
        api=ApiFigures(level=0, total=found.api_total, errors=found.api_errors),
    )


def _streams(
    streams: Iterable[StreamView], server_name: str, options: JszOptions
) -> Iterator[Pieces]:
    from pynats_server.jetstream.config.model import plain

    hidden_too = options.consumers and options.direct_consumers
    for count, stream in enumerate(streams, 1):
        found = stream.details()
        shown = found.consumers if options.consumers else 0
        hidden = found.hidden_consumers if hidden_too else 0
        document = Document(
            {
                "name": found.name,
                "created": format_time_ns(found.created_ns),
                "cluster": {"leader": server_name},
                **({"config": plain(found.config)} if options.config else {}),
                "state": plain(found.state),
                **({"consumer_detail": []} if shown else {}),
                **({"direct_consumer_detail": []} if hidden else {}),
                **({"mirror": plain(found.mirror)} if found.mirror else {}),
                **({"sources": plain(found.sources)} if found.sources else {}),
            },
            depth=4,
        )
        if shown:
            document.fill("consumer_detail", _consumers(stream, False, options.config))
        if hidden:
            document.fill("direct_consumer_detail", _consumers(stream, True, options.config))
        yield document.pieces()
        if count % STREAMS == 0:
            yield iter(())


def _consumers(stream: StreamView, hidden: bool, with_config: bool) -> Iterator[Pieces]:
    details = stream.consumers.details(hidden)
    if not with_config:
        details = ({k: v for k, v in told.items() if k != "config"} for told in details)
    return encoded(details, 6, CONSUMERS)
