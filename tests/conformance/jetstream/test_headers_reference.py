"""The real server was recorded to find the same headers in odd blocks, and to strip them alike."""

from __future__ import annotations

import base64

from pynats_server.core.protocol import headers

from tests.conformance.jetstream.reference import Reference, without_ids
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle

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


def test_lookup(reference: Reference) -> None:
    """Two messages are duplicates when the server read the same Nats-Msg-Id in both."""
    blocks = [
        block.replace(b"%K", b"Nats-Msg-Id").replace(b"%V", b"value-%d" % number)
        for number, block in enumerate(LOOKED_UP)
    ]
    found = [headers.get(block, b"Nats-Msg-Id") for block in blocks]

    def ask(oracle: Oracle) -> list[tuple[str | None, bool]]:
        """What was sent as the identifier, and whether the server found it so."""
        oracle.create("A", subjects=["a"])
        same = []
        for number, (block, value) in enumerate(zip(blocks, found, strict=True)):
            assert "duplicate" not in oracle.publish("a", headers=block)
            plain = b"Nats-Msg-Id:%b" % value if value else b"Nats-Msg-Id: value-%d" % number
            again = oracle.publish("a", headers=b"NATS/1.0\r\n" + plain + b"\r\n\r\n")
            same.append((text(value), bool(again.get("duplicate", False))))
        return same

    def text(value: bytes | None) -> str | None:
        return None if value is None else value.decode("latin-1")

    differences = [
        (block, value, theirs)
        for block, value, theirs in zip(blocks, found, reference.of(ask), strict=True)
        if theirs != [text(value), bool(value)]
    ]
    assert not differences


def stored(oracle: Oracle, stream: str, seq: int) -> str:
    """The header block, as text of as many characters."""
    wait_until(lambda: oracle.api(f"STREAM.INFO.{stream}")["state"]["last_seq"] >= seq, "the copy")
    block = base64.b64decode(oracle.message(stream, seq).get("hdrs", ""))
    return without_ids(block.decode("latin-1"))


def copies(oracle: Oracle, stream: str, blocks: list[bytes]) -> list[str]:
    """What another stream has of messages with these header blocks."""
    return [stored(oracle, stream, oracle.publish("a", headers=block)["seq"]) for block in blocks]


def test_stripping(reference: Reference) -> None:
    """A mirror stores what is left without the headers about expectations."""

    def ask(oracle: Oracle) -> list[str]:
        oracle.create("A", subjects=["a"])
        oracle.create("M", mirror={"name": "A"})
        return copies(oracle, "M", STRIPPED)

    for block, theirs in zip(STRIPPED, reference.of(ask), strict=True):
        ours = headers.remove_prefix(block, b"Nats-Expected-")
        assert ours.decode("latin-1") == theirs, block


def test_adding(reference: Reference) -> None:
    """A sourcing stream adds one header to well-formed blocks."""

    def ask(oracle: Oracle) -> list[str]:
        oracle.create("A", subjects=["a"])
        oracle.create("B", sources=[{"name": "A"}])
        return copies(oracle, "B", ADDED)

    for block, text in zip(ADDED, reference.of(ask), strict=True):
        theirs = text.encode("latin-1")
        value = headers.get(theirs, b"Nats-Stream-Source")
        assert value is not None
        assert headers.add(block, b"Nats-Stream-Source", value) == theirs
