"""Servers that say what no server says: every kind of client ends with an error."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pynats_bench import session
from pynats_bench.clients.bench import Bench
from pynats_bench.clients.consuming import Consume, ConsumeOrdered, Fetch
from pynats_bench.clients.core import Publish, Request, Serve, Subscribe
from pynats_bench.clients.getting import GetKeys, GetMessages
from pynats_bench.clients.model import Target
from pynats_bench.clients.storing import PublishStored
from pynats_bench.model import LoadError

from tests.support.deadline import wait_until
from tests.support.deliveries import ack

LINE = b"x" * 300_000  # longer than what is received at a time
DELIVERED = ack(1).encode()
ALL_ONES = b"18446744073709551615"
BLOCK = b"NATS/1.0 100 Idle\r\n\r\n"

# What is said once the clients have subscribed to `@IN@`; then the connection ends.
SAID = {
    "nothing": b"",
    "garbage": b"\x00\xff\x1b[31mHTTP/1.1 400 Bad Request\r\n",
    "a line without end": LINE,
    "a message's line without end": b"MSG foo 1 " + LINE,
    "a long reply subject": b"MSG foo 1 " + LINE + b" 2\r\nhi\r\n",
    "a long reply subject in two parts": b"MSG foo 1 " + LINE[:277_000] + b" 0\r\n\r\n",
    "no size": b"MSG foo 1 \r\n\r\n",
    "a size below zero": b"MSG foo 1 -5\r\n\r\n",
    "a size that wraps": b"MSG @IN@ 1 %b %b\r\n\r\n" % (DELIVERED, ALL_ONES),
    "headers of a size that wraps": b"HMSG @IN@ 1 %b %b %b\r\n%b\r\n"
    % (DELIVERED, ALL_ONES, ALL_ONES, BLOCK),
    "a heartbeat whose size wraps": b"HMSG @IN@ 1 %b %b\r\n%b\r\n" % (ALL_ONES, ALL_ONES, BLOCK),
    "more headers than message": b"HMSG @IN@ 1 %b 50 21\r\n%b\r\n" % (DELIVERED, BLOCK),
    "no numbers": b"HMSG\r\n" + b"H1234567\r\n" + b"M       \r\n",
    "numbers alone": b"H1234567\r\n",
    "a payload cut short": b"MSG @IN@ 1 %b 1000\r\nonly this" % DELIVERED,
    "no end of a payload": b"MSG @IN@ 1 %b 2\r\nhiXX" % DELIVERED,
    "an enormous message": b"MSG @IN@ 1 %b 9999999999\r\n" % DELIVERED + LINE,
    "a short subject": b"MSG a 1 0\r\n\r\n",
    "headers of four bytes": b"HMSG @IN@ 1 %b 4 4\r\n\r\n\r\n\r\n" % DELIVERED,
    "an error with an escape": b"-ERR '\x1b]0;title\x07\x1b[2J'\r\n",
    "a server that shuts down": b'INFO {"ldm":true,"connect_urls":[' + b'"10.0.0.1:4222",' * 30_000
    + b'"h:1"]}\r\n',
    "an error that is no JSON": b"MSG @IN@0000000000 1 9\r\n{\"error\":\r\n",
    "an answer of 1 MB": b"MSG @IN@0000000000 1 1000000\r\n" + b'{"seq": ' * 125_000 + b"\r\n",
    "many numbers": b"MSG @IN@0000000000 1 60\r\n{\"stream\":\"S\",\"seq\":" + b"9" * 40 + b"}\r\n",
}  # fmt: skip

KINDS: dict[str, Callable[[Target], Bench]] = {
    "pub": lambda at: Publish(at, subject="foo", messages=0, rate=100),
    "sub": lambda at: Subscribe(at, subject="foo", messages=3),
    "request": lambda at: Request(at, subject="foo", messages=3),
    "serve": lambda at: Serve(at, subject="foo"),
    "serve slowly": lambda at: Serve(at, subject="foo", sleep_ns=1_000),
    "sync": lambda at: PublishStored(at, subject="foo", messages=3),
    "async": lambda at: PublishStored(at, subject="foo", messages=30, mode="async", batch=10),
    "atomic": lambda at: PublishStored(at, subject="foo", messages=30, mode="atomic", batch=10),
    "fast": lambda at: PublishStored(at, subject="foo", messages=30, mode="fast", batch=10),
    "get": lambda at: GetMessages(at, stream="S", messages=3),
    "get by the API": lambda at: GetMessages(at, stream="S", messages=3, direct=False),
    "get batch": lambda at: GetMessages(at, stream="S", messages=3, mode="batch", batch=2),
    "kv get": lambda at: GetKeys(at, bucket="B", messages=3),
    "consume": lambda at: Consume(at, stream="S", consumer="C", clients=1, messages=3),
    "fetch": lambda at: Fetch(at, stream="S", consumer="C", clients=1, messages=3, batch=2),
    "double acked": lambda at: Consume(
        at, stream="S", consumer="C", clients=1, messages=3, double_ack=True
    ),
    "ordered": lambda at: ConsumeOrdered(at, stream="S", consumers=["C"], clients=1, messages=3),
}


@contextmanager
def fake(said: bytes) -> Iterator[tuple[Target, Callable[[], None]]]:
    """A server that says PONG, and `said` when it is told to; then it leaves."""
    ours, theirs = socket.socketpair()
    inbox = [b"in"]
    go = threading.Event()

    def heard() -> bytes:
        try:
            return theirs.recv(65_536)
        except OSError:
            return b""  # the client has gone

    def listen() -> None:
        while chunk := heard():
            for line in chunk.split(b"\r\n"):
                if line.startswith(b"SUB "):
                    inbox[0] = line.split()[1].rstrip(b"*>")
            if not go.is_set():
                theirs.sendall(b"PONG\r\n" * chunk.count(b"PING\r\n"))

    def speak() -> None:
        go.wait()
        try:
            theirs.sendall(said.replace(b"@IN@", inbox[0]))
            theirs.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the client has gone

    threads = [threading.Thread(target=act, daemon=True) for act in (listen, speak)]
    for thread in threads:
        thread.start()
    ours.settimeout(5.0)
    try:
        yield Target(lambda: ours), go.set
    finally:
        go.set()
        ours.close()
        for thread in threads:
            thread.join(5.0)
        theirs.close()


def ended(kind: str, said: bytes) -> str:
    """How a benchmark of this kind ends when the server says that."""
    with fake(said) as (target, go):
        try:
            with KINDS[kind](target) as bench:
                go()
                bench.run()
        except LoadError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_client_ends_with_an_error(kind: str) -> None:
    for name, said in SAID.items():
        words = ended(kind, said)
        assert words.startswith("client 1: "), (name, words)
        assert len(words) < 450


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("serve", "a long reply subject in two parts", "malformed request"),
        ("consume", "a heartbeat whose size wraps", "a malformed delivery: HMSG "),
        ("consume", "headers of a size that wraps", "a malformed delivery: HMSG "),
        ("consume", "numbers alone", "a malformed delivery: H1234567"),
        ("get", "headers of four bytes", "an answer without headers"),
        ("sub", "an error with an escape", "\x1b]0;title\x07\x1b[2J"),
        ("sub", "a server that shuts down", "the server closed the connection"),
    ],
)
def test_what_is_wrong_is_said(kind: str, name: str, words: str) -> None:
    assert words in ended(kind, SAID[name])


def test_who_says_a_little_now_and_then_keeps_nobody_waiting() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0.05)
    done = threading.Event()

    def drip() -> None:
        while not done.wait(0.002):
            theirs.sendall(b"+OK\r\n")

    dripping = threading.Thread(target=drip)
    with ours, theirs:
        dripping.start()
        try:
            with pytest.raises(LoadError, match="timed out"):
                session.barrier(ours)
            with pytest.raises(LoadError, match="timed out"):
                session.settle(ours, b"")
        finally:
            done.set()
            dripping.join()


def test_what_answers_has_to_be_a_server() -> None:
    for said in (b"[" * 100_000 + b"\r\n", b"INFO " + b"[" * 100_000 + b"\r\n", b"x" * 2_000_000):
        with fake(said) as (target, go):
            go()
            with pytest.raises(LoadError, match="what answers is no NATS server"):
                session.introduce(target.dial(), lambda info: {})


def test_the_longest_sleep_is_a_sleep() -> None:
    with (
        fake(b"") as (target, _),
        Publish(target, subject="a", messages=2, sleep_ns=2**63 - 1) as it,
    ):
        thread = threading.Thread(target=it.run)
        thread.start()
        wait_until(lambda: it.progress() == [1], "a message")
        it.stop()
        thread.join()
        assert it.progress() == [1]


def test_more_messages_than_can_be_counted() -> None:
    with fake(b"") as (target, _), Subscribe(target, subject="a", messages=2**64 - 1) as bench:
        assert bench.shares()[0].wanted == 2**64 - 1
    with fake(b"") as (target, _):
        bench = Subscribe(target, subject="a", clients=3, messages=2**63 - 1)
        with target.dial() as link:
            bench.prepare(link, 1)
            loop = bench.make_loop([link], 1, [2**63 - 1] * 3)
        assert loop.progress() == [0]
