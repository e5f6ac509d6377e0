"""Consumes what a stream holds, and what is being published to it.

with ConsumeSession(endpoint, ConsumeLoad(ack="explicit")) as session:
    print(session.run(100_000).rate)
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from pynats_bench.consumers.clients import Clients
from pynats_bench.consumers.model import ConsumeLoad
from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.marks import MarkedPublishLoop
from pynats_bench.load import Session
from pynats_bench.model import Endpoint, Latency, LoadError, Result
from pynats_bench.session import connect, subscribe
from pynats_bench.streams.publishing import (
    STALL_S,
    STREAM,
    SUBJECT_PREFIX,
    JetStreamLoad,
    JetStreamSession,
    api,
    publisher,
    stream_state,
)
from pynats_bench.threads import Threads

HELD_MAX = 500_000  # messages that a stream holds at most; more are consumed in several passes
FILL_WINDOW = 4_000
STAMP_BYTES = 8
QUANTILES = (0.5, 0.99, 0.999)


@dataclass(slots=True)
class Sum:
    """What several passes amount to."""

    messages: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def result(self, payload_bytes: int, latency: Latency | None = None) -> Result:
        return Result(
            published=0,
            delivered=self.messages,
            payload_bytes=payload_bytes,
            seconds=self.seconds,
            generator_cpu_seconds=self.cpu_seconds,
            latency=latency,
        )


class ConsumeSession(Session):
    """A stream that is filled as far as runs need it, and a new consumer for every pass."""

    def __init__(
        self,
        endpoint: Endpoint,
        load: ConsumeLoad,
        *,
        storage: str = "file",
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        self._load = load
        self._fill = JetStreamLoad(load.payload_bytes, FILL_WINDOW, storage=storage)

    def _set_up(self) -> None:
        self._filler = JetStreamSession(
            self._endpoint, self._fill, cores=self._cores, stall_s=self._stall_s
        )
        self._stack.enter_context(self._filler)
        self._control = self._open()

    def run(self, messages: int) -> Result:
        """Consumes `messages` messages; LoadError for any that is missing, doubled or misplaced."""
        total = Sum()
        while messages:
            count = min(messages, HELD_MAX)
            self._pass(count, total)
            messages -= count
        return total.result(self._load.payload_bytes)

    def _pass(self, messages: int, total: Sum) -> None:
        held, last = stream_state(self._control)
        if held < messages:
            self._filler.run(messages - held, keep=True)
            _, last = stream_state(self._control)
        first = last - messages + 1
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": first}
        with Clients(self._endpoint, self._load, STREAM, start, messages) as clients:
            consume(clients, self._cores, self._stall_s, total)
            clients.check(first, last)


def consume(clients: Clients, cores: frozenset[int] | None, stall_s: float, total: Sum) -> None:
    """Runs the clients to their end, and adds what it took."""
    threads = Threads(cores, stall_s)
    threads.start(clients.loop)
    try:
        clients.begin()
    except BaseException:
        threads.stop()
        raise
    threads.join()
    total.messages += clients.loop.received
    total.seconds += max(clients.loop.last_ns - clients.loop.first_ns, 1) / 1e9
    total.cpu_seconds += clients.loop.cpu_ns / 1e9


class TogetherSession(Session):
    """As many publishers with a window of acknowledgements as clients that consume meanwhile."""

    def __init__(
        self,
        endpoint: Endpoint,
        load: ConsumeLoad,
        *,
        publishers: int,
        window: int,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        self._load = load
        self._publishers = publishers
        self._publish = JetStreamLoad(load.payload_bytes, window)

    def _set_up(self) -> None:
        self._control = self._open()
        config = {"name": STREAM, "subjects": [SUBJECT_PREFIX + "*"], "num_replicas": 1}
        api(self._control, "STREAM.CREATE", config)

    def run(self, messages: int) -> Result:
        """Publishes and consumes at least `messages` messages, to the last acknowledgement."""
        api(self._control, "STREAM.PURGE")
        _, base = stream_state(self._control)
        each = -(-messages // self._publishers)
        whole = each * self._publishers
        total = Sum()
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": base + 1}
        with Clients(self._endpoint, self._load, STREAM, start, whole) as clients:
            threads = Threads(self._cores, self._stall_s)
            threads.start(clients.loop)
            try:
                clients.begin()
                loops = [self._publisher(each) for _ in range(self._publishers)]
            except BaseException:
                threads.stop()
                raise
            for loop in loops:
                threads.start(loop)
            threads.join()
            clients.check(base + 1, base + whole)
        end = max(clients.loop.last_ns, *(loop.last_ns for loop in loops))
        total.messages = whole
        total.seconds = max(end - min(loop.first_ns for loop in loops), 1) / 1e9
        total.cpu_seconds = (clients.loop.cpu_ns + sum(loop.cpu_ns for loop in loops)) / 1e9
        return total.result(self._load.payload_bytes)

    def _publisher(self, messages: int) -> AckPublishLoop:
        link = self._stack.enter_context(connect(self._endpoint))
        inbox = f"_INBOX.{secrets.token_hex(8)}."
        subscribe(link, [inbox + "*"])
        return publisher(self._publish, link, inbox, messages)


JUDGED_S = 0.1
"""What is planned to take less can take twice as long by one pause of the machine."""


class LatencySession(Session):
    """The time from publish to delivery, at a given rate."""

    def __init__(
        self,
        endpoint: Endpoint,
        load: ConsumeLoad,
        *,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        if load.payload_bytes < STAMP_BYTES:
            raise ValueError(f"a stamped payload has at least {STAMP_BYTES} bytes")
        self._load = load

    def _set_up(self) -> None:
        self._control = self._open()

    def run(self, messages: int, rate: float) -> Result:
        """Publishes `messages` messages, `rate` a second, into the stream that is there."""
        api(self._control, "STREAM.PURGE")
        _, base = stream_state(self._control)
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": base + 1}
        line = f"PUB {SUBJECT_PREFIX}x {self._load.payload_bytes}\r\n".encode()
        frame = line + b"x" * self._load.payload_bytes + b"\r\n"
        total = Sum()
        with (
            connect(self._endpoint) as link,
            Clients(self._endpoint, self._load, STREAM, start, messages, stamped=True) as clients,
        ):
            threads = Threads(self._cores, self._stall_s)
            threads.start(clients.loop)
            clients.begin()
            size = self._load.payload_bytes
            publish = MarkedPublishLoop([link], frame, size, [0], time_at=len(line), monotonic=True)
            publish.want([messages])
            publish.pace(rate=rate)
            threads.start(publish)
            threads.join()
            clients.check(base + 1, base + messages)
            latency = Latency(*(clients.loop.quantile_ns(q) / 1e3 for q in QUANTILES))
        planned_s = messages / rate
        took_s = (publish.last_ns - publish.first_ns) / 1e9
        if took_s > 2 * planned_s and planned_s >= JUDGED_S:
            raise LoadError("the publisher could not keep its rate")
        total.messages = messages
        total.seconds = max(clients.loop.last_ns - publish.first_ns, 1) / 1e9
        total.cpu_seconds = (clients.loop.cpu_ns + publish.cpu_ns) / 1e9
        return total.result(self._load.payload_bytes, latency)
