"""Counters, beside what the real server was recorded to do: the increments it takes, the totals
that it stores, and sourced totals."""

from __future__ import annotations

import base64
from typing import Any

from pynats_server.core.protocol import headers
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.publish import counters

from tests.conformance.jetstream.reference import Reference, without_ids
from tests.conformance.jetstream.shorten import shorten
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle

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


def block_of(increment: str) -> bytes:
    return headers.build([(counters.INCREMENT_HEADER, increment.encode())])


def test_the_same_increments_are_accepted(reference: Reference) -> None:
    increments = INCREMENTS + LONG

    def ask(oracle: Oracle) -> list[Any]:
        oracle.create("S", subjects=["s.*"], allow_msg_counter=True)
        found = []
        for number, increment in enumerate(increments):
            ack = oracle.publish(f"s.{number}", headers=block_of(increment))
            if "error" in ack:
                found.append([increment, ack["error"]["err_code"]])
            else:
                kept = base64.b64decode(oracle.message("S", ack["seq"])["data"]).decode()
                found.append([increment, ack["val"], kept])
        return [shorten(each) for each in found]

    differences = []
    for increment, theirs in zip(increments, reference.of(ask), strict=True):
        ours: list[Any]
        try:
            total = counters.parse_increment(
                headers.get(block_of(increment), counters.INCREMENT_HEADER)
            )
            ours = [increment, counters.show_total(total), counters.write_total(total).decode()]
        except ApiError as refused:
            ours = [increment, refused.err_code]
        if shorten(ours) != theirs:
            differences.append((ours, theirs))
    assert not differences


def test_running_totals(reference: Reference) -> None:
    increments = ("7", "-9", "+2", "1" * 400, "-" + "2" * 400, "-0")

    def ask(oracle: Oracle) -> list[str]:
        oracle.create("S", subjects=["s"], allow_msg_counter=True)
        return [oracle.publish("s", headers=block_of(each))["val"] for each in increments]

    total = counters.ZERO
    ours = []
    for increment in increments:
        total = counters.add(total, counters.parse_increment(increment.encode()))
        ours.append(counters.show_total(total))
    assert ours == reference.of(ask)


NAMES: dict[str, list[str]] = {"A": [], "B": [], "Z": ["A", "B"], "Y": ["Z"]}
STEPS = [("A", "+5"), ("B", "+7"), ("A", "-2"), ("Z", "+100"), ("B", "10"), ("A", "9" * 60)]


def test_sourced_totals(reference: Reference) -> None:
    """Z adds A and B, with publishes of its own in between; Y sources Z."""
    stored = reference.of(sourced_totals)
    totals = dict.fromkeys(NAMES, counters.ZERO)
    known: dict[str, counters.Sources] = {name: {} for name in NAMES}

    def take_over(name: str, origin: str, theirs: dict[str, str]) -> None:
        taken = counters.combine(totals[name], known[name], origin, f"{origin}.x", totals[origin])
        totals[name], known[name] = taken.total, taken.sources
        block = theirs["headers"].encode()
        assert theirs["data"].encode() == counters.write_total(taken.total)
        assert headers.get(block, b"Nats-Incr") == str(taken.increment).encode()
        sources = headers.get(block, counters.SOURCES_HEADER)
        assert sources == counters.write_sources(taken.sources)
        assert counters.read_sources(sources) == taken.sources

    for (name, increment), theirs in zip(STEPS, stored, strict=True):
        totals[name] = counters.add(totals[name], counters.parse_increment(increment.encode()))
        if name != "Z":
            take_over("Z", name, theirs["Z"])
        take_over("Y", "Z", theirs["Y"])


def sourced_totals(oracle: Oracle) -> list[dict[str, dict[str, str]]]:
    """Headers and data of what each step leaves in Z (unless it is its own) and in Y."""
    for name, origins in NAMES.items():
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

    def copied(name: str, seq: int) -> dict[str, str]:
        wait_until(
            lambda: oracle.api(f"STREAM.INFO.{name}")["state"]["last_seq"] >= seq, "the copy"
        )
        message = oracle.message(name, seq)
        return {
            "headers": without_ids(base64.b64decode(message["hdrs"]).decode()),
            "data": base64.b64decode(message["data"]).decode(),
        }

    found = []
    for count, (name, increment) in enumerate(STEPS, 1):
        oracle.publish(f"{name}.x", headers=block_of(increment))
        copies = ("Y",) if name == "Z" else ("Z", "Y")
        found.append({copy: copied(copy, count) for copy in copies})
    return found
