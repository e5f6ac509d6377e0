"""Cases whose answers differ from the reference's on purpose.

What is listed here is asserted: our answer is the reference's with these places changed, and at
each of them the two differ, so the list cannot go stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = "<absent>"  # as a value: we do not have this field


@dataclass(frozen=True, slots=True)
class Deviation:
    """`ours` maps places in the list of answers (`step.reply.key…`, from 0) to what we have."""

    why: str
    ours: dict[str, Any]


def _without(place: str, *names: str) -> dict[str, Any]:
    return {f"{place}.{name}": ABSENT for name in names}


def _kept(step: int, first: int, last_change: int, **state: Any) -> dict[str, Any]:
    """Stream info of a stream whose three messages are still there."""
    shown = {
        "bytes": 120, "messages": 3, "num_subjects": 1, "first_seq": first,
        "first_ts": "<time 3>", "last_ts": f"<time {last_change}>", **state,
    }  # fmt: skip
    return {f"{step}.0.payload.state.{name}": value for name, value in shown.items()}


def _nothing_deleted(*steps: int) -> Deviation:
    why = "the reference reports sequence 0 of a stream without messages as deleted"
    ours: dict[str, Any] = {}
    for step in steps:
        ours |= _without(f"{step}.0.payload.state", "deleted", "num_deleted")
    return Deviation(why, ours)


# Why ours is the better answer.
DIFFERENCES: dict[str, Deviation] = {
    "update-config-retention-interest": Deviation(
        "the reference removes at the update what no consumer waits for, which is everything here; "
        "ours keeps what was stored before, until a consumer has acknowledged it",
        {
            **_kept(4, 1, 4), "4.0.payload.ts": "<time 5>",
            **_kept(5, 1, 4), "5.0.payload.ts": "<time 6>",
            **_kept(7, 1, 7, num_deleted=1), "7.0.payload.ts": "<time 8>",
        },
    ),
    "create-config-first-seq-max": Deviation(
        "the reference takes a first sequence that its files cannot hold, and ends with the second "
        "message",
        {
            **_without("0.0.payload", "config", "created", "did_create", "state", "ts"),
            "0.0.payload.error": {
                "code": 500,
                "description": "first sequence can not be beyond 4611686018427387903",
                "err_code": 10052,
            },
            **_without("1.0.payload", "cluster", "config", "created", "state", "ts"),
            "1.0.payload.error": {
                "code": 404,
                "description": "stream not found",
                "err_code": 10059,
            },
            "2.0.payload.streams": None,
            "2.0.payload.total": 0,
        },
    ),
    "consumer-durable-and-named": Deviation(
        "the reference gives a consumer that is made durable the few seconds that others live "
        "unused",
        _without("4.0.payload.config", "inactive_threshold")
        | _without("5.0.payload.config", "inactive_threshold"),
    ),
    "consumer-restart": Deviation(
        "the reference's first answer to a create request after a restart tells a wrong time of "
        "creation; asked for the consumer, it tells the right one",
        {"23.0.payload.created": "<time 5>", "23.0.payload.ts": "<time 30>"},
    ),
    "direct-multi-up-to-far": Deviation(
        "the reference's file store finds nothing when up_to_seq is beyond its end, its memory "
        "store finds everything, and so do we",
        {
            "16": [
                *[
                    {
                        "headers": [
                            "NATS/1.0", "Nats-Stream: S", f"Nats-Subject: {subject}",
                            f"Nats-Sequence: {seq}", f"Nats-Time-Stamp: <time {time}>",
                            f"Nats-Num-Pending: {11 - seq}", f"Nats-Last-Sequence: {last}", "", "",
                        ],
                        "payload": f"payload {seq - 2}",
                    }
                    for subject, seq, time, last in (
                        ("t.c.d", 9, 3, 0), ("t.a", 10, 4, 9), ("t.b", 11, 5, 10),
                    )
                ],
                {
                    "headers": [
                        "NATS/1.0 204 EOB", "Nats-Num-Pending: 0", "Nats-Last-Sequence: 11",
                        "Nats-UpTo-Sequence: 1000", "", "",
                    ],
                    "payload": "",
                },
            ],
        },
    ),
    "purge-empty-stream": Deviation(
        "the reference's unused stream says first_seq 0, or 1 after a purge of nothing; ours is "
        "not changed by that",
        {"2.0.payload.state.first_seq": 0},
    ),
    "limit-msg-size-8": _nothing_deleted(9, 14),
    "limit-new-bytes-40": _nothing_deleted(9, 14),
    "restart-unused": _nothing_deleted(1, 6),
}  # fmt: skip


def as_ours(theirs: list[Any], deviation: Deviation) -> list[Any]:
    """The reference's answers with our places in them. Raises AssertionError for a place where
    the reference says the same."""
    for place, ours in deviation.ours.items():
        holder: Any = theirs
        *path, last = place.split(".")
        for name in path:
            holder = holder[int(name) if isinstance(holder, list) else name]
        key: Any = int(last) if isinstance(holder, list) else last
        before = holder.get(key, ABSENT) if isinstance(holder, dict) else holder[key]
        assert before != ours, f"no difference any more at {place}"
        if ours == ABSENT:
            del holder[key]
        else:
            holder[key] = ours
    return theirs
