"""Publishes that arrive together act as if they had arrived one by one."""

from __future__ import annotations

import json
import socket
import struct
import urllib.request
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.options import LogOptions, Options
from pynats_server.threaded import ThreadedServer

from tests.support.deadline import Deadline
from tests.support.fuzzing import examples
from tests.support.raw import RawClient

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
HEADER = b"NATS/1.0\r\nA: b\r\n\r\n"
SUBJECTS = st.sampled_from(
    [b"a", b"b", b"a.b", b"a.c", b"data.0123456789", b"a..b", "ä.ö".encode()]
)
PATTERNS = st.sampled_from([b"a", b"b", b"a.*", b"a.b", b"data.>", b">", b"reply.*"])
SIDS = st.sampled_from([b"1", b"2", b"3"])
REPLIES = st.sampled_from([b"", b"", b"reply.1 ", b"reply.2 "])
PAYLOADS = st.binary(max_size=40)


def _pub(subject: bytes, reply: bytes, body: bytes) -> bytes:
    return b"PUB %b %b%d\r\n%b\r\n" % (subject, reply, len(body), body)


def _hpub(subject: bytes, reply: bytes, body: bytes) -> bytes:
    sizes = len(HEADER), len(HEADER) + len(body)
    return b"HPUB %b %b%d %d\r\n%b%b\r\n" % (subject, reply, *sizes, HEADER, body)


def _loose(subject: bytes, body: bytes) -> bytes:
    """Valid input that no client library writes."""
    return b"pub  %b\t%d \r\n%b\r\n" % (subject, len(body), body)


COMMANDS = st.one_of(
    st.builds(_pub, SUBJECTS, REPLIES, PAYLOADS),
    st.builds(_pub, SUBJECTS, REPLIES, PAYLOADS),
    st.builds(_hpub, SUBJECTS, REPLIES, PAYLOADS),
    st.builds(_loose, SUBJECTS, PAYLOADS),
    st.builds(lambda pattern, sid: b"SUB %b %b\r\n" % (pattern, sid), PATTERNS, SIDS),
    st.builds(lambda sid, most: b"UNSUB %b %d\r\n" % (sid, most), SIDS, st.integers(1, 9)),
)


@pytest.fixture(scope="module", params=[False, True], ids=["cached", "past the cache"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    options = Options(host="127.0.0.1", port=-1, disable_sublist_cache=request.param)
    with ThreadedServer(options) as server:
        yield server.server.client_port


def _told(port: int, pieces: list[bytes]) -> bytes:
    """The server's output when each piece takes effect before the next is sent."""
    with RawClient(port) as client:
        client.read_info()
        client.send(CONNECT)
        client.fence()
        client.received.clear()
        for piece in pieces:
            client._pongs_due = client.received.count(b"PONG\r\n")
            client.send(piece, pongs=0)
            client.fence()
        return bytes(client.received).replace(b"PONG\r\n", b"")


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(COMMANDS, min_size=2, max_size=40))
def test_together_is_as_one_by_one(port: int, commands: list[bytes]) -> None:
    assert _told(port, [b"".join(commands)]) == _told(port, commands)


def test_a_limit_is_met_in_the_middle_of_what_was_looked_up(port: int) -> None:
    warm = b"".join(_pub(b"lim.%d" % n, b"", b"x") for n in range(8))
    told = _told(port, [b"SUB lim.* 1\r\n", warm, b"UNSUB 1 11\r\n", warm])
    assert told.count(b"MSG lim.") == 11


def _pending(monitor_url: str) -> int:
    with urllib.request.urlopen(f"{monitor_url}/connz") as answer:
        return max(each["pending_bytes"] for each in json.load(answer)["connections"])


def test_what_came_before_a_reset_of_a_held_back_producer_counts() -> None:
    limit = 8 << 20
    options = Options(
        host="127.0.0.1", port=-1, http_host="127.0.0.1", http_port=-1, max_pending=limit,
        log=LogOptions(),
    )  # fmt: skip
    with ThreadedServer(options) as threaded:
        port = threaded.server.client_port
        with RawClient(port, rcvbuf=4096) as slow, RawClient(port) as watcher:
            slow.send(CONNECT + b"SUB big 1\r\n")
            slow.fence()
            watcher.send(CONNECT + b"SUB mark.* 1\r\n")
            watcher.fence()
            with RawClient(port) as filler:
                filler.send(CONNECT)
                deadline = Deadline(20)
                while _pending(threaded.monitor_url) * 100 < limit * 80 and not deadline.passed:
                    filler.send(_pub(b"big", b"", bytes(100_000)))
                    filler.fence()
            assert _pending(threaded.monitor_url) * 100 >= limit * 80
            with RawClient(port) as producer:
                producer.send(CONNECT)
                producer.fence()
                # Each `big` costs the producer a pause, so the reset comes long before the end.
                producer.send(
                    b"".join(
                        _pub(b"big", b"", b"") + _pub(b"mark.%d" % n, b"", b"") for n in range(50)
                    )
                )
                linger = struct.pack("ii", 1, 0)  # close() resets
                producer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert watcher.read_until(b"MSG mark.49 ")
            assert watcher.received.count(b"MSG mark.") == 50
