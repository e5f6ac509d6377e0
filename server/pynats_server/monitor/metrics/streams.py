"""The figures of single streams and consumers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynats_common.go.durations import SECOND_NS

from pynats_server.monitor.metrics.entities import Column, Table, Used

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import ConsumerFigures, StreamFigures


def stream_table() -> Table[StreamFigures]:
    """No rows yet."""
    return Table(
        "stream", ["account", "stream"], _STREAM_COLUMNS,
        lambda stream: [stream.account, stream.name], _stream_limits, 4,
    )  # fmt: skip


def consumer_table() -> Table[ConsumerFigures]:
    """No rows yet."""
    return Table(
        "consumer", ["account", "stream", "consumer"], _CONSUMER_COLUMNS,
        lambda one: [one.account, one.stream, one.name], _consumer_limits, 2,
    )  # fmt: skip


def _stream_limits(stream: StreamFigures) -> Iterator[Used]:
    yield "messages", stream.messages, stream.max_messages
    yield "bytes", stream.bytes, stream.max_bytes
    yield "consumers", stream.consumers, stream.max_consumers
    yield "pending_acknowledgements", stream.pending_acks, stream.max_pending_acks


def _consumer_limits(one: ConsumerFigures) -> Iterator[Used]:
    yield "ack_pending", one.ack_pending, one.max_ack_pending
    yield "waiting_pulls", one.waiting, one.max_waiting


def _age_s(since_ns: int) -> float:
    return max(0.0, round(time.time() - since_ns / SECOND_NS, 3)) if since_ns else 0.0


def _seconds(ns: int) -> float | None:
    return ns / SECOND_NS if ns else None


_STREAM_COLUMNS: tuple[Column[StreamFigures], ...] = (
    Column("messages", "Messages in the stream.", lambda s: s.messages),
    Column("bytes", "Bytes of its messages.", lambda s: s.bytes),
    Column("first_sequence", "Sequence of its first message.",
           lambda s: s.first_seq, join=None),
    Column("last_sequence", "Sequence given last.",
           lambda s: s.last_seq, join=None),
    Column("durable_sequence", "Last sequence that is durable.",
           lambda s: s.durable_seq, join=None),
    Column("oldest_message_age_seconds",
           "Age of its first message, 0 = it has none.",
           lambda s: _age_s(s.first_ns), join=max),
    Column("subjects", "Subjects with messages in it.", lambda s: s.subjects),
    Column("lost_messages", "Messages that damage has taken from it.",
           lambda s: s.lost),
    Column("pending_acknowledgements",
           "Messages taken but not yet acknowledged.",
           lambda s: s.pending_acks),
    Column("consumers", "Consumers of it.", lambda s: s.consumers),
    Column("failed",
           "1 when its storage takes no more changes after an error.",
           lambda s: int(s.failure is not None)),
)  # fmt: skip
_CONSUMER_COLUMNS: tuple[Column[ConsumerFigures], ...] = (
    Column("pending", "Messages that it has not delivered yet.",
           lambda c: c.pending),
    Column("ack_pending", "Messages whose acknowledgement it waits for.",
           lambda c: c.ack_pending),
    Column("redelivery_pending",
           "Of those, the ones that are to be delivered again now.",
           lambda c: c.again),
    Column("redelivered", "Messages it waits for that were delivered more than once.",
           lambda c: c.redelivered),
    Column("lag_messages",
           "What it has not finished: messages not delivered yet, and those "
           "not acknowledged, which may come again.",
           lambda c: c.pending + c.ack_pending),
    Column("waiting_pulls", "Requests that wait for messages.",
           lambda c: c.waiting),
    Column("deliveries",
           "Deliveries since it was made or reset, repeated ones included.",
           lambda c: c.deliveries, kind="counter"),
    Column("redeliveries",
           "Deliveries but for the first of each message, since the start.",
           lambda c: c.redeliveries, kind="counter"),
    Column("delivered_sequence", "Of the stream: delivered up to here.",
           lambda c: c.delivered_seq, join=None),
    Column("acknowledged_sequence",
           "Of the stream: everything up to here is acknowledged.",
           lambda c: c.acked_seq, join=None),
    Column("last_delivery_timestamp_seconds",
           "Last delivery, in seconds since 1970.",
           lambda c: _seconds(c.delivered_ns), join=max),
    Column("last_acknowledgement_timestamp_seconds",
           "Last acknowledgement, in seconds since 1970.",
           lambda c: _seconds(c.acked_ns), join=max),
    Column("paused", "1 while it is paused.", lambda c: int(c.paused)),
)  # fmt: skip
