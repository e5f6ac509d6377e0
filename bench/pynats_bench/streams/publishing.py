"""Runs acknowledged publishes into one stream and checks that the stream took every message.

    with JetStreamSession(endpoint, JetStreamLoad(128, window=1000)) as session:
        print(session.run(100_000).rate)

One publisher, one stream, one acknowledgement per message or atomic batch. Before each run the
stream is purged, so that runs do not grow it without bound; its sequences continue.
"""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass
from typing import Any

from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.frames import Frames
from pynats_bench.load import Session
from pynats_bench.model import Endpoint, Latency, LoadError, Result
from pynats_bench.session import connect, request, subscribe
from pynats_bench.threads import Threads

STREAM = "BENCH"
SUBJECT_PREFIX = "bench.js."
SUBJECT_NUMBER_DIGITS = 7
SUBJECTS_MAX = 10**SUBJECT_NUMBER_DIGITS
BATCH_MAX = 1000  # both servers' limit on the messages of one atomic batch
STALL_S = 30.0  # a server may be busy with its disk for seconds


@dataclass(frozen=True, slots=True)
class JetStreamLoad:
    """`window` publishes in flight, or, with `batch` > 1, as many atomic batches of that size.

    The messages go through `subjects` subjects in turn; `storage` is "file" or "memory".
    """

    payload_bytes: int
    window: int = 1
    batch: int = 1
    subjects: int = 1
    storage: str = "file"

    def __post_init__(self) -> None:
        if self.payload_bytes < 0 or self.window < 1:
            raise ValueError("a load needs a payload size and a window")
        if not 1 <= self.batch <= BATCH_MAX or not 1 <= self.subjects <= SUBJECTS_MAX:
            raise ValueError(f"a batch has 1 to {BATCH_MAX} messages, over 1 to 10^7 subjects")
        if self.storage not in ("file", "memory"):
            raise ValueError(f"storage is file or memory, not {self.storage!r}")


def publisher(
    load: JetStreamLoad,
    link: socket.socket,
    inbox: str,
    units: int,
    *,
    subject_prefix: str = SUBJECT_PREFIX,
    base: int = -1,
    first_message: int = 0,
) -> AckPublishLoop:
    """The loop of one publisher: `units` messages, or atomic batches, whose acknowledgements come
    to `inbox` and the number of the unit. `base`, `first_message`: see `AckPublishLoop`."""
    subject, payload = subject_prefix.encode(), b"x" * load.payload_bytes
    loop = AckPublishLoop(
        [link],
        Frames(subject, payload, width=SUBJECT_NUMBER_DIGITS, modulus=load.subjects),
        [inbox.encode()],
        load.window,
        batch=load.batch,
        firsts=[first_message],
        batch_ids=[b""] if load.batch > 1 else None,
        base=base,
    )
    loop.want([units * load.batch])
    loop.measure(operations=load.window == 1)
    return loop


def api(
    link: socket.socket, verb: str, body: dict[str, Any] | None = None, name: str = STREAM
) -> dict[str, Any]:
    """One JetStream API request, e.g. `STREAM.INFO` about stream `name`. LoadError when refused."""
    what = f"{verb}.{name}"
    header, data = request(link, f"$JS.API.{what}", json.dumps(body).encode() if body else b"")
    if b"503" in header.partition(b"\r\n")[0]:
        raise LoadError(f"the server has no JetStream: nobody answers $JS.API.{what} (503)")
    try:
        answer: dict[str, Any] = json.loads(data)
    except ValueError:
        raise LoadError(f"{what}: {data[:200]!r} is no JSON") from None
    if error := answer.get("error"):
        raise LoadError(f"{what}: {error.get('description')} ({error.get('err_code')})")
    return answer


def stream_state(link: socket.socket, name: str = STREAM) -> tuple[int, int]:
    """(messages, last sequence) of the stream."""
    state = api(link, "STREAM.INFO", name=name)["state"]
    return int(state["messages"]), int(state["last_seq"])


class JetStreamSession(Session):
    """A publisher and the stream it fills; see `PubSubSession` for the arguments.

    Entering creates the stream `name`, which `configure` describes. LoadError when the server has
    no JetStream or refuses the stream.
    """

    name = STREAM
    prefix = SUBJECT_PREFIX

    def __init__(
        self,
        endpoint: Endpoint,
        load: JetStreamLoad,
        *,
        cores: frozenset[int] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(endpoint, cores, stall_s)
        self._load = load
        # The server remembers batch ids, so each run continues the numbers of the last.
        self._published = 0

    def _set_up(self) -> None:
        self._control = self._open()
        api(self._control, "STREAM.CREATE", self.configure(), self.name)
        self._publisher = self._open()
        self._inbox = f"_INBOX.{secrets.token_hex(8)}."
        subscribe(self._publisher, [self._inbox + "*"])

    def configure(self) -> dict[str, Any]:
        """What the stream is created with."""
        config: dict[str, Any] = {
            "name": self.name,
            "subjects": [self.prefix + "*"],
            "storage": self._load.storage,
            "num_replicas": 1,
        }
        if self._load.batch > 1:
            config["allow_atomic"] = True
        return config

    def kept(self, stored: int, published: int) -> int:
        """How many messages the stream has after `published` more."""
        return stored + published

    def run(self, messages: int, *, keep: bool = False) -> Result:
        """Publish at least `messages` (whole batches) and wait for the last acknowledgement.

        `keep` leaves what earlier runs stored. Raises LoadError if an acknowledgement is an error,
        missing, doubled or has an unexpected sequence, or if the stream's own counts differ
        afterwards.
        """
        load = self._load
        if not keep:
            api(self._control, "STREAM.PURGE", name=self.name)
        stored, base = stream_state(self._control, self.name)
        count = -(-messages // load.batch)
        publish = publisher(
            load,
            self._publisher,
            self._inbox,
            count,
            subject_prefix=self.prefix,
            base=base,
            first_message=self._published,
        )
        threads = Threads(self._cores, self._stall_s)
        threads.start(publish)
        threads.join()
        published = count * load.batch
        self._published += published
        wanted = (self.kept(stored, published), base + published)
        if (got := stream_state(self._control, self.name)) != wanted:
            raise LoadError(f"the stream's (messages, last sequence) are {got}, not {wanted}")
        latency = None
        if load.window == 1:
            latency = Latency(*(publish.quantile_ns(q) / 1e3 for q in (0.5, 0.99, 0.999)))
        return Result(
            published=published,
            delivered=0,
            payload_bytes=load.payload_bytes,
            seconds=max(publish.last_ns - publish.first_ns, 1) / 1e9,
            generator_cpu_seconds=publish.cpu_ns / 1e9,
            latency=latency,
        )


def stored_messages(endpoint: Endpoint) -> int:
    """How many messages the stream of an endpoint holds. LoadError when there is no stream."""
    with connect(endpoint) as link:
        return stream_state(link)[0]
