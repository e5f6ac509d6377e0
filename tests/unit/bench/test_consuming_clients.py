"""Clients that consume from a server: whose messages they get, and what the server has seen."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pynats_bench.clients.bench import Bench
from pynats_bench.clients.consumer_config import Acks, Kind, consumer_config
from pynats_bench.clients.consuming import (
    Consume,
    ConsumeOrdered,
    Fetch,
    OldOrdered,
    OldPull,
    OldPush,
)
from pynats_bench.clients.model import Target
from pynats_bench.contender import Contender, Running, find_program
from pynats_bench.model import LoadError
from pynats_bench.report import OURS, REFERENCE
from pynats_bench.session import connect, request
from pynats_bench.streams.rows import configuration

from tests.support.deadline import wait_until

HELD = 100  # messages of the stream
SHARED: dict[Kind, type[Consume | OldPush]] = {
    "consume": Consume,
    "fetch": Fetch,
    "old-push": OldPush,
    "old-pull": OldPull,
}
MS = 1_000_000


class Stream:
    """A stream with messages, and what is asked of its server."""

    def __init__(self, running: Running, link: socket.socket) -> None:
        self.target = Target(lambda: connect(running.endpoint))
        self._link = link

    def api(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        payload = json.dumps(body).encode() if body else b""
        _, said = request(self._link, f"$JS.API.{what}", payload)
        answer: dict[str, Any] = json.loads(said)
        return answer

    def fill(self) -> None:
        self.name = f"S{secrets.token_hex(4)}"
        self.consumer = f"C{self.name}"  # of its own: what one pushes goes to a subject of its name
        self.api(
            f"STREAM.CREATE.{self.name}",
            {"name": self.name, "subjects": [f"{self.name}.*"], "storage": "memory"},
        )
        self.publish(HELD)

    def publish(self, count: int) -> None:
        for number in range(count):
            request(self._link, f"{self.name}.{number % 2}", b"x" * 10)

    def create(self, kind: Kind, name: str, **settings: Any) -> None:
        config = consumer_config(kind, name=name, **settings)
        body = {"stream_name": self.name, "config": config}
        answer = self.api(f"CONSUMER.CREATE.{self.name}.{name}", body)
        assert "error" not in answer

    def expect(self, acknowledged: int) -> None:
        """The server has seen so many acknowledgements, and waits for no other."""

        def probe() -> bool:
            info = self.api(f"CONSUMER.INFO.{self.name}.{self.consumer}")
            return bool(
                info["ack_floor"]["consumer_seq"] == acknowledged and not info["num_ack_pending"]
            )

        wait_until(probe, f"{acknowledged} acknowledgements")


@pytest.fixture(scope="module", params=[OURS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("consuming")
    config = folder / "server.conf"
    config.write_text(configuration(folder / "store", ""))
    contender = Contender(request.param, find_program(request.param))
    with Running(contender, config=config) as running:
        yield running


@pytest.fixture
def stream(running: Running) -> Iterator[Stream]:
    with connect(running.endpoint) as link:
        stream = Stream(running, link)
        stream.fill()
        yield stream


def done(bench: Bench) -> list[tuple[int, int, int]]:
    return [(share.number, share.wanted, share.messages) for share in bench.shares()]


@contextmanager
def connected(
    stream: Stream, kind: Kind, messages: int, *, batch: int = 500, **settings: Any
) -> Iterator[Bench]:
    """Clients of one consumer, which is made before them or after, as the kind needs it."""
    config: dict[str, Any] = {"clients": settings["clients"], "batch": batch}
    if "acks" in settings:
        config["acks"] = settings["acks"]
    settings |= {"exists": False} if kind == "old-push" else {"batch": batch}
    if kind != "old-push":
        stream.create(kind, stream.consumer, **config)
    with SHARED[kind](
        stream.target, consumer=stream.consumer, stream=stream.name, messages=messages, **settings
    ) as bench:
        if kind == "old-push":
            stream.create(kind, stream.consumer, **config)
        yield bench


@pytest.mark.parametrize("acks", ["explicit", "none", "all"])
@pytest.mark.parametrize("kind", SHARED)
def test_clients_of_one_consumer_share_the_messages(stream: Stream, kind: Kind, acks: Acks) -> None:
    with connected(stream, kind, HELD, clients=3, acks=acks, batch=20) as bench:
        bench.run()
    assert done(bench) == [(1, 34, 34), (2, 33, 33), (3, 33, 33)]
    shares = bench.shares()
    assert [share.payload_bytes for share in shares] == [340, 330, 330]
    assert all(0 < share.first_ns < share.last_ns for share in shares)
    operations = [share.operations.count for share in shares if share.operations]
    assert operations == ([2, 2, 2] if kind == "fetch" else [])
    assert bench.warnings == []
    if acks != "none":
        stream.expect(HELD)


def test_a_push_consumer_may_be_there_already(stream: Stream) -> None:
    stream.create("old-push", stream.consumer)
    with OldPush(
        stream.target, consumer=stream.consumer, stream=stream.name, clients=1, messages=HELD - 10
    ) as bench:
        bench.run()
    assert done(bench) == [(1, HELD - 10, HELD - 10)]


@pytest.mark.parametrize("kind", ["ordered", "old-ordered"])
def test_clients_with_ordered_consumers_get_all_messages_each(stream: Stream, kind: Kind) -> None:
    names = ["A", "B"]
    inboxes = [f"_INBOX.{secrets.token_hex(8)}" for _ in names]
    for name, inbox in zip(names, inboxes, strict=True):
        stream.create(kind, name, clients=2, deliver=inbox)
    wanted = HELD - 10  # some are on their way when a client has enough
    bench: Bench
    if kind == "ordered":
        bench = ConsumeOrdered(
            stream.target, consumers=names, stream=stream.name, clients=2, messages=wanted
        )
    else:
        bench = OldOrdered(
            stream.target,
            consumers=names,
            inboxes=inboxes,
            stream=stream.name,
            clients=2,
            messages=wanted,
        )
    with bench:
        bench.run()
    assert done(bench) == [(1, wanted, wanted), (2, wanted, wanted)]


@pytest.mark.parametrize("kind", SHARED)
def test_double_acknowledgements_have_arrived_when_the_run_ends(stream: Stream, kind: Kind) -> None:
    with connected(stream, kind, HELD, clients=2, double_ack=True) as bench:
        bench.run()
    info = stream.api(f"CONSUMER.INFO.{stream.name}.{stream.consumer}")
    assert (info["ack_floor"]["consumer_seq"], info["num_ack_pending"]) == (HELD, 0)


def test_filters_and_time_for_each_message(stream: Stream) -> None:
    """Fifty messages match; two clients take 2 ms for each of their four."""
    stream.create("consume", stream.consumer, filters=[f"{stream.name}.1"], clients=2, batch=3)
    assert stream.api(f"CONSUMER.INFO.{stream.name}.{stream.consumer}")["num_pending"] == HELD // 2
    bench = Consume(
        stream.target,
        consumer=stream.consumer,
        stream=stream.name,
        clients=2,
        messages=8,
        batch=3,
        sleep_ns=2 * MS,
    )
    with bench:
        bench.run()
    for share in bench.shares():
        assert share.messages == 4
        assert share.last_ns - share.first_ns >= 4 * 2 * MS
    stream.expect(8)


class Run:
    """A run in a thread of its own; `error` is what it ends with."""

    def __init__(self, bench: Bench) -> None:
        self.error = ""
        self._bench = bench
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._bench.run()
        except LoadError as error:
            self.error = str(error)

    def until(self, messages: int) -> None:
        wait_until(lambda: sum(self._bench.progress()) == messages, f"{messages} messages")

    def join(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("kind", SHARED)
def test_who_wants_more_than_there_is_waits_and_can_be_stopped(stream: Stream, kind: Kind) -> None:
    with connected(stream, kind, 3 * HELD, clients=2) as bench:
        run = Run(bench)
        run.until(HELD)
        stream.publish(5)
        run.until(HELD + 5)
        bench.stop()
        run.join()
    assert run.error == ""
    assert sum(share.messages for share in bench.shares()) == HELD + 5
    stream.expect(HELD + 5)


@pytest.mark.parametrize("gone", ["CONSUMER", "STREAM"])
@pytest.mark.parametrize("kind", ["consume", "fetch", "old-pull"])
def test_what_is_deleted_meanwhile_ends_the_run_in_words(
    stream: Stream, kind: Kind, gone: str
) -> None:
    with connected(stream, kind, 2 * HELD, clients=1) as bench:
        run = Run(bench)
        run.until(HELD)
        stream.api(f"{gone}.DELETE.{stream.name}" + f".{stream.consumer}" * (gone == "CONSUMER"))
        run.join()
    assert run.error == "client 1: the server ended the consumption: 409 Consumer Deleted"
    assert done(bench) == [(1, 2 * HELD, HELD)]


def test_a_consumer_that_is_not_there_ends_the_run(stream: Stream) -> None:
    bench = Fetch(stream.target, consumer="none", stream=stream.name, clients=2, messages=10)
    with bench, pytest.raises(LoadError, match=r"client \d: no responders: the stream or its con"):
        bench.run()


def test_a_fetch_that_brings_nothing_is_an_error_or_a_warning(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the requests' thirty seconds cut short."""
    for cls in (Fetch, OldPull):
        start = cls.AROUND[0].replace("30000000000", "50000000").replace("5000000000", "50000000")
        monkeypatch.setattr(cls, "AROUND", (start, ',"no_wait":false}'))
    stream.create("fetch", stream.consumer)
    fetch = Fetch(
        stream.target, consumer=stream.consumer, stream=stream.name, clients=1, messages=2 * HELD
    )
    with fetch, pytest.raises(LoadError) as caught:
        fetch.run()
    assert str(caught.value) == (
        f"client 1: fetching from the consumer '{stream.consumer}' returned no messages"
    )
    assert done(fetch) == [(1, 2 * HELD, HELD)]
    old = OldPull(
        stream.target, consumer=stream.consumer, stream=stream.name, clients=1, messages=2 * HELD
    )
    with old:
        run = Run(old)
        wait_until(lambda: sum(loop.empties for loop in old._consume_loops()), "a timeout")
        old.stop()
        run.join()
    assert run.error == ""
    assert old.warnings[0].startswith("Fetch timeout! (")


