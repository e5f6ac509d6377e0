"""The rows of consumers, buckets and objects."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pynats_bench.consumers.consuming import ConsumeSession, LatencySession, TogetherSession
from pynats_bench.consumers.idle import IdleRow
from pynats_bench.consumers.model import ConsumeLoad
from pynats_bench.consumers.stores import (
    BucketSession,
    GetSession,
    ObjectSession,
    WatchSession,
)
from pynats_bench.contender import Contender, Running
from pynats_bench.model import Endpoint, LoadError, Result
from pynats_bench.rows import Heading, Row, Sample, Setting, explained, measure
from pynats_bench.streams.publishing import JetStreamLoad
from pynats_bench.streams.rows import ASYNC_WINDOW, configuration

SECTION = "Consumers"
KEYS = 100_000
GET_BATCH = 1000
LATENCY_SHARE = 0.1  # of the top rate
OBJECT_MIB = 100


class Runs(Protocol):
    """What a row measures."""

    def run(self, messages: int) -> Result: ...


Opened = Callable[[Endpoint, frozenset[int] | None], AbstractContextManager[Runs]]


@contextlib.contextmanager
def _server(contender: Contender, setting: Setting) -> Iterator[Running]:
    """A server with a fresh store and its defaults."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=setting.store_folder) as name:
        config = Path(name) / "server.conf"
        config.write_text(configuration(Path(name) / "store", ""))
        with setting.start(contender, config) as server:
            yield server


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Messages a second of what `opened` gives, on a server with its defaults."""

    heading: Heading
    opened: Opened
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with _server(contender, setting) as server:
            try:
                with self.opened(server.endpoint, setting.cores_load) as session:
                    return measure(session, self.heading.name, server, contender.name, setting)
            except LoadError as error:
                raise explained(server, error) from None


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Microseconds from publish to delivery that 99 % do not exceed, at a tenth of the rate at
    which the same server takes and delivers all it can."""

    heading: Heading
    load: ConsumeLoad
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with _server(contender, setting) as server:
            try:
                with TogetherSession(
                    server.endpoint,
                    self.load,
                    publishers=1,
                    window=ASYNC_WINDOW,
                    cores=setting.cores_load,
                ) as together:
                    top = measure(together, self.heading.name, server, contender.name, setting)
                rate = top.value * LATENCY_SHARE
                with LatencySession(
                    server.endpoint, self.load, cores=setting.cores_load
                ) as session:
                    session.run(max(int(rate * setting.seconds / 4), 10), rate)
                    result = session.run(max(int(rate * setting.seconds * 3), 100), rate)
            except LoadError as error:
                raise explained(server, error) from None
        latency = result.latency
        assert latency is not None
        note = (
            f"p50 {latency.p50_us:.0f} µs, p99 {latency.p99_us:.0f} µs, "
            f"p99.9 {latency.p999_us:.0f} µs at {rate:,.0f} msg/s"
        )
        return Sample(latency.p99_us, foreign=top.foreign, note=note)


