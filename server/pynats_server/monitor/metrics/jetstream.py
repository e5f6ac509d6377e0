"""The JetStream part of /metrics.

The oldest STREAMS_MAX streams get their own series; this choice stays the same between scrapes. The
other streams are summed up under OTHER, except figures that have no sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily, Metric

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
from pynats_server.monitor.source import JetStreamView
from pynats_server.work import Work

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import (
        AccountFigures,
        ConsumerFigures,
        Contents,
        ServerFigures,
        StreamFigures,
        SyncTimes,
    )

STREAMS_MAX = 1000  # streams with their own series
CONSUMERS_MAX = 1000  # consumers with their own series
STEP = 32  # accounts or streams asked for their figures in one step


def families(jetstream: JetStreamView, per_stream: bool) -> Work[list[Metric]]:
    """All figures; those of single streams if wanted."""
    contents = yield from jetstream.contents()
    found = [
        *_server(jetstream.figures()),
        *_contents(contents),
        _sync_times(jetstream.sync_times()),
    ]
    accounts = []
    for account in list(jetstream.accounts.values()):
        accounts.append(account.figures())
        if len(accounts) % STEP == 0:
            yield
    for family in _accounts(accounts):
        found.append(family)
        yield
    if per_stream:
        streams = []
        for stream in jetstream.streams():
            streams.append(stream.figures())
            if len(streams) % STEP == 0:
                yield
        for family in _streams(streams):
            found.append(family)
            yield
        consumers = yield from _first_consumers(jetstream)
        for family in _consumers(consumers):
            found.append(family)
            yield
    return found


def _server(found: ServerFigures) -> Iterator[Metric]:
    used = figures(found)
    gauges = (
        ("memory_bytes", "Memory that streams hold.", used.memory),
        ("memory_bytes_max", "What they may hold, -1 = any.", found.max_memory),
        ("memory_bytes_reserved", "Memory claimed by max_bytes.", used.reserved_memory),
        ("storage_bytes", "Disk space that streams hold.", used.storage),
        ("storage_bytes_max", "What they may hold, -1 = any.", found.max_storage),
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


def _contents(found: Contents) -> Iterator[Metric]:
    gauges = (
        ("streams", "Streams.", found.streams),
        ("streams_broken", "Streams on disk that could not be recovered.", found.broken),
        ("streams_failed", "Streams whose storage takes no more changes after an error.",
         found.failed),
        ("consumers", "Consumers.", found.consumers),
        ("consumers_broken", "Consumers on disk that could not be recovered.",
         found.broken_consumers),
        ("messages", "Messages in all streams.", found.messages),
        ("bytes", "Bytes of messages in all streams.", found.bytes),
        ("lost_messages", "Messages that damage has taken from streams.", found.lost),
        ("pending_acknowledgements", "Messages taken but not yet acknowledged.",
         found.pending_acks),
    )  # fmt: skip
    for name, text, value in gauges:
        yield gauge(f"jetstream_{name}", text, value)


def _sync_times(times: SyncTimes) -> Metric:
    bounds = [*map(str, times.bounds_s), "+Inf"]
    return HistogramMetricFamily(
        f"{PREFIX}jetstream_sync_seconds",
        "How long fsyncs took that acknowledgements waited for.",
        buckets=list(zip(bounds, map(float, accumulate(times.counts)), strict=True)),
        sum_value=times.total_s,
    )


def _accounts(accounts: Iterable[AccountFigures]) -> Iterator[Metric]:
    rows = (([account.name], _account_values(account)) for account in accounts)
    yield from account_families("account_jetstream_", _ACCOUNT_FAMILIES, rows)


# The order is that of _account_values.
_ACCOUNT_FAMILIES: tuple[tuple[str, str, Family], ...] = (
    ("streams", "Streams of the account.", labelled_gauge),
    ("streams_broken", "Its streams on disk that could not be recovered.", labelled_gauge),
    ("consumers", "Consumers of its streams.", labelled_gauge),
    ("memory_bytes", "Memory that its streams hold.", labelled_gauge),
    ("memory_bytes_reserved", "Memory that its streams claim by max_bytes.", labelled_gauge),
    ("storage_bytes", "Disk space that its streams hold.", labelled_gauge),
    ("storage_bytes_reserved", "Disk space that they claim by max_bytes.", labelled_gauge),
    ("api_requests", "API requests of the account.", counter),
    ("api_errors", "API requests of the account that were refused.", counter),
)


def _account_values(account: AccountFigures) -> list[int]:
    return [
        account.streams,
        account.broken,
        account.consumers,
        account.memory,
        account.reserved_memory,
        account.storage,
        account.reserved_storage,
        account.api_total,
        account.api_errors,
    ]


_Value = Callable[["StreamFigures"], int]
# name, text, value, whether the values of several streams have a sum
_STREAM_FAMILIES: tuple[tuple[str, str, _Value, bool], ...] = (
    ("messages", "Messages in the stream.", lambda s: s.messages, True),
    ("bytes", "Bytes of its messages.", lambda s: s.bytes, True),
    ("first_sequence", "Sequence of its first message.", lambda s: s.first_seq, False),
    ("last_sequence", "Sequence given last.", lambda s: s.last_seq, False),
    ("durable_sequence", "Last sequence that is durable.", lambda s: s.durable_seq, False),
    ("subjects", "Subjects with messages in it.", lambda s: s.subjects, True),
    ("lost_messages", "Messages that damage has taken from it.", lambda s: s.lost, True),
    ("pending_acknowledgements", "Messages taken but not yet acknowledged.",
     lambda s: s.pending_acks, True),
    ("consumers", "Consumers of it.", lambda s: s.consumers, True),
    ("failed", "1 when its storage takes no more changes after an error.",
     lambda s: int(s.failure is not None), True),
)  # fmt: skip


def _streams(streams: list[StreamFigures]) -> Iterator[Metric]:
    shown, others = streams[:STREAMS_MAX], streams[STREAMS_MAX:]
    for name, text, value, summable in _STREAM_FAMILIES:
        family = labelled_gauge(f"stream_{name}", text, ["account", "stream"])
        for stream in shown:
            family.add_metric([stream.account, stream.name], value(stream))
        if others and summable:
            family.add_metric([OTHER, OTHER], sum(map(value, others)))
        yield family


_CONSUMER_FAMILIES: tuple[tuple[str, str, Callable[[ConsumerFigures], int]], ...] = (
    ("pending", "Messages that the consumer has not delivered yet.", lambda c: c.pending),
    ("ack_pending", "Messages whose acknowledgement it waits for.", lambda c: c.ack_pending),
    ("redelivered", "Of them, those delivered more than once.", lambda c: c.redelivered),
    ("waiting_pulls", "Requests that wait for messages.", lambda c: c.waiting),
)


def _first_consumers(jetstream: JetStreamView) -> Work[list[ConsumerFigures]]:
    found: list[ConsumerFigures] = []
    for stream in jetstream.streams():
        for one in stream.consumers.figures():
            found.append(one)
            if len(found) == CONSUMERS_MAX:
                return found
            if len(found) % STEP == 0:
                yield
        yield
    return found


def _consumers(consumers: list[ConsumerFigures]) -> Iterator[Metric]:
    for name, text, value in _CONSUMER_FAMILIES:
        family = labelled_gauge(f"consumer_{name}", text, ["account", "stream", "consumer"])
        for one in consumers:
            family.add_metric([one.account, one.stream, one.name], value(one))
        yield family