def test_consumers_are_asked_for_in_number() -> None:
    target = Target(lambda: pytest.fail("nobody connects"))
    with pytest.raises(ValueError, match="a consumer for each client"):
        ConsumeOrdered(target, consumers=["A", "B"], stream="S", clients=3, messages=1)
    with pytest.raises(ValueError, match="an inbox for each client"):
        OldOrdered(target, consumers=["A"], inboxes=[], stream="S", clients=1, messages=1)
    with pytest.raises(ValueError, match="a batch is of"):
        Consume(target, consumer="A", stream="S", clients=1, messages=1, batch=0)


# What the original's client sends for the same command (natscli 0.5.0), without the empty `action`
# and with the name that it gives in the subject only.
CONFIGURED: list[tuple[Kind, dict[str, Any], dict[str, Any]]] = [
    (
        "ordered",
        {"name": "x_1", "filters": ["a", "b"]},
        {
            "name": "x_1",
            "ack_policy": "none",
            "inactive_threshold": 10_000_000_000,
            "num_replicas": 1,
            "mem_storage": True,
            "filter_subjects": ["a", "b"],
        },
    ),
    (
        "consume",
        {"name": "C", "clients": 2},
        {
            "durable_name": "C",
            "ack_policy": "explicit",
            "max_ack_pending": 1000,
            "inactive_threshold": 10_000_000_000,
            "num_replicas": 0,
        },
    ),
    (
        "fetch",
        {"name": "C", "acks": "none", "filters": ["a"]},
        {
            "durable_name": "C",
            "ack_policy": "none",
            "max_ack_pending": 500,
            "inactive_threshold": 10_000_000_000,
            "num_replicas": 0,
            "filter_subjects": ["a"],
        },
    ),
    (
        "old-ordered",
        {"name": "x", "filters": ["a"], "deliver": "_INBOX.y"},
        {
            "ack_policy": "none",
            "ack_wait": 79_200_000_000_000,
            "max_deliver": 1,
            "filter_subject": "a",
            "flow_control": True,
            "idle_heartbeat": 5_000_000_000,
            "deliver_subject": "_INBOX.y",
            "num_replicas": 1,
            "mem_storage": True,
        },
    ),
    (
        "old-push",
        {"name": "C", "clients": 2},
        {
            "durable_name": "C",
            "ack_policy": "explicit",
            "max_ack_pending": 1000,
            "deliver_subject": "C-DELIVERY",
            "deliver_group": "C-GROUP",
            "num_replicas": 0,
        },
    ),
    (
        "old-push",
        {"name": "C", "acks": "none"},
        {
            "durable_name": "C",
            "ack_policy": "none",
            "deliver_subject": "C-DELIVERY",
            "deliver_group": "C-GROUP",
            "num_replicas": 0,
        },
    ),
    (
        "old-pull",
        {"name": "C", "acks": "none", "batch": 77},
        {"durable_name": "C", "ack_policy": "none", "max_ack_pending": 77, "num_replicas": 0},
    ),
]


