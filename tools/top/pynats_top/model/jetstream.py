"""Streams and consumers as /jsz tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pynats_top.model.rates import growth
from pynats_top.model.values import instant, integer, mapping, objects, text, texts


@dataclass(slots=True)
class StreamFigures:
    """One stream. Rates: messages stored, and bytes its size grew by, per second."""

    account: str
    name: str
    subjects: tuple[str, ...]
    storage: str
    retention: str
    replicas: int
    leader: str
    messages: int
    size: int
    first_seq: int
    last_seq: int
    last: int  # time of the last message
    consumers: int
    subject_count: int
    deleted: int
    source: str  # what it mirrors or sources
    messages_rate: float = 0.0
    size_rate: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """Account and name."""
        return self.account, self.name


@dataclass(slots=True)
class ConsumerFigures:
    """One consumer. Rates: messages delivered and acknowledged per second."""

    account: str
    stream: str
    name: str
    leader: str
    mode: str  # pull or push
    ack_policy: str
    filters: tuple[str, ...]
    pending: int
    ack_pending: int
    ack_pending_max: int
    redelivered: int
    waiting: int
    delivered: int  # sequence of the last delivery
    ack_floor: int
    stream_seq: int
    last: int  # time of the last delivery
    paused: bool
    delivered_rate: float = 0.0
    acked_rate: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, stream and name."""
        return self.account, self.stream, self.name


_KEY = attrgetter("key")


def jetstream(
    jsz: dict[str, Any],
    streams_before: Sequence[StreamFigures],
    consumers_before: Sequence[ConsumerFigures],
    seconds: float,
) -> tuple[list[StreamFigures], list[ConsumerFigures]]:
    """All streams and consumers of an answer."""
    known_streams = {stream.key: stream for stream in streams_before}
    known_consumers = {consumer.key: consumer for consumer in consumers_before}
    streams: list[StreamFigures] = []
    consumers: list[ConsumerFigures] = []
    for account, row in _stream_rows(jsz):
        stream = _stream(account, row)
        before = known_streams.get(stream.key)
        if before is not None and before.last_seq <= stream.last_seq:
            stream.messages_rate = growth(before.last_seq, stream.last_seq, seconds)
            stream.size_rate = growth(before.size, stream.size, seconds)
        streams.append(stream)
        for detail in objects(row.get("consumer_detail")):
            consumer = _consumer(account, stream.name, detail)
            was = known_consumers.get(consumer.key)
            if was is not None:
                consumer.delivered_rate = growth(was.delivered, consumer.delivered, seconds)
                consumer.acked_rate = growth(was.ack_floor, consumer.ack_floor, seconds)
            consumers.append(consumer)
    # A server has them in another order every time.
    return sorted(streams, key=_KEY), sorted(consumers, key=_KEY)


def _stream_rows(jsz: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for account in objects(jsz.get("account_details")):
        for row in objects(account.get("stream_detail")):
            yield text(account.get("name")) or text(account.get("id")), row


def _stream(account: str, row: dict[str, Any]) -> StreamFigures:
    config, state = mapping(row.get("config")), mapping(row.get("state"))
    mirror = text(mapping(config.get("mirror")).get("name"))
    sources = [text(source.get("name")) for source in objects(config.get("sources"))]
    return StreamFigures(
        account=account,
        name=text(row.get("name")),
        subjects=texts(config.get("subjects")),
        storage=text(config.get("storage")),
        retention=text(config.get("retention")),
        replicas=integer(config.get("num_replicas")),
        leader=text(mapping(row.get("cluster")).get("leader")),
        messages=integer(state.get("messages")),
        size=integer(state.get("bytes")),
        first_seq=integer(state.get("first_seq")),
        last_seq=integer(state.get("last_seq")),
        last=instant(state.get("last_ts")),
        consumers=integer(state.get("consumer_count")),
        subject_count=integer(state.get("num_subjects")),
        deleted=integer(state.get("num_deleted")),
        source=mirror or ", ".join(sources),
    )


def _consumer(account: str, stream: str, row: dict[str, Any]) -> ConsumerFigures:
    config = mapping(row.get("config"))
    delivered, floor = mapping(row.get("delivered")), mapping(row.get("ack_floor"))
    single = text(config.get("filter_subject"))
    return ConsumerFigures(
        account=account,
        stream=text(row.get("stream_name")) or stream,
        name=text(row.get("name")),
        leader=text(mapping(row.get("cluster")).get("leader")),
        mode="push" if text(config.get("deliver_subject")) else "pull",
        ack_policy=text(config.get("ack_policy")),
        filters=(single,) if single else texts(config.get("filter_subjects")),
        pending=integer(row.get("num_pending")),
        ack_pending=integer(row.get("num_ack_pending")),
        ack_pending_max=integer(config.get("max_ack_pending")),
        redelivered=integer(row.get("num_redelivered")),
        waiting=integer(row.get("num_waiting")),
        delivered=integer(delivered.get("consumer_seq")),
        ack_floor=integer(floor.get("consumer_seq")),
        stream_seq=integer(delivered.get("stream_seq")),
        last=instant(delivered.get("last_active")),
        paused=row.get("paused") is True,
    )
