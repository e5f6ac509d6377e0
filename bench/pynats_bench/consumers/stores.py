"""Key-value buckets and objects on the wire, as client libraries use them."""

from __future__ import annotations

import json
import secrets
from typing import Any

from pynats_bench.consumers.clients import Clients
from pynats_bench.consumers.consuming import FILL_WINDOW, QUANTILES, Sum, consume
from pynats_bench.consumers.model import ConsumeLoad
from pynats_bench.engine.gets import GetLoop, sequence_digest
from pynats_bench.load import Session
from pynats_bench.model import Endpoint, Latency, LoadError, Result
from pynats_bench.rows import PROBE_MESSAGES
from pynats_bench.session import request, subscribe
from pynats_bench.streams.publishing import (
    STALL_S,
    SUBJECT_NUMBER_DIGITS,
    JetStreamLoad,
    JetStreamSession,
    api,
    publisher,
    stream_state,
)
from pynats_bench.threads import Threads

STRIDE = 7919  # from one get to the next, so that they jump about
MIB = 1 << 20
CHUNK_BYTES = 1 << 17  # client libraries' default
OBJECT_MIB = 100
OBJECT_WINDOW = 64  # chunks without acknowledgement


class BucketSession(JetStreamSession):
    """Puts: acknowledged publishes to the keys of a bucket, in turn."""

    name = "KV_BENCH"
    prefix = "$KV.BENCH."

    def configure(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "subjects": [self.prefix + ">"],
            "storage": self._load.storage,
            "num_replicas": 1,
            "max_msgs_per_subject": 1,
            "discard": "new",
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_direct": True,
        }

    def kept(self, stored: int, published: int) -> int:
        return min(stored + published, self._load.subjects)


