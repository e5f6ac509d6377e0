"""Traces of one server: how many, and how long they may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pynats_server.core.tracing.trail import Trail
from pynats_server.options import AccountOptions, Options, TraceOptions, User
from pynats_server.threaded import ThreadedServer
from pynats_server.tracing import tracer
from pynats_server.tracing.events import describe
from pynats_server.tracing.tracer import AT_ONCE
from pynats_server.work import Work

from tests.support.deadline import wait_until
from tests.support.raw import RawClient

TRACED = b"NATS/1.0\r\nNats-Trace-Dest: traces\r\n\r\n"
PARENT = b"NATS/1.0\r\ntraceparent: 00-a-b-01\r\n\r\n"
ENDED = b"MSG done 2 0\r\n"


def connect(port: int, more: bytes = b"") -> RawClient:
    client = RawClient(port)
    client.read_info()
    client.send(b'CONNECT {"verbose":false,"headers":true%b}\r\n' % more)
    client.fence()
    return client


def publish(block: bytes, subject: bytes = b"x") -> bytes:
    return b"HPUB %b %d %d\r\n%b\r\n" % (subject, len(block), len(block), block)


def traces(received: bytes) -> list[dict[str, Any]]:
    lines = received.split(b"\r\n")
    heads = [at for at, line in enumerate(lines) if line.startswith(b"MSG traces ")]
    return [json.loads(lines[at + 1]) for at in heads]


def test_a_long_trace_is_whole_and_nothing_that_follows_is_lost_or_overtakes_it() -> None:
    count = AT_ONCE * 10
    with (
        ThreadedServer() as server,
        connect(server.server.client_port) as many,
        connect(server.server.client_port) as watcher,
        connect(server.server.client_port) as publisher,
    ):
        many.send(b"".join(b"SUB x %d\r\n" % sid for sid in range(count)))
        many.fence()
        watcher.send(b"SUB traces 1\r\nSUB done 2\r\n")
        watcher.fence()
        publisher.send(publish(TRACED) * 2 + b"PUB done 0\r\n\r\n")
        publisher.close()
        assert watcher.read_until(ENDED)
        told = traces(bytes(watcher.received))
        assert [len(trace["events"]) for trace in told] == [count + 1] * 2
        assert bytes(watcher.received).index(ENDED) > bytes(watcher.received).rindex(b"MSG traces")


def test_a_long_trace_is_compressed_as_well() -> None:
    block = TRACED[:-2] + b"Accept-Encoding: gzip\r\n\r\n"
    with (
        ThreadedServer() as server,
        connect(server.server.client_port) as many,
        connect(server.server.client_port) as watcher,
    ):
        many.send(b"".join(b"SUB x %d\r\n" % sid for sid in range(AT_ONCE * 10)))
        many.fence()
        watcher.send(b"SUB traces 1\r\nSUB done 2\r\n" + publish(block) + b"PUB done 0\r\n\r\n")
        assert watcher.read_until(ENDED)
        assert b"Content-Encoding: gzip" in watcher.received
        assert len(watcher.received) < AT_ONCE * 10 * 40  # an event has about 100 bytes


def much(size: int) -> bytes:
    """A block that asks for a trace, with so many headers."""
    return TRACED[:-2] + b"".join(b"h%d:v\r\n" % number for number in range(size)) + b"\r\n"


class Watched:
    """When traces are begun and ended; each has one more step. Those with `bad` in their subject
    fail."""

    def __init__(self) -> None:
        self.moments: list[str] = []

    def __call__(self, trail: Trail, *rest: Any) -> Work[bytes]:
        self.moments.append("begun")
        yield
        if b"bad" in trail.subject:
            raise LookupError("bad luck")
        text = yield from describe(trail, *rest)
        self.moments.append("ended")
        return text


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched()
    monkeypatch.setattr(tracer, "describe", watched)
    return watched


def test_where_nobody_listens_nothing_is_written_but_counted(watched: Watched) -> None:
    with ThreadedServer() as server, connect(server.server.client_port) as client:
        block = server.server.events.block
        before = block.seq
        client.send(publish(TRACED) * 3 + publish(much(3000)))
        client.fence()
        assert watched.moments == []
        assert block.seq >= before + 4
        client.send(b"SUB traces 1\r\n" + publish(TRACED))
        client.fence()
        assert watched.moments == ["begun", "ended"]


def test_many_headers_are_told_and_nothing_that_follows_overtakes_them(watched: Watched) -> None:
    with ThreadedServer() as server, connect(server.server.client_port) as client:
        client.send(b"SUB traces 1\r\nSUB done 2\r\n")
        client.send(publish(much(5000)) + b"PUB done 0\r\n\r\n")
        assert client.read_until(ENDED)
        (told,) = traces(bytes(client.received))
        assert len(told["request"]["header"]) == 5001
        assert bytes(client.received).index(ENDED) > bytes(client.received).index(b"MSG traces")


def test_long_traces_of_an_account_are_written_one_after_the_other(watched: Watched) -> None:
    with (
        ThreadedServer() as server,
        connect(server.server.client_port) as one,
        connect(server.server.client_port) as other,
    ):
        one.send(b"SUB traces 1\r\n")
        one.fence()
        for client in one, other:
            client.send(publish(much(5000)))
        wait_until(lambda: len(watched.moments) == 4, "both")
        assert watched.moments == ["begun", "ended"] * 2


def test_a_trace_that_fails_is_logged_and_its_client_goes_on(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    with ThreadedServer() as server, connect(server.server.client_port) as client:
        monkeypatch.setattr(server.server.state.log, "error", lines.append)
        client.send(b"SUB traces 1\r\n" + publish(much(3000), b"bad") + publish(much(3000)))
        client.fence()
        wait_until(lambda: client.fence() or b"MSG traces 1" in client.received, "the other")
    assert lines == ["a trace was not written: LookupError('bad luck')"]


def sampled(sampling: int, count: int) -> int:
    """How many of so many messages with a parent are traced."""
    options = Options(
        host="127.0.0.1",
        port=-1,
        accounts={
            "A": AccountOptions(
                users=[User("a", "a")],
                msg_trace=TraceOptions("traces", sampling),
            )
        },
    )
    with (
        ThreadedServer(options) as server,
        connect(server.server.client_port, b',"user":"a","pass":"a"') as client,
    ):
        client.send(b"SUB traces 1\r\n" + publish(PARENT) * count)
        client.fence()
        return len(traces(bytes(client.received)))


def test_a_part_of_what_has_a_parent_is_traced_or_all_of_it() -> None:
    assert sampled(100, 200) == 200
    # 210 are expected (the draw counts 0 as well), give or take eight times the deviation of 13.
    assert 106 < sampled(20, 1000) < 314
