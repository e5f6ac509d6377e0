"""Long traces are written in slices."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from pynats_server.system.encoding import encode
from pynats_server.tracing.events import SLICE, describe

from tests.support.steploop import steps

SECOND_NS = 1_000_000_000


def trail(count: int) -> Any:
    """What `describe` looks at, with so many mappings."""
    times = [0, 1, 120_000_000, SECOND_NS - 1, SECOND_NS, 3 * SECOND_NS + 5]
    return SimpleNamespace(
        headers={b"Nats-Trace-Dest": [b"d"]},
        size=1,
        began_ns=SECOND_NS,
        source=SimpleNamespace(cid=7, name=""),
        account=SimpleNamespace(name="A"),
        subject=b"x",
        refusal=None,
        events=[("sm", SECOND_NS + times[at % 6], b"<to>") for at in range(count)],
    )


def test_a_step_has_so_many_events() -> None:
    for count, expected in (0, 1), (1, 1), (SLICE, 1), (SLICE + 1, 2), (SLICE * 10, 10):
        taken, text = steps(describe(trail(count), b"{}", "SYS"))
        assert (taken, len(json.loads(text)["events"])) == (expected, count + 1)


def test_times_and_texts_are_those_of_go() -> None:
    _, text = steps(describe(trail(6), b"{}", "SYS"))
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