class GetSession(Session):
    """Direct gets from a stream or bucket of `count` messages that it fills itself.

    By key (`$JS.API.DIRECT.GET.KV_BENCH.$KV.BENCH.<key>`), or by sequence; with `batch` each
    request asks for so many messages.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        payload_bytes: int,
        count: int,
        *,
        window: int = 1,
        by_key: bool = False,
        batch: int = 1,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        if batch > count or (by_key and batch > 1):
            raise ValueError("a batch is of sequences, and within the stream")
        self._payload_bytes = payload_bytes
        self._count = count
        self._window = window
        self._by_key = by_key
        self._batch = batch

    def _set_up(self) -> None:
        load = JetStreamLoad(self._payload_bytes, FILL_WINDOW, subjects=self._count)
        filler = BucketSession(self._endpoint, load, cores=self._cores, stall_s=self._stall_s)
        self._stack.enter_context(filler)
        filler.run(self._count)
        self._control = self._open()
        held, last = stream_state(self._control, BucketSession.name)
        if (held, last) != (self._count, self._count):
            raise LoadError(f"{held} of {self._count} keys are stored")
        self._link = self._open()
        self._inbox = f"_INBOX.{secrets.token_hex(8)}"
        subscribe(self._link, [self._inbox])

    def _loop(self, requests: int, span: int) -> GetLoop:
        get = f"$JS.API.DIRECT.GET.{BucketSession.name}"
        body: tuple[bytes, bytes, bytes] | tuple[()] = (b'{"seq":', b"", b"}")
        if self._by_key:
            get, body = f"{get}.{BucketSession.prefix}", ()
        elif self._batch > 1:
            body = (b'{"seq":', b',"batch":', b"}")
        loop = GetLoop(
            [self._link],
            get.encode(),
            [self._inbox.encode()],
            body,
            self._window,
            0 if self._by_key else 1,
            stride=STRIDE,
            span=span,
            size=self._payload_bytes,
            batch=self._batch if self._batch > 1 else 0,
            width=SUBJECT_NUMBER_DIGITS if self._by_key else 0,
        )
        loop.want([requests * self._batch])
        loop.measure(operations=self._window == 1 and self._batch == 1)
        return loop

    def run(self, messages: int) -> Result:
        """Gets at least `messages` messages."""
        requests = -(-messages // self._batch)
        span = self._count - self._batch + 1
        loop = self._loop(requests, span)
        threads = Threads(self._cores, self._stall_s)
        threads.start(loop)
        threads.join()
        got = requests * self._batch
        if loop.messages != got:
            raise LoadError(f"{loop.messages} messages came, not {got}")
        if loop.digest != sequence_digest(requests, 0, STRIDE, span, self._batch):
            raise LoadError("the messages that came are not those that were asked for")
        latency = None
        if self._window == 1 and self._batch == 1:
            latency = Latency(*(loop.quantile_ns(q) / 1e3 for q in QUANTILES))
        return Result(
            published=0,
            delivered=got,
            payload_bytes=self._payload_bytes,
            seconds=max(loop.last_ns - loop.first_ns, 1) / 1e9,
            generator_cpu_seconds=loop.cpu_ns / 1e9,
            latency=latency,
        )


class WatchSession(Session):
    """Watchers of a whole bucket, one after the other: every key's value."""

    def __init__(
        self,
        endpoint: Endpoint,
        payload_bytes: int,
        keys: int,
        *,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        self._keys = keys
        self._load = ConsumeLoad(
            payload_bytes, way="push", flow_control=True, extra={"mem_storage": True}
        )

    def _set_up(self) -> None:
        load = JetStreamLoad(self._load.payload_bytes, FILL_WINDOW, subjects=self._keys)
        filler = BucketSession(self._endpoint, load, cores=self._cores, stall_s=self._stall_s)
        self._stack.enter_context(filler)
        filler.run(self._keys)

    def run(self, messages: int) -> Result:
        """Whole watches, one for every `PROBE_MESSAGES`, so that a probe is one."""
        total = Sum()
        start = {"deliver_policy": "last_per_subject", "filter_subject": BucketSession.prefix + ">"}
        for _ in range(max(1, messages // PROBE_MESSAGES)):
            with Clients(
                self._endpoint, self._load, BucketSession.name, start, self._keys
            ) as clients:
                consume(clients, self._cores, self._stall_s, total)
                clients.check(1, self._keys)
        return total.result(self._load.payload_bytes)


class ObjectSession(Session):
    """Objects of a hundred MiB, put or got; what it counts are MiB."""

    stream = "OBJ_BENCH"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        put: bool,
        mib: int = OBJECT_MIB,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        self._put = put
        self._chunks = mib * MIB // CHUNK_BYTES
        self._load = ConsumeLoad(
            CHUNK_BYTES, way="push", flow_control=True, extra={"mem_storage": True}
        )

    def _set_up(self) -> None:
        self._control = self._open()
        config = {
            "name": self.stream,
            "subjects": ["$O.BENCH.C.>", "$O.BENCH.M.>"],
            "num_replicas": 1,
            "discard": "new",
            "allow_rollup_hdrs": True,
            "allow_direct": True,
        }
        api(self._control, "STREAM.CREATE", config, self.stream)
        self._publisher = self._open()
        self._inbox = f"_INBOX.{secrets.token_hex(8)}."
        subscribe(self._publisher, [self._inbox + "*"])
        self._meta = "$O.BENCH.M.b2JqZWN0"
        if not self._put:
            self._store(Sum())

    def run(self, messages: int) -> Result:
        """Whole objects, one for every `PROBE_MESSAGES`, so that a probe is one."""
        total = Sum()
        for _ in range(max(1, messages // PROBE_MESSAGES)):
            if self._put:
                api(self._control, "STREAM.PURGE", name=self.stream)
                self._store(total)
            else:
                self._read(total)
        total.messages = max(total.messages * CHUNK_BYTES // MIB, 1)
        return total.result(MIB)

    def _store(self, total: Sum) -> None:
        """The chunks, then the description that makes an object of them."""
        self._nuid = secrets.token_hex(11)
        _, base = stream_state(self._control, self.stream)
        load = JetStreamLoad(CHUNK_BYTES, OBJECT_WINDOW)
        prefix = f"$O.BENCH.C.{self._nuid}."
        loop = publisher(
            load, self._publisher, self._inbox, self._chunks, subject_prefix=prefix, base=base
        )
        threads = Threads(self._cores, self._stall_s)
        threads.start(loop)
        threads.join()
        described = {"name": "object", "nuid": self._nuid, "chunks": self._chunks}
        _, answer = request(self._control, self._meta, json.dumps(described).encode())
        if b'"error"' in answer:
            raise LoadError(answer.decode("utf-8", "replace"))
        self._first = base + 1
        total.messages += self._chunks
        total.seconds += max(loop.last_ns - loop.first_ns, 1) / 1e9
        total.cpu_seconds += loop.cpu_ns / 1e9

    def _read(self, total: Sum) -> None:
        header, _ = request(self._control, f"$JS.API.DIRECT.GET.{self.stream}.{self._meta}", b"")
        if b"Nats-Sequence" not in header:
            raise LoadError("the object is not there")
        start = {
            "deliver_policy": "all",
            "filter_subject": f"$O.BENCH.C.{self._nuid}.>",
        }
        with Clients(self._endpoint, self._load, self.stream, start, self._chunks) as clients:
            consume(clients, self._cores, self._stall_s, total)
            clients.check(self._first, self._first + self._chunks - 1)