def consumer_rows(scale: float = 1.0) -> list[Row]:
    """Every row, in table order. `scale` shrinks counts for tests."""
    keys = max(int(KEYS * scale), 50)
    return [
        *_consume_rows(),
        *_store_rows(keys, min(GET_BATCH, keys // 2), max(int(OBJECT_MIB * scale), 1)),
        *_together_rows(),
        *_idle_rows(scale),
    ]


def _heading(name: str, title: str, target: float | None = None, unit: str = "msg/s") -> Heading:
    return Heading(name, title, unit, target=target, section=SECTION)


def _consuming(load: ConsumeLoad) -> Opened:
    return lambda endpoint, cores: ConsumeSession(endpoint, load, cores=cores)


def _consume_rows() -> list[Row]:
    ordered = {"mem_storage": True, "max_deliver": 1}
    ways: list[tuple[str, str, float | None, ConsumeLoad]] = [
        ("ordered", "ordered consume", 3.0, ConsumeLoad(extra=ordered)),
        ("fetch", "fetch of 500, no acks", 3.0, ConsumeLoad(way="fetch")),
        ("explicit-1", "consume, explicit acks, 1 client", 5.0, ConsumeLoad(ack="explicit")),
        (
            "explicit-4",
            "consume, explicit acks, 4 clients",
            5.0,
            ConsumeLoad(ack="explicit", clients=4),
        ),
        ("all", "consume, ack all, every 100th", None, ConsumeLoad(ack="all")),
        ("push", "push, no acks", 3.0, ConsumeLoad(way="push")),
        (
            "push-flow",
            "push, no acks, flow control",
            3.0,
            ConsumeLoad(way="push", flow_control=True),
        ),
        (
            "queue-push",
            "push to a queue group of 4, explicit acks",
            3.0,
            ConsumeLoad(way="push", ack="explicit", clients=4, group="workers"),
        ),
    ]
    return [
        SessionRow(_heading(f"consume-{name}", f"{title}, 128 B", target), _consuming(load))
        for name, title, target, load in ways
    ]


def _store_rows(keys: int, batch: int, mib: int) -> list[Row]:
    def gets(window: int = 1, by_key: bool = False, batch: int = 1) -> Opened:
        return lambda endpoint, cores: GetSession(
            endpoint, 128, keys, window=window, by_key=by_key, batch=batch, cores=cores
        )

    def puts(window: int) -> Opened:
        load = JetStreamLoad(128, window, subjects=keys)
        return lambda endpoint, cores: BucketSession(endpoint, load, cores=cores)

    def objects(put: bool) -> Opened:
        return lambda endpoint, cores: ObjectSession(endpoint, put=put, mib=mib, cores=cores)

    def watching(endpoint: Endpoint, cores: frozenset[int] | None) -> WatchSession:
        return WatchSession(endpoint, 128, keys, cores=cores)

    of = f"{keys:,} keys, 128 B"
    window = f"window {ASYNC_WINDOW:,}"
    return [
        SessionRow(_heading("direct-get-sync", "direct get by sequence, sync, 128 B", 1.2), gets()),
        SessionRow(
            _heading("direct-get-batch", f"direct get, batches of {batch:,}, 128 B", 3.0),
            gets(batch=batch),
        ),
        SessionRow(_heading("kv-get", f"KV get, sync, {of}", 1.2), gets(by_key=True)),
        SessionRow(
            _heading("kv-get-async", f"KV get, {window}, {of}"),
            gets(ASYNC_WINDOW, by_key=True),
        ),
        SessionRow(_heading("kv-put", f"KV put, sync, {of}", 1.0), puts(1)),
        SessionRow(_heading("kv-put-async", f"KV put, {window}, {of}", 3.0), puts(ASYNC_WINDOW)),
        SessionRow(_heading("kv-watch", f"KV watch of {of}"), watching),
        SessionRow(
            _heading("object-put", f"object put, {mib:,} MiB", None, "MiB/s"), objects(put=True)
        ),
        SessionRow(
            _heading("object-get", f"object get, {mib:,} MiB", 2.0, "MiB/s"), objects(put=False)
        ),
    ]


def _together_rows() -> list[Row]:
    load = ConsumeLoad(ack="explicit", clients=8)

    def both(endpoint: Endpoint, cores: frozenset[int] | None) -> TogetherSession:
        return TogetherSession(endpoint, load, publishers=8, window=100, cores=cores)

    latency = Heading(
        "consume-latency",
        "publish to delivery at 10 % of the top rate, p99, 128 B",
        "µs",
        more_is_better=False,
        section=SECTION,
    )
    return [
        SessionRow(_heading("together-8-8", "8 publish and 8 consume, explicit acks, 128 B"), both),
        LatencyRow(latency, ConsumeLoad(ack="explicit")),
    ]


def _idle_rows(scale: float) -> list[Row]:
    many, streams = max(int(10_000 * scale), 10), max(int(1_000 * scale), 3)
    rows: list[Row] = []
    for name, what, count, each in (
        ("one", f"{many:,} consumers of one stream", 1, many),
        ("each", f"{streams:,} streams with 10 consumers each", streams, 10),
    ):
        for figure, title, unit in (
            ("memory", "memory growth", "MiB"),
            ("cpu", "idle CPU", "ms/s"),
        ):
            heading = Heading(
                f"consumers-{figure}-{name}",
                f"{title}, {what}",
                unit,
                more_is_better=False,
                target=1.0,
                heavy=True,
                section=SECTION,
            )
            rows.append(IdleRow(heading, count, each, figure))
    return rows
