"""Mutated protocol bytes, cut at random: the server survives, answers other clients, and leaks
nothing.

Invariant: after any bytes on one connection a second connection still gets its PONG, the process
runs and its log shows no traceback. If the bytes arrive in one piece, the state of the connection
(closed, alive, waiting for more) and its errors equal the reference's.

FUZZ_EXAMPLES in the environment sets how many inputs are tried.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conformance.protocol.configs import CONFIGS
from tests.conformance.protocol.test_differential import ROWS
from tests.support.fuzzing import examples
from tests.support.pool import ServerPool, assert_healthy
from tests.support.raw import RawClient
from tests.support.script import Send

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
SMALL_ROWS = 2000  # bytes; longer rows test limits; mutating them finds little
_ANSWER_WAIT_S = 0.15  # a server that is silent for this time waits for more

CORPUS: list[bytes] = sorted(
    {
        step.data
        for case in ROWS
        for step in case.steps
        if isinstance(step, Send) and 0 < len(step.data) < SMALL_ROWS and case.config == "plain"
    }
)
_INTERESTING = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\xff", b"-1", b"0", b"2147483648", b"1048577",
    b"18446744073709551616", b"{", b"}", b'"', b"PUB ", b"HPUB ", b"SUB ", b"UNSUB ", b"CONNECT ",
    b"PING\r\n", b">", b"*", b"..", b"NATS/1.0\r\n\r\n", b"A" * 300, b"9" * 30,
]  # fmt: skip
# Inputs with equal answers: without NUL, stray CR and deliberate differences.
COMPARABLE: list[bytes] = sorted(
    {data for data in CORPUS if b"\x00" not in data and b"\r" not in data.replace(b"\r\n", b"")}
    - {
        step.data
        for case in ROWS
        for step in case.steps
        if isinstance(step, Send) and case.ours is not None
    }
)
# The reference treats these differently on purpose or depending on packets (see the rows).
_TAME = [piece for piece in _INTERESTING if b"\r" not in piece and b"\x00" not in piece]


@st.composite
def mutated(draw: st.DrawFn, corpus: list[bytes], pieces: list[bytes]) -> bytes:
    """One to three corpus entries, joined, with up to six edits."""
    data = bytearray(b"".join(draw(st.lists(st.sampled_from(corpus), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["insert", "delete", "replace", "repeat", "truncate"]))
        if kind == "insert":
            data[at:at] = draw(st.sampled_from(pieces))
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == "replace" and data:
            data[at] = draw(st.integers(32, 126))
        elif kind == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            del data[at:]
    return bytes(data)


@settings(
    max_examples=examples(EXAMPLES),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=mutated(CORPUS, _INTERESTING), cuts=st.lists(st.integers(0, 4000), max_size=4))
def test_any_bytes_leave_the_server_alive(
    data: bytes, cuts: list[int], servers_under_test: ServerPool
) -> None:
    server = servers_under_test.get("plain", CONFIGS["plain"])
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    with RawClient(server.port) as client, RawClient(server.port) as other:
        for start, end in pairwise(edges):
            client.send(data[start:end])
            other.fence()
            assert not other.timed_out and not other.closed
        client.finish()
        assert client.closed, f"half-closed connection not ended after {data!r}"
    assert_healthy(server)


@pytest.mark.reference
@settings(
    max_examples=examples(EXAMPLES),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=mutated(COMPARABLE, _TAME))
def test_mutations_end_like_on_the_reference(
    data: bytes, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    # The reference takes a line feed right behind "PUB " or "CONNECT" for the start of arguments.
    assume(b"\r" not in data.replace(b"\r\n", b""))  # an edit may have left one alone
    assume(re.search(rb"(?i)(?:[ \t]|CONNECT|INFO)\n", data) is None)
    # A stray CR inside arguments: a deliberate difference (rows sub-args-cr-*).
    assume(re.search(rb"\r(?!\n)", data) is None)
    theirs = _outcome(reference_servers.get("plain", CONFIGS["plain"]).port, data)
    ours = _outcome(servers_under_test.get("plain", CONFIGS["plain"]).port, data)
    assert ours == theirs, repr(data)


def _outcome(port: int, data: bytes) -> tuple[str, list[bytes]]:
    """What became of the connection, and the errors it was told."""
    with RawClient(port) as client:
        client.read_info()
        client.send(data)
        client.send(b"PING\r\n")
        while client.read_some(_ANSWER_WAIT_S):
            pass
        state = "closed" if client.closed else "open"
        return state, re.findall(rb"-ERR '[^\r]*\r\n", bytes(client.received))
