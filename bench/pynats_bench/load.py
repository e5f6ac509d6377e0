"""Runs loads against an endpoint: sets the connections up, runs the loops, checks the outcome.

A session keeps its connections over any number of runs; every run verifies that every message
arrived:

    with PubSubSession(endpoint, load) as session:
        session.run(10_000)             # warm-up
        print(session.run(1_000_000).rate)
"""

from __future__ import annotations

import random
import socket
from array import array
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pynats_bench.engine.messages import PublishLoop, SubscribeLoop
from pynats_bench.engine.requests import RequestLoop, RespondLoop
from pynats_bench.model import Endpoint, Latency, LoadError, PubSubLoad, RequestLoad, Result, split
from pynats_bench.session import connect, subscribe
from pynats_bench.threads import Threads

# The block a publisher replays: large enough for every subject, small enough for the L2 cache
# when there is one subject only.
BLOCK_BYTES_MIN = 262_144
STAMP_BYTES = 8
MASK = (1 << 64) - 1


def build_block(load: PubSubLoad) -> tuple[bytes, array[int]]:
    """Ready-made PUB or HPUB frames that go through all subjects, and each frame's end offset."""
    payload = b"x" * load.payload_bytes
    total = len(load.header) + load.payload_bytes
    ends: array[int] = array("Q")
    block = bytearray()
    while not block or len(block) < BLOCK_BYTES_MIN:
        for subject in load.subjects:
            if load.header:
                block += f"HPUB {subject} {len(load.header)} {total}\r\n".encode()
            else:
                block += f"PUB {subject} {total}\r\n".encode()
            block += load.header + payload + b"\r\n"
            ends.append(len(block))
    return bytes(block), ends


def shuffled(subjects: Iterable[str], count: int, seed: int = 1) -> tuple[str, ...]:
    """`count` subjects drawn at random (reproducibly) from a set, for `PubSubLoad.subjects`."""
    choice = random.Random(seed)
    return tuple(choice.choices(list(subjects), k=count))


