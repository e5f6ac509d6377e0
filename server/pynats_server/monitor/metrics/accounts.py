"""The figures of single accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynats_server.monitor.metrics.entities import Column, Table, Used
from pynats_server.monitor.metrics.slow import Of
from pynats_server.monitor.source import AccountView
from pynats_server.options import AccountOptions

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import AccountFigures


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account: its connections, what is configured, its receivers, and its JetStream."""

    view: AccountView
    options: AccountOptions
    receivers: Of
    jetstream: AccountFigures | None


def table() -> Table[AccountRow]:
    """No rows yet."""
    return Table("account", ["account"], _COLUMNS, lambda row: [row.view.name], _limits, 7)


def _limits(row: AccountRow) -> Iterator[Used]:
    limits = row.options.limits
    yield "connections", len(row.view.clients), limits.max_connections
    yield "payload", row.view.largest_payload, limits.max_payload
    if limits.max_subscriptions > 0:
        yield "subscriptions", row.receivers.subscriptions, 1
    found = row.jetstream
    if found is not None:
        yield "memory", found.memory, found.max_memory
        yield "storage", found.storage, found.max_storage
        yield "streams", found.streams, found.max_streams
        yield "consumers", found.consumers, found.max_consumers


def _js(value: Callable[[AccountFigures], int]) -> Callable[[AccountRow], float | None]:
    return lambda row: value(row.jetstream) if row.jetstream is not None else None


def _any(count: int) -> int | None:
    """A figure that is left out where there is nothing."""
    return count or None


_COLUMNS: tuple[Column[AccountRow], ...] = (
    Column(
        "connections", "Open connections of the account.", lambda row: len(row.view.clients)
    ),
    Column(
        "subscriptions", "Subscriptions of the account.", lambda row: row.view.sublist.count
    ),
    Column(
        "connections_accepted", "Connections of the account since the start.",
        lambda row: row.view.total_connections, kind="counter",
    ),
    Column(
        "received_messages", "Messages from clients of the account.",
        lambda row: row.view.in_msgs, kind="counter",
    ),
    Column(
        "received_bytes", "Bytes of messages from clients of the account.",
        lambda row: row.view.in_bytes, kind="counter",
    ),
    Column(
        "sent_messages", "Messages to clients of the account.",
        lambda row: row.view.out_msgs, kind="counter",
    ),
    Column(
        "sent_bytes", "Bytes of messages to clients of the account.",
        lambda row: row.view.out_bytes, kind="counter",
    ),
    Column(
        "slow_consumers", "Connections of the account cut because they read too slowly.",
        lambda row: row.view.slow_consumers, kind="counter",
    ),
    Column(
        "slow_receivers", "Connections with a backlog that holds producers back.",
        lambda row: row.receivers.slow,
    ),
    Column(
        "largest_payload_bytes", "Largest message of its clients since the start.",
        lambda row: row.view.largest_payload, join=max,
    ),
    Column(
        "publish_throttles", "Times that a connection was held back by a limit of its rate.",
        lambda row: _any(row.view.throttles), kind="counter",
    ),
    Column(
        "publish_refusals", "Messages that a limit of their rate refused.",
        lambda row: _any(row.view.refusals), kind="counter",
    ),
    Column(
        "matches", "Look-ups of who gets a subject.",
        lambda row: row.view.sublist.matches, kind="counter",
    ),
    Column(
        "match_cache_hits", "Look-ups answered from the cache.",
        lambda row: row.view.sublist.cache_hits, kind="counter",
    ),
    Column(
        "exports", "Streams and services that it exports.",
        lambda row: _any(len(row.options.stream_exports) + len(row.options.service_exports)),
    ),
    Column(
        "imports", "Streams and services that it imports.",
        lambda row: _any(len(row.options.stream_imports) + len(row.options.service_imports)),
    ),
    Column(
        "mappings", "Subjects that it maps to others.",
        lambda row: _any(len(row.options.mappings)),
    ),
    Column(
        "awaited_answers", "Answers of its services that other accounts wait for.",
        lambda row: _any(row.view.awaited.count) if row.view.awaited is not None else None,
    ),
    Column(
        "jetstream_streams", "Streams of the account.", _js(lambda found: found.streams)
    ),
    Column(
        "jetstream_streams_broken", "Its streams on disk that could not be recovered.",
        _js(lambda found: found.broken),
    ),
    Column(
        "jetstream_consumers", "Consumers of its streams.", _js(lambda found: found.consumers)
    ),
    Column(
        "jetstream_memory_bytes", "Memory that its streams hold.", _js(lambda found: found.memory)
    ),
    Column(
        "jetstream_memory_bytes_reserved", "Memory that its streams claim by max_bytes.",
        _js(lambda found: found.reserved_memory),
    ),
    Column(
        "jetstream_storage_bytes", "Disk space that its streams hold.",
        _js(lambda found: found.storage),
    ),
    Column(
        "jetstream_storage_bytes_reserved", "Disk space that they claim by max_bytes.",
        _js(lambda found: found.reserved_storage),
    ),
    Column(
        "jetstream_api_requests", "API requests of the account.",
        _js(lambda found: found.api_total), kind="counter",
    ),
    Column(
        "jetstream_api_errors", "API requests of the account that were refused.",
        _js(lambda found: found.api_errors), kind="counter",
    ),
)  # fmt: skip
