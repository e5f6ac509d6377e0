"""Counters: increments that the real server takes, totals that it stores, and sourced totals."""

from __future__ import annotations

import base64

import pytest
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish import counters, headers

from tests.support.deadline import wait_until
from tests.support.oracle import Oracle

pytestmark = pytest.mark.reference

INCREMENTS = [
    "+5",
    "-5",
    "5",
    "0",
    "+0",
    "-0",
    "--5",
    "+-5",
    "1.5",
    "1e3",
    "0x10",
    "0b11",
    "0o17",
    "017",
    "1_000",
    "_1",
    "1_",
    "1__0",
    "+",
    "-",
    "abc",
    "٣",
    "0x",
    "+0x1F",
    "1,000",
    "∞",
    "-0x5",
    "0_7",
    "08",
    "NaN",
    "inf",
    "-Infinity",
    "00",
    "-00",
    "+00017",
    "",
    " 5",
    "5 ",
    "+ 5",
    "\t5",
    "5\t",
    "1\x00",
]
LONG = ["9" * 100, "-" + "9" * 100, "+" + "0" * 100 + "5", "9" * 5000, "-" + "8" * 9999]


def test_the_same_increments_are_accepted(oracle: Oracle) -> None:
    oracle.create("S", subjects=["s.*"], allow_msg_counter=True)
    differences = []
    for number, increment in enumerate(INCREMENTS + LONG):
        block = headers.build([(counters.INCREMENT_HEADER, increment.encode())])
        theirs: object
        ours: object
        ack = oracle.publish(f"s.{number}", headers=block)
        if "error" in ack:
            theirs = ack["error"]["err_code"]
        else:
            stored = oracle.message("S", ack["seq"])
            theirs = ack["val"], base64.b64decode(stored["data"])
        try:
            total = counters.parse_increment(headers.get(block, counters.INCREMENT_HEADER))
            ours = counters.show_total(total), counters.write_total(total)
        except ApiError as refused:
            ours = refused.err_code
        if ours != theirs:
            differences.append((increment, ours, theirs))
    assert not differences


def test_running_totals(oracle: Oracle) -> None:
    oracle.create("S", subjects=["s"], allow_msg_counter=True)
    total = counters.ZERO
    for increment in ("7", "-9", "+2", "1" * 400, "-" + "2" * 400, "-0"):
        block = headers.build([(counters.INCREMENT_HEADER, increment.encode())])
        total = counters.add(total, counters.parse_increment(increment.encode()))
        assert oracle.publish("s", headers=block)["val"] == counters.show_total(total)


def test_sourced_totals(oracle: Oracle) -> None:
    """Z adds A and B, with publishes of its own in between; Y sources Z."""
    names = {"A": [], "B": [], "Z": ["A", "B"], "Y": ["Z"]}
    for name, origins in names.items():
        sources = [
            {
                "name": origin,
                "subject_transforms": [{"src": f"{origin}.*", "dest": f"{name}.$1"}],
            }
            for origin in origins
        ]
        config = {"sources": sources} if sources else {}
        answer = oracle.create(name, subjects=[f"{name}.*"], allow_msg_counter=True, **config)
        assert "error" not in answer, answer
    totals = dict.fromkeys(names, counters.ZERO)
    known: dict[str, counters.Sources] = {name: {} for name in names}

    def take_over(name: str, origin: str, seq: int) -> None:
        taken = counters.combine(totals[name], known[name], origin, f"{origin}.x", totals[origin])
        totals[name], known[name] = taken.total, taken.sources
        wait_until(
            lambda: oracle.api(f"STREAM.INFO.{name}")["state"]["last_seq"] >= seq, "the copy"
        )
        stored = oracle.message(name, seq)
        block = base64.b64decode(stored["hdrs"])
        assert base64.b64decode(stored["data"]) == counters.write_total(taken.total)
        assert headers.get(block, b"Nats-Incr") == str(taken.increment).encode()
        theirs = headers.get(block, counters.SOURCES_HEADER)
        assert theirs == counters.write_sources(taken.sources)
        assert counters.read_sources(theirs) == taken.sources

    steps = [("A", "+5"), ("B", "+7"), ("A", "-2"), ("Z", "+100"), ("B", "10"), ("A", "9" * 60)]
    for count, (name, increment) in enumerate(steps, 1):
        block = headers.build([(counters.INCREMENT_HEADER, increment.encode())])
        oracle.publish(f"{name}.x", headers=block)
        totals[name] = counters.add(totals[name], counters.parse_increment(increment.encode()))
        if name != "Z":
            take_over("Z", name, count)
        take_over("Y", "Z", count)
