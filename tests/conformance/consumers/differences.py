"""Rows whose transcript differs from the reference's on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`lines` are (theirs, ours): lines of the reference's transcript, the first that is like it
    and has not been changed yet, and what stands there in ours; "" takes the line out."""

    why: str
    lines: tuple[tuple[str, str], ...]


_UNPINNED = '{"group": "g", "pinned_ts": "0001-01-01T00:00:00Z"}]'
_PINNED = '{"group": "g", "pinned_client_id": "<id>", "pinned_ts": "<time>"}]'
_SECOND = 'p1 < s.a "2" #2 (c2, delivery 1, 0 left)'
_THIRD = 'p1 < s.a "3" #3 (c3, delivery 1, 0 left)'
_FOURTH = 'p1 < s.a "4" #4 (c4, delivery 1, 0 left)'
_NOT_PINNED = (
    "the real server goes on to deliver to a pinned client alone that is so no more by the "
    "consumer's configuration"
)


def _both(theirs: str, ours: str, start: str) -> tuple[str, str]:
    return start + theirs, start + ours


DIFFERENCES: dict[str, Difference] = {
    "m_a_pinned_consumer_becomes_plain": Difference(
        _NOT_PINNED,
        (
            (_SECOND, ""),
            (_FOURTH, _SECOND.replace("p1", "p2")),
            ("p2 < nothing", _FOURTH.replace("p1", "p2")),
            *[_both(_PINNED, _UNPINNED, "= P0 A4 R0 W2, d 4:4, f 0:0, priority_groups [")] * 2,
            (
                'p1 < s.a [Nats-Pin-Id: <id>] "5" #5 (c5, delivery 1, 0 left)',
                "p1 < [423 Nats-Wrong-Pin-Id; Nats-Pending-Messages: 7; Nats-Pending-Bytes: 0]",
            ),
            ("p2 < nothing", 'p2 < s.a [Nats-Pin-Id: <id>] "5" #5 (c5, delivery 1, 0 left)'),
        ),
    ),
    "m_a_pinned_consumer_becomes_overflow": Difference(
        _NOT_PINNED,
        (
            *[_both(_PINNED, _UNPINNED, "= P0 A1 R0 W2, d 1:1, f 0:0, priority_groups [")] * 2,
            (_SECOND, ""),
            (_FOURTH, _SECOND.replace("p1", "p2")),
            ("p2 < nothing", _FOURTH.replace("p1", "p2")),
        ),
    ),
    "m_an_overflow_consumer_becomes_plain": Difference(
        "the real server delivers nothing before the next message comes",
        (
            ("= P1 A0 R0 W1, d 0:0, f 0:0", "= P0 A1 R0 W1, d 1:1, f 0:0"),
            (
                'p1 < s.a "1" #1 (c1, delivery 1, 1 left)',
                'p1 < s.a "1" #1 (c1, delivery 1, 0 left)',
            ),
        ),
    ),
    "m_an_overflow_consumer_becomes_prioritized": Difference(
        "the real server has those who waited before served in their old order",
        (
            ('p1 < s.a "1" #1 (c1, delivery 1, 0 left)', _THIRD),
            (
                'p2 < s.a "2" #2 (c2, delivery 1, 0 left)',
                'p2 < s.a "1" #1 (c1, delivery 1, 0 left)',
            ),
            (_THIRD.replace("p1", "p2"), _SECOND.replace("p1", "p2")),
        ),
    ),
}


def as_ours(row: str, theirs: str) -> str:
    """The transcript that ours shall have. Raises AssertionError for a line that is not there."""
    difference = DIFFERENCES.get(row)
    if difference is None:
        return theirs
    done: list[str] = []
    rest = theirs.split("\n")
    for line, ours in difference.lines:
        assert line in rest, f"no such line in {row} any more: {line}"
        at = rest.index(line)
        done += [*rest[:at], *([ours] if ours else [])]
        rest = rest[at + 1 :]
    return "\n".join(done + rest)
