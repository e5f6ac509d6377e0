"""The real server finds the same headers in odd blocks, and strips them in the same way."""

from __future__ import annotations

import base64

import pytest
from pynats_server.jetstream.publish import headers

from tests.support.deadline import wait_until
from tests.support.oracle import Oracle

pytestmark = pytest.mark.reference

LOOKED_UP = [
    b"NATS/1.0\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K:%V\r\n\r\n",
    b"NATS/1.0\r\n%K:   %V\r\n\r\n",
    b"NATS/1.0\r\n%K:\t%V\r\n\r\n",
    b"NATS/1.0\r\n%K: %V \r\n\r\n",
    b"NATS/1.0\r\n%K: %V\t\r\n\r\n",
    b"NATS/1.0\r\n%K : %V\r\n\r\n",
    b"NATS/1.0\r\n %K: %V\r\n\r\n",
    b"NATS/1.0\r\nnats-msg-id: %V\r\n\r\n",
    b"NATS/1.0\r\nNATS-MSG-ID: %V\r\n\r\n",
    b"NATS/1.0\r\n%K: %V\r\n%K: other\r\n\r\n",
    b"NATS/1.0\r\n%K: other%V\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%Kx: other\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\nX%K: other\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\nX%K: %V\r\n\r\n",
    b"NATS/1.0\r\nA: %K: %V\r\n\r\n",
    b"NATS/1.0\r\nA: %K: other\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\n%K: %V\n\n",
    b"NATS/1.0\r\n%K: %V\n\r\n",
    b"NATS/1.0\r\nA: b\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K: %V\r\n",
    b"NATS/1.0\r\n%K: %V",
    b"NATS/1.0\r\n%K: %V\r",
    b"NATS/1.0\r\n%K: %V\n",
    b"NATS/1.0\r\n\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\nA: b\r\n\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K:\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K: \r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K\r\n%K: %V\r\n\r\n",
    b"%K: %V\r\n\r\n",
    b"\r\n%K: %V\r\n\r\n",
    b"garbage\r\n%K: %V\r\n\r\n",
    b"NATS/1.0 503 No\r\n%K: %V\r\n\r\n",
    b"NATS/1.0%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K: %V\r\r\n\r\n",
    b"NATS/1.0\r\n\x00%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K : other\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%Kx%K: %V\r\n\r\n",
    b"NATS/1.0\r\r\n%K: %V\r\n\r\n",
    b"NATS/1.0\r\n%K: \t%V\r\n\r\n",
    b"NATS/1.0\r\n%K: %V\r\n B\r\n\r\n",
]

STRIPPED = [
    b"NATS/1.0\r\nNats-Expected-Stream: A\r\n\r\n",
    b"NATS/1.0\r\nX: y\r\nNats-Expected-Stream: A\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Stream: A\r\nX: y\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Stream: A\r\nNats-Expected-Stream: A\r\nX: y\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-: A\r\nX: y\r\n\r\n",
    b"NATS/1.0\r\nX: Nats-Expected-Q: A\r\nY: y\r\n\r\n",
    b"NATS/1.0\r\nXNats-Expected-Q: A\r\nNats-Expected-Z: q\r\nY: y\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Q A\r\nY: y\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Q: A",
    b"NATS/1.0\r\nY: z\r\nNats-Expected-Q: A",
    b"NATS/1.0\r\nY: z\r\nNats-Expected-Q: A\r\n",
    b"NATS/1.0\r\nY: z\r\n\r\n\r\nNats-Expected-Q: A\r\n\r\n",
    b"NATS/1.0\r\nnats-expected-Q: A\r\n\r\n",
    b"NATS/1.0 503 Foo\r\nNats-Expected-Q: A\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Q: A\r\nNats-Expected-R: A\r\n\r\n",
    b"NATS/1.0\r\nNats-Expected-Q: A\r\n B\r\nNats-Expected-R: A\r\n\r\n",
    b"NATS/1.0\r\n\r\n",
    b"NATS/1.0\r\n",
    b"garbage",
    b"Nats-Expected-Q: A\r\nX: y\r\n\r\n",
]
ADDED = [
    b"",
    b"NATS/1.0\r\n\r\n",
    b"NATS/1.0\r\nX: y\r\n\r\n",
    b"NATS/1.0\r\nY: z\r\n\r\n\r\n\r\n",
    b"garbage\r\n\r\n",
]


def test_lookup(oracle: Oracle) -> None:
    """Two messages are duplicates when the server read the same Nats-Msg-Id in both."""
    oracle.create("A", subjects=["a"])
    differences = []
    for number, block in enumerate(LOOKED_UP):
        block = block.replace(b"%K", b"Nats-Msg-Id").replace(b"%V", b"value-%d" % number)
        value = headers.get(block, b"Nats-Msg-Id")
        assert "duplicate" not in oracle.publish("a", headers=block)
        plain = b"Nats-Msg-Id:%b" % value if value else b"Nats-Msg-Id: value-%d" % number
        again = oracle.publish("a", headers=b"NATS/1.0\r\n" + plain + b"\r\n\r\n")
        if again.get("duplicate", False) != bool(value):
            differences.append((block, value, again))
    assert not differences


def stored(oracle: Oracle, stream: str, seq: int) -> bytes:
    wait_until(lambda: oracle.api(f"STREAM.INFO.{stream}")["state"]["last_seq"] >= seq, "the copy")
    return base64.b64decode(oracle.message(stream, seq).get("hdrs", ""))


def test_stripping(oracle: Oracle) -> None:
    """A mirror stores what is left without the headers about expectations."""
    oracle.create("A", subjects=["a"])
    oracle.create("M", mirror={"name": "A"})
    for block in STRIPPED:
        seq = oracle.publish("a", headers=block)["seq"]
        assert headers.remove_prefix(block, b"Nats-Expected-") == stored(oracle, "M", seq), block


def test_adding(oracle: Oracle) -> None:
    """A sourcing stream adds one header to well-formed blocks."""
    oracle.create("A", subjects=["a"])
    oracle.create("B", sources=[{"name": "A"}])
    for block in ADDED:
        seq = oracle.publish("a", headers=block)["seq"]
        theirs = stored(oracle, "B", seq)
        value = headers.get(theirs, b"Nats-Stream-Source")
        assert value is not None
        assert headers.add(block, b"Nats-Stream-Source", value) == theirs
