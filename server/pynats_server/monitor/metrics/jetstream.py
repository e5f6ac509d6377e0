"""The JetStream part of /metrics.

Series per stream are many where streams are: STREAMS_MAX of them, in the order in which they came
to be so that a scrape does not change which, get series of their own. The others are summed up
under OTHER, but for figures that have no sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily, Metric

from pynats_server.jetstream.store.file.sync_times import BOUNDS
from pynats_server.monitor.jsz import figures
from pynats_server.monitor.metrics.families import (
    OTHER,
    PREFIX,
    Family,
    account_families,
    counter,
    gauge,
    labelled_gauge,
)

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.jetstream.stream.stream import Stream

STREAMS_MAX = 1000  # streams with series of their own


def families(jetstream: JetStream, per_stream: bool) -> Iterator[Metric]:
    """All figures; those of single streams if wanted."""
    accounts = list(jetstream.accounts.values())
    streams = [stream for account in accounts for stream in account.streams.values()]
    yield from _server(jetstream)
    yield from _contents(accounts, streams)
    yield _sync_times(jetstream)
    yield from _accounts(accounts)
    if per_stream:
        yield from _streams(streams)


def _server(jetstream: JetStream) -> Iterator[Metric]:
    used = figures(jetstream)
    gauges = (
        ("memory_bytes", "Memory that streams hold.", used.memory),
        ("memory_bytes_max", "What they may hold, -1 = any.", jetstream.memory_usage.limit),
        ("memory_bytes_reserved", "Memory claimed by max_bytes.", used.reserved_memory),
        ("storage_bytes", "Disk space that streams hold.", used.storage),
        ("storage_bytes_max", "What they may hold, -1 = any.", jetstream.file_usage.limit),
        ("storage_bytes_reserved", "Disk space claimed by max_bytes.", used.reserved_storage),
        ("accounts", "Accounts that have JetStream.", used.accounts),
        ("api_requests_inflight", "API requests that wait or are under way.", used.api.inflight),
    )
    for name, text, value in gauges:
        yield gauge(f"jetstream_{name}", text, value)
    counters = (
        ("api_requests", "API requests.", used.api.total),
        ("api_errors", "API requests that were refused.", used.api.errors),
    )
    for name, text, value in counters:
        family = counter(f"jetstream_{name}", text)
        family.add_metric([], value)
        yield family


def _contents(accounts: list[JetStreamAccount], streams: list[Stream]) -> Iterator[Metric]:
    stores = [stream.store for stream in streams]
    broken = sum(len(account.broken) for account in accounts)
    gauges = (
        ("streams", "Streams.", len(streams)),
        ("streams_broken", "Streams on disk that could not be recovered.", broken),
        ("streams_failed", "Streams whose storage takes no more changes after an error.",
         sum(store.failed is not None for store in stores)),
        ("messages", "Messages in all streams.", sum(store.msgs for store in stores)),
        ("bytes", "Bytes of messages in all streams.", sum(store.nbytes for store in stores)),
        ("lost_messages", "Messages that damage has taken from streams.",
         sum(len(store.lost) for store in stores)),
        ("pending_acknowledgements", "Messages taken but not yet acknowledged.",
         sum(stream.ingest.waiting for stream in streams)),
    )  # fmt: skip
    for name, text, value in gauges:
        yield gauge(f"jetstream_{name}", text, value)


def _sync_times(jetstream: JetStream) -> Metric:
    times = jetstream.syncer.times
    bounds = [*map(str, BOUNDS), "+Inf"]
    return HistogramMetricFamily(
        f"{PREFIX}jetstream_sync_seconds",
        "How long fsyncs took that acknowledgements waited for.",
        buckets=list(zip(bounds, map(float, accumulate(times.counts)), strict=True)),
        sum_value=times.total_seconds,
    )


def _accounts(accounts: list[JetStreamAccount]) -> Iterator[Metric]:
    rows = (([account.name], _account_values(account)) for account in accounts)
    yield from account_families("account_jetstream_", _ACCOUNT_FAMILIES, rows)


# The order is that of _account_values.
_ACCOUNT_FAMILIES: tuple[tuple[str, str, Family], ...] = (
    ("streams", "Streams of the account.", labelled_gauge),
    ("streams_broken", "Its streams on disk that could not be recovered.", labelled_gauge),
    ("memory_bytes", "Memory that its streams hold.", labelled_gauge),
    ("memory_bytes_reserved", "Memory that its streams claim by max_bytes.", labelled_gauge),
    ("storage_bytes", "Disk space that its streams hold.", labelled_gauge),
    ("storage_bytes_reserved", "Disk space that they claim by max_bytes.", labelled_gauge),
    ("api_requests", "API requests of the account.", counter),
    ("api_errors", "API requests of the account that were refused.", counter),
)


def _account_values(account: JetStreamAccount) -> list[int]:
    return [
        len(account.streams),
        len(account.broken),
        account.usage("memory").used,
        account.reserved("memory"),
        account.usage("file").used,
        account.reserved("file"),
        account.api_total,
        account.api_errors,
    ]


_Value = Callable[["Stream"], int]
# name, text, value, whether the values of several streams have a sum
_STREAM_FAMILIES: tuple[tuple[str, str, _Value, bool], ...] = (
    ("messages", "Messages in the stream.", lambda s: s.store.msgs, True),
    ("bytes", "Bytes of its messages.", lambda s: s.store.nbytes, True),
    ("first_sequence", "Sequence of its first message.", lambda s: s.store.first_seq, False),
    ("last_sequence", "Sequence given last.", lambda s: s.store.last_seq, False),
    ("durable_sequence", "Last sequence that is durable.", lambda s: s.durable_seq, False),
    ("subjects", "Subjects with messages in it.", lambda s: len(s.store.tree), True),
    ("lost_messages", "Messages that damage has taken from it.", lambda s: len(s.store.lost), True),
    ("pending_acknowledgements", "Messages taken but not yet acknowledged.",
     lambda s: s.ingest.waiting, True),
    ("failed", "1 when its storage takes no more changes after an error.",
     lambda s: int(s.store.failed is not None), True),
)  # fmt: skip


def _streams(streams: list[Stream]) -> Iterator[Metric]:
    shown, others = streams[:STREAMS_MAX], streams[STREAMS_MAX:]
    for name, text, value, summable in _STREAM_FAMILIES:
        family = labelled_gauge(f"stream_{name}", text, ["account", "stream"])
        for stream in shown:
            family.add_metric([stream.account.name, stream.name], value(stream))
        if others and summable:
            family.add_metric([OTHER, OTHER], sum(map(value, others)))
        yield family