class Session:
    """Connections that are open during the `with` block."""

    def __init__(
        self,
        endpoint: Endpoint,
        cores: frozenset[int] | None,
        stall_s: float,
        receiving: Endpoint | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._receiving = receiving or endpoint
        self._cores = cores
        self._stall_s = stall_s
        self._stack = ExitStack()

    def _set_up(self) -> None:
        raise NotImplementedError

    def _open(self, endpoint: Endpoint | None = None) -> socket.socket:
        return self._stack.enter_context(connect(endpoint or self._endpoint))

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


class PubSubSession(Session):
    """Connected publishers and subscribers of one load.

    `cores` pins the load's threads. A run that sees no progress for `stall_s` seconds fails.
    Entering raises LoadError when a connection or subscription is refused. `receiving` is for who
    receives, if they are others (None: the same endpoint).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        load: PubSubLoad,
        *,
        cores: frozenset[int] | None = None,
        stall_s: float = 10.0,
        receiving: Endpoint | None = None,
    ) -> None:
        super().__init__(endpoint, cores, stall_s, receiving)
        self._load = load
        self._block, self._ends = build_block(load)

    def _set_up(self) -> None:
        load = self._load
        self._receivers = [self._open(self._receiving) for _ in range(load.subscribers)]
        if not self._endpoint.bare:
            for link in self._receivers:
                subscribe(link, load.subscriptions, load.queue)
        self._senders = [self._open() for _ in range(load.publishers)]

    def run(self, messages: int, *, verify: bool = False) -> Result:
        """Publish `messages` per publisher and wait for every delivery.

        Counts and payload bytes are always checked. `verify` also stamps each payload (at least
        8 bytes) and checks order per publisher and, by a sum over all stamps, that no message
        is missing or doubled. Raises LoadError for any difference.
        """
        load = self._load
        verify = verify and not load.gains_header  # stamps are looked for at a fixed place
        if verify and load.payload_bytes < STAMP_BYTES:
            raise ValueError(f"verification needs payloads of {STAMP_BYTES} bytes")
        bare = self._endpoint.bare
        publish = PublishLoop(
            self._senders,
            self._block,
            self._ends,
            messages,
            load.payload_bytes,
            flush=not bare,
            stamp=verify,
        )
        published = messages * load.publishers
        expected = published * load.deliveries_per_message
        threads = Threads(self._cores, self._stall_s)
        count: SubscribeLoop | None = None
        if self._receivers:
            verb = b"PUB " if bare else b"HMSG" if load.header or load.gains_header else b"MSG "
            stamped = load.publishers if verify else 0
            count = SubscribeLoop(
                self._receivers, expected, verb, not bare, stamped, len(load.header)
            )
            threads.start(count)
        threads.start(publish)
        threads.join()
        if count is not None:
            _check_deliveries(load, count, publish, published, verify)
        last_ns = (count or publish).last_ns
        return Result(
            published=published,
            delivered=expected,
            payload_bytes=load.payload_bytes,
            seconds=max(last_ns - publish.first_ns, 1) / 1e9,
            generator_cpu_seconds=(publish.cpu_ns + (count.cpu_ns if count else 0)) / 1e9,
        )


def _check_deliveries(
    load: PubSubLoad, count: SubscribeLoop, publish: PublishLoop, published: int, verify: bool
) -> None:
    """Compare what arrived with what was sent; LoadError names the first difference."""
    counts = count.counts
    if load.queue:
        if sum(counts) != published:
            raise LoadError(f"the queue group received {sum(counts)} of {published} messages")
    else:
        for number, got in enumerate(counts):
            if got != published:
                raise LoadError(f"subscriber {number} received {got} of {published} messages")
    size = load.payload_bytes + len(load.header)
    if count.payload_bytes != sum(counts) * size and not load.gains_header:
        raise LoadError(f"payloads of {count.payload_bytes} bytes, not {sum(counts) * size}")
    if not verify:
        return
    if count.disorder:
        raise LoadError(f"{count.disorder} messages arrived out of order")
    digests = [sum(count.digests) & MASK] if load.queue else count.digests
    if any(digest != publish.digest for digest in digests):
        raise LoadError("the messages received are not the messages published")


class RequestSession(Session):
    """Connected requesters and the responder of one load; see PubSubSession for the arguments."""

    def __init__(
        self,
        endpoint: Endpoint,
        load: RequestLoad,
        *,
        cores: frozenset[int] | None = None,
        stall_s: float = 10.0,
        receiving: Endpoint | None = None,
    ) -> None:
        super().__init__(endpoint, cores, stall_s, receiving)
        self._load = load
        self._payload = b"x" * load.payload_bytes

    def _set_up(self) -> None:
        self._responder = self._open(self._receiving)
        subscribe(self._responder, [self._load.service or self._load.subject])
        self._requesters: list[socket.socket] = []
        self._requests: list[bytes] = []
        for number in range(self._load.requesters):
            link = self._open()
            inbox = f"_INBOX.bench.{number}"
            subscribe(link, [inbox])
            line = f"PUB {self._load.subject} {inbox} {len(self._payload)}\r\n".encode()
            self._requesters.append(link)
            self._requests.append(line + self._payload + b"\r\n")

    def run(self, messages: int) -> Result:
        """Sends `messages` requests in all; LoadError if one gets no answer, or two."""
        respond = RespondLoop([self._responder], self._payload)
        clients = min(messages, self._load.requesters)
        request = RequestLoop(self._requesters[:clients], self._requests[:clients])
        request.want(split(messages, clients))
        request.measure()
        threads = Threads(self._cores, self._stall_s)
        threads.start(respond)
        threads.start(request).join()
        threads.stop()
        threads.join()
        if request.answered != messages or respond.answered != messages:
            raise LoadError(
                f"{messages} requests: the responder saw {respond.answered}, "
                f"{request.answered} were answered"
            )
        return Result(
            published=messages,
            delivered=messages,
            payload_bytes=self._load.payload_bytes,
            seconds=max(request.last_ns - request.first_ns, 1) / 1e9,
            generator_cpu_seconds=(request.cpu_ns + respond.cpu_ns) / 1e9,
            latency=Latency(*(request.quantile_ns(q) / 1e3 for q in (0.5, 0.99, 0.999))),
        )
