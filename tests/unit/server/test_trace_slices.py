"""Long traces are written in slices."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pynats_server.said.packing import encode
from pynats_server.tracing.events import PIECE, READ, SLICE, describe

from tests.support.steploop import steps

SECOND_NS = 1_000_000_000
MUCH = 1 << 30
BLOCK = b"NATS/1.0\r\nNats-Trace-Dest: d\r\n\r\n"


def trail(count: int, block: bytes = BLOCK) -> Any:
    """What `describe` looks at, with so many mappings."""
    times = [0, 1, 120_000_000, SECOND_NS - 1, SECOND_NS, 3 * SECOND_NS + 5]
    return SimpleNamespace(
        block=block,
        size=1,
        began_ns=SECOND_NS,
        source=SimpleNamespace(cid=7, name=""),
        account=SimpleNamespace(name="A"),
        subject=b"x",
        refusal=None,
        events=[("sm", SECOND_NS + times[at % 6], b"<to>") for at in range(count)],
    )


def written(trail: Any) -> tuple[int, Any]:
    """How often writing it rests, and what is written."""
    taken, text = steps(describe(trail, b"{}", "SYS", MUCH))
    return taken - 1, json.loads(text)


def test_a_rest_after_so_many_events() -> None:
    for count, rests in (0, 0), (1, 0), (SLICE, 0), (SLICE + 1, 1), (SLICE * 10, 9):
        rested, told = written(trail(count))
        assert (rested, len(told["events"])) == (rests, count + 1)


def test_the_longer_the_subject_the_fewer_events_at_once() -> None:
    long = trail(SLICE)
    long.subject = b"x" * 4000
    assert written(long)[0] == 31  # two at a time


def test_events_that_nobody_could_receive_are_not_written() -> None:
    _, text = steps(describe(trail(SLICE * 10), b"{}", "SYS", SLICE * 60))
    told = json.loads(text)
    assert len(told["events"]) % SLICE == 1
    assert SLICE < len(told["events"]) <= SLICE * 3


@pytest.mark.parametrize("many", [READ * 10, READ * 40])
@pytest.mark.parametrize("same", [False, True], ids=["names", "values"])
def test_many_headers_are_read_and_written_in_slices(many: int, same: bool) -> None:
    names = ["a" if same else f"a{(number * 7919) % many}" for number in range(many)]
    lines = "".join(f"{name}:{at}\r\n" for at, name in enumerate(names))
    rested, told = written(trail(0, BLOCK[:-2] + lines.encode() + b"\r\n"))
    found = told["request"]["header"]
    expected: dict[str, list[str]] = {"Nats-Trace-Dest": ["d"]}
    for at, name in enumerate(names):
        expected.setdefault(name, []).append(str(at))
    assert found == expected
    assert list(found) == sorted(expected)
    # Reading rests once for each READ; writing about 60 headers of these are PIECE.
    assert rested >= many // READ + many // 70


def test_a_long_header_is_written_in_slices_and_no_character_is_cut() -> None:
    value = "a<\u20ac\U0001f600" * 2000 + "é"
    broken = b"\xff\x80" + b"\x80" * 9000
    block = BLOCK[:-2] + b"long: " + value.encode() + b"\r\nbroken: " + broken + b"\r\n\r\n"
    rested, told = written(trail(0, block))
    assert told["request"]["header"] == {
        "Nats-Trace-Dest": ["d"],
        "broken": ["\ufffd" * len(broken)],
        "long": [value],
    }
    assert rested >= (len(value.encode()) + len(broken)) // PIECE


def test_times_and_texts_are_those_of_go() -> None:
    _, text = steps(describe(trail(6), b"{}", "SYS", MUCH))
    assert b"<" not in text
    assert [event["ts"] for event in json.loads(text)["events"]] == [
        "1970-01-01T00:00:01Z",
        "1970-01-01T00:00:01Z",
        "1970-01-01T00:00:01.000000001Z",
        "1970-01-01T00:00:01.12Z",
        "1970-01-01T00:00:01.999999999Z",
        "1970-01-01T00:00:02Z",
        "1970-01-01T00:00:04.000000005Z",
    ]


def test_compression_has_steps_as_well() -> None:
    data = b"x" * (1 << 20)
    for encoding, expected in ("gzip", 129), ("snappy", 17), ("identity", 1):
        assert steps(encode(data, encoding))[0] == expected
