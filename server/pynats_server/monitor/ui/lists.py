"""Pages of accounts, streams and consumers: sorted, searched, and never all of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pynats_common.go.times import format_time_ns, format_time_s

from pynats_server.monitor import healthz_jetstream as words
from pynats_server.monitor.json import Document, Pieces, encoded
from pynats_server.monitor.options import BadRequest, ListOptions
from pynats_server.monitor.source import AccountView, MonitorSource, StreamView
from pynats_server.work import Work
from pynats_server.work.lists import ordered, slices, window

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import AccountFigures, ConsumerFigures, StreamFigures

T = TypeVar("T")
STEP = 16  # accounts, streams or consumers asked for their figures in one step
MERGED = 256  # sorted or merged in one step
DESCRIBED = 8  # written in one step
WARNINGS_MAX = 10  # of a stream
SUBJECTS_MAX = 32  # of a stream, which may have a request full of them


class JetStreamUse(msgspec.Struct, kw_only=True):
    """What an account has in JetStream; a limit of -1 = none."""

    memory: int
    max_memory: int
    storage: int
    max_storage: int
    streams: int
    max_streams: int
    consumers: int
    max_consumers: int
    api_total: int
    api_errors: int


class AccountRow(msgspec.Struct, kw_only=True):
    name: str
    tag: str
    is_system: bool
    connections: int
    total_connections: int
    subscriptions: int
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    slow_consumers: int
    jetstream: JetStreamUse | None


class StreamRow(msgspec.Struct, kw_only=True):
    """A limit below 1 = none; times are empty without messages; `subjects` are the first ones."""

    account: str
    tag: str
    name: str
    storage: str
    subjects: list[str]
    more_subjects: int
    created: str
    messages: int
    max_messages: int
    bytes: int
    max_bytes: int
    num_subjects: int
    first_seq: int
    first_ts: str
    last_seq: int
    last_ts: str
    consumers: int
    max_consumers: int
    pending_acks: int
    warnings: list[str]


class ConsumerRow(msgspec.Struct, kw_only=True):
    """`lag` is what it has not finished. Times are empty for never."""

    account: str
    tag: str
    stream: str
    name: str
    pending: int
    ack_pending: int
    max_ack_pending: int
    lag: int
    redelivered: int
    redeliveries: int
    waiting: int
    deliveries: int
    delivered_seq: int
    acked_seq: int
    delivered_ts: str
    acked_ts: str
    paused: bool


class Listing(msgspec.Struct, kw_only=True):
    """A page. `total` counts what is found on all pages."""

    server_id: str
    now: str
    total: int
    offset: int
    limit: int
    rows: list[Any]


def _page(
    source: MonitorSource,
    options: ListOptions,
    found: list[T],
    order: Callable[[T], Any],
    describe: Callable[[T], Any],
) -> Work[Pieces]:
    """The page of what was found, by `order`, no two of which are equal."""
    start = min(options.start, len(found))
    stop = min(len(found), start + options.size)
    in_turn = yield from ordered(found, order, False, MERGED)
    page = yield from window(in_turn, start, stop, MERGED)
    document = Document(
        Listing(
            server_id=source.id, now=format_time_s(time.time()), total=len(found),
            offset=options.start, limit=options.size, rows=[],
        )
    )  # fmt: skip
    document.fill("rows", encoded(map(describe, page), 2, DESCRIBED))
    return document.pieces()


def _key(orders: dict[str, Callable[[T], Any]], options: ListOptions) -> Callable[[T], Any]:
    """Raises BadRequest."""
    key = orders.get(options.sort or "name")
    if key is None:
        raise BadRequest(f"invalid sorting option: {options.sort}")
    return key


# -- accounts -----------------------------------------------------------------------------------

_ACCOUNTS: dict[str, Callable[[AccountView], Any]] = {
    "name": lambda account: 0,
    "connections": lambda account: -len(account.clients),
    "subscriptions": lambda account: -account.sublist.count,
    "in_msgs": lambda account: -account.in_msgs,
    "out_msgs": lambda account: -account.out_msgs,
    "in_bytes": lambda account: -account.in_bytes,
    "out_bytes": lambda account: -account.out_bytes,
    "slow_consumers": lambda account: -account.slow_consumers,
}


def accounts(source: MonitorSource, options: ListOptions) -> Work[Pieces]:
    """Those that are known. Raises BadRequest."""
    key = _key(_ACCOUNTS, options)
    text = options.search.casefold()
    found: list[AccountView] = []
    for batch in slices(list(source.accounts.values()), MERGED):
        yield
        for account in batch:
            names = (account.name, source.name_tag(account.name))
            if not text or any(text in name.casefold() for name in names):
                found.append(account)
    return (
        yield from _page(
            source, options, found, lambda account: (key(account), account.name),
            lambda account: _account(source, account),
        )
    )  # fmt: skip


def _account(source: MonitorSource, account: AccountView) -> AccountRow:
    jetstream = source.jetstream
    stored = jetstream.accounts.get(account.name) if jetstream is not None else None
    return AccountRow(
        name=account.name,
        tag=source.name_tag(account.name),
        is_system=account is source.system_account,
        connections=len(account.clients),
        total_connections=account.total_connections,
        subscriptions=account.sublist.count,
        in_msgs=account.in_msgs,
        in_bytes=account.in_bytes,
        out_msgs=account.out_msgs,
        out_bytes=account.out_bytes,
        slow_consumers=account.slow_consumers,
        jetstream=_use(stored.figures()) if stored is not None else None,
    )


def _use(found: AccountFigures) -> JetStreamUse:
    return JetStreamUse(
        memory=max(0, found.memory), max_memory=found.max_memory,
        storage=max(0, found.storage), max_storage=found.max_storage,
        streams=found.streams, max_streams=found.max_streams,
        consumers=found.consumers, max_consumers=found.max_consumers,
        api_total=found.api_total, api_errors=found.api_errors,
    )  # fmt: skip


# -- streams ------------------------------------------------------------------------------------

_Stream = tuple["StreamFigures", StreamView]
_NEVER = 1 << 63
_STREAMS: dict[str, Callable[[StreamFigures], Any]] = {
    "name": lambda stream: 0,
    "messages": lambda stream: -stream.messages,
    "bytes": lambda stream: -stream.bytes,
    "consumers": lambda stream: -stream.consumers,
    "last_seq": lambda stream: -stream.last_seq,
    "oldest": lambda stream: stream.first_ns or _NEVER,
    "used": lambda stream: -_used(stream),
    "warnings": lambda stream: -len(_warnings(stream)),
}


def streams(source: MonitorSource, options: ListOptions) -> Work[Pieces]:
    """Those of all accounts, or of one; or a single one. Raises BadRequest."""
    key = _key(_STREAMS, options)
    text = options.search.casefold()
    found: list[_Stream] = []
    for batch in slices(_chosen(source, options), STEP):
        yield
        for stream in batch:
            figures = stream.figures()
            if not text or text in figures.name.casefold():
                found.append((figures, stream))
    return (
        yield from _page(
            source, options, found,
            lambda each: (key(each[0]), each[0].account, each[0].name),
            lambda each: _stream(source, *each),
        )
    )  # fmt: skip


def _chosen(source: MonitorSource, options: ListOptions) -> Iterable[StreamView]:
    if source.jetstream is None:
        return ()
    return source.jetstream.streams(options.account, options.stream)


def _used(stream: StreamFigures) -> float:
    """The share of its limits that a stream uses, of the one that is used most."""
    pairs = (
        (stream.messages, stream.max_messages),
        (stream.bytes, stream.max_bytes),
        (stream.consumers, stream.max_consumers),
    )
    return max((used / most for used, most in pairs if most > 0), default=0.0)


def _warnings(stream: StreamFigures) -> list[str]:
    """What is wrong with it."""
    return list(islice(_all_warnings(stream), WARNINGS_MAX))


def _all_warnings(stream: StreamFigures) -> Iterator[str]:
    if stream.failure is not None:
        yield words.write_error(stream.failure)
    if stream.lost:
        yield words.lost(stream)
    for reason in stream.unreadable:
        yield words.unavailable(reason)
    for name, reason in stream.broken_consumers.items():
        yield f"consumer {name} {words.not_recovered(reason)}"
    for name, reason in stream.damaged_consumers.items():
        yield f"consumer {name} {words.damaged(reason)}"


def _stream(source: MonitorSource, found: StreamFigures, stream: StreamView) -> StreamRow:
    details = stream.details()
    state = details.state
    return StreamRow(
        account=found.account,
        tag=source.name_tag(found.account),
        name=found.name,
        storage=str(details.config.storage),
        subjects=list(details.config.subjects[:SUBJECTS_MAX]),
        more_subjects=max(0, len(details.config.subjects) - SUBJECTS_MAX),
        created=format_time_ns(details.created_ns),
        messages=found.messages,
        max_messages=found.max_messages,
        bytes=found.bytes,
        max_bytes=found.max_bytes,
        num_subjects=found.subjects,
        first_seq=found.first_seq,
        first_ts=_time(found.first_ns),
        last_seq=found.last_seq,
        last_ts=state.last_ts if state.last_seq else "",
        consumers=found.consumers,
        max_consumers=found.max_consumers,
        pending_acks=found.pending_acks,
        warnings=_warnings(found),
    )


def _time(ns: int) -> str:
    return format_time_ns(ns) if ns else ""


# -- consumers ----------------------------------------------------------------------------------

_CONSUMERS: dict[str, Callable[[ConsumerFigures], Any]] = {
    "name": lambda consumer: 0,
    "lag": lambda consumer: -_lag(consumer),
    "pending": lambda consumer: -consumer.pending,
    "ack_pending": lambda consumer: -consumer.ack_pending,
    "redelivered": lambda consumer: -consumer.redelivered,
    "redeliveries": lambda consumer: -consumer.redeliveries,
    "deliveries": lambda consumer: -consumer.deliveries,
    "delivered": lambda consumer: -consumer.delivered_ns,
}


def consumers(source: MonitorSource, options: ListOptions) -> Work[Pieces]:
    """Those of the chosen streams. Raises BadRequest."""
    key = _key(_CONSUMERS, options)
    text = options.search.casefold()
    found: list[ConsumerFigures] = []
    for streams_ in slices(_chosen(source, options), STEP):
        yield
        for stream in streams_:
            for batch in slices(stream.consumers.figures(), STEP):
                found += [each for each in batch if not text or text in each.name.casefold()]
                if len(batch) == STEP:
                    yield
    return (
        yield from _page(
            source, options, found,
            lambda each: (key(each), each.account, each.stream, each.name),
            lambda each: _consumer(source, each),
        )
    )  # fmt: skip


def _lag(consumer: ConsumerFigures) -> int:
    """What it has not finished."""
    return consumer.pending + consumer.ack_pending


def _consumer(source: MonitorSource, found: ConsumerFigures) -> ConsumerRow:
    return ConsumerRow(
        account=found.account,
        tag=source.name_tag(found.account),
        stream=found.stream,
        name=found.name,
        pending=found.pending,
        ack_pending=found.ack_pending,
        max_ack_pending=found.max_ack_pending,
        lag=_lag(found),
        redelivered=found.redelivered,
        redeliveries=found.redeliveries,
        waiting=found.waiting,
        deliveries=found.deliveries,
        delivered_seq=found.delivered_seq,
        acked_seq=found.acked_seq,
        delivered_ts=_time(found.delivered_ns),
        acked_ts=_time(found.acked_ns),
        paused=found.paused,
    )
