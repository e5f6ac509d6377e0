"""Mutated protocol bytes, cut at random: the server lives, answers everybody else, leaks nothing.

Invariant: after any bytes on one connection a second connection still gets its PONG, the process
runs and its log shows no traceback. Where bytes arrive whole, what becomes of the connection
(closed, alive, waiting for more) and its errors are those of the reference.

The examples of the gate and their outcomes are records; `make reference` compares new ones with the
reference itself. FUZZ_EXAMPLES in the environment sets how many inputs are tried.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.conformance.protocol.configs import CONFIGS
from tests.conformance.protocol.test_differential import ROWS
from tests.support.fuzzing import examples
from tests.support.pool import ServerPool, assert_healthy
from tests.support.raw import RawClient
from tests.support.records import RECORD, Recorded
from tests.support.script import Send

OPEN = "open"
RECORDED = 150  # examples
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
SMALL_ROWS = 2000  # bytes; longer rows are about limits and dull to mutate
_ANSWER_WAIT_S = 0.15  # a server that says nothing for so long is waiting for the rest

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
# What both must answer alike: without NUL, stray CR and the rows that differ on purpose.
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


def _comparable(data: bytes) -> bool:
    """The reference takes a line feed right behind "PUB " or "CONNECT" for the start of arguments.
    A stray CR (an edit may have left one alone) is a deliberate difference (rows sub-args-cr-*)."""
    return (
        b"\r" not in data.replace(b"\r\n", b"")
        and re.search(rb"(?i)(?:[ \t]|CONNECT|INFO)\n", data) is None
    )


def _drawn(count: int) -> list[bytes]:
    """The same `count` examples every time, as long as rows and hypothesis stay the same."""
    found: list[bytes] = []

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(data=mutated(COMPARABLE, _TAME))
    def draw(data: bytes) -> None:
        assume(_comparable(data))
        found.append(data)

    draw()
    return list(dict.fromkeys(found))


def test_recorded_mutations_end_like_on_the_reference(
    recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    def ask() -> list[dict[str, Any]]:
        if recorded.mode == RECORD:
            sent = _drawn(RECORDED)
        else:
            sent = [_bytes(example["sent"]) for example in recorded.kept()]
        port = reference_servers.get("plain", CONFIGS["plain"]).port
        return [{"sent": _text(data), **_outcome(port, data)} for data in sent]

    examples = recorded.of(ask)
    assert len(examples) > RECORDED // 2
    port = servers_under_test.get("plain", CONFIGS["plain"]).port
    for example in examples:
        told = _outcome(port, _bytes(example["sent"]), example["ends"] == OPEN)
        assert {"sent": example["sent"], **told} == example


@pytest.mark.reference
@settings(
    max_examples=examples(EXAMPLES),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=mutated(COMPARABLE, _TAME))
def test_mutations_end_like_on_the_reference(
    data: bytes, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    assume(_comparable(data))
    theirs = _outcome(reference_servers.get("plain", CONFIGS["plain"]).port, data)
    ours = _outcome(servers_under_test.get("plain", CONFIGS["plain"]).port, data)
    assert ours == theirs, repr(data)


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _outcome(port: int, data: bytes, open_expected: bool | None = None) -> dict[str, Any]:
    """What became of the connection, and the errors it was told.

    The reference is given time to say something; of ours it is known whether an end is to be
    waited for, and that two fences later it has read and answered everything.
    """
    with RawClient(port) as client:
        client.read_info()
        client.send(data)
        client.send(b"PING\r\n")
        if open_expected is None:
            while client.read_some(_ANSWER_WAIT_S):
                pass
        elif open_expected:
            with RawClient(port) as control:
                for _ in range(2):
                    control.fence()
            while client.read_some(0):
                pass
        else:
            client.read_to_end()
        errors = re.findall(rb"-ERR '[^\r]*\r\n", bytes(client.received))
        return {
            "ends": "closed" if client.closed else OPEN,
            "errors": [_text(error.rstrip()) for error in errors],
        }