@pytest.mark.parametrize(("kind", "asked", "wanted"), CONFIGURED)
def test_consumers_are_what_the_original_makes(
    kind: Kind, asked: dict[str, Any], wanted: dict[str, Any]
) -> None:
    config = consumer_config(kind, **asked)
    assert config.pop("name") == asked["name"]
    wanted = {"deliver_policy": "all", "replay_policy": "instant"} | wanted
    if kind == "ordered":
        del wanted["name"]
    for ephemeral in ("ordered", "old-ordered"):
        # Those made first have to outlive the making of the others.
        if kind == ephemeral:
            assert config.pop("inactive_threshold") == 10_010_000_000
            wanted.pop("inactive_threshold", None)
    assert config == wanted


@pytest.mark.parametrize(("messages", "limit"), [(999_999_999, b"UNSUB 2 999999999"), (10**9, b"")])
def test_the_limit_of_a_pushed_to_client_has_nine_digits(messages: int, limit: bytes) -> None:
    ours, theirs = socket.socketpair()
    heard = bytearray()

    def answer() -> None:
        while chunk := theirs.recv(65_536):
            heard.extend(chunk)
            theirs.sendall(b"PONG\r\n" * chunk.count(b"PING\r\n"))

    answering = threading.Thread(target=answer)
    answering.start()
    with theirs:
        with ours:
            bench = OldPush(
                Target(lambda: ours), consumer="C", stream="S", clients=1, messages=messages,
                exists=False,
            )  # fmt: skip
            ours.settimeout(5.0)
            bench.prepare(ours, 1)
        answering.join()
    lines = bytes(heard).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"UNSUB 2")] == [limit] * bool(limit)
