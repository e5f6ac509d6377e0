"""Rows whose transcript differs from the reference's on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`lines` are (theirs, ours): a line of the reference's transcript, the first one after the
    last change, and what stands there in ours, which may be several lines; "" takes the line out.
    """

    why: str
    lines: tuple[tuple[str, str], ...]


_TOLD = "told < $JS.EVENT.ADVISORY.CONSUMER."
_REST = '"id": "<id>", "stream": "S", "stream_seq": 1, "timestamp": "<time>"'
_TYPE = "io.nats.jetstream.advisory.v1"
_RAN_OUT = (
    f'{_TOLD}MAX_DELIVERIES.S.C {{"consumer": "C", "deliveries": 1, {_REST}, '
    f'"type": "{_TYPE}.max_deliver"}}'
)


def _gone(deliveries: int) -> str:
    """Message 1 was deleted before it was acknowledged."""
    return (
        f'{_TOLD}MSG_TERMINATED.S.C {{"consumer": "C", "consumer_seq": 1, '
        f'"deliveries": {deliveries}, "id": "<id>", '
        '"reason": "Unacknowledged message was deleted", "stream": "S", "stream_seq": 1, '
        f'"timestamp": "<time>", "type": "{_TYPE}.terminated"}}'
    )


def _rest(name: str, messages: int) -> str:
    return (
        f"{name} < [408 Request Timeout; Nats-Pending-Messages: {messages}; Nats-Pending-Bytes: 0]"
    )


_ONE_IS_ONE = "who asks for no number of messages asks for one, and is told that one is missing"
_AT_ONCE = "the reference delivers nothing at the end of a pause until something else happens"

_RESUMED = '= {"pause_until": "0001-01-01T00:00:00Z", "paused": false}'

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


_AT_FIRST = "= P3 A0 R0 W0, d 0:2, f 0:2"


def _told_left(name: str, seq: int, left: int) -> str:
    """Message `seq` of those of `_with_last_ones`, delivered in order."""
    subject, delivery = "abcabbaa"[seq - 1], seq - 2
    return f'{name} < s.{subject} "{seq}" #{seq} (c{delivery}, delivery 1, {left} left)'


DIFFERENCES: dict[str, Difference] = {
    "r_interest_in_what_ack_all_has_spent": Difference(
        "an acknowledgement of all up to a message is one of what is out of deliveries, too",
        (
            ('p3 < s.a "2" #2 (c2, delivery 1, 1 left)',) * 2,
            ("= stream S: 3 messages, 1 to 3", "= stream S: 2 messages, 2 to 3"),
        ),
    ),
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
    "b4_a_pull_without_a_batch_says_what_was_left": Difference(
        _ONE_IS_ONE,
        (
            (_rest("p1", 0), _rest("p1", 1)),
            (_rest("p2", 0), _rest("p2", 1)),
            (_rest("p3", -3), _rest("p3", 1)),
        ),
    ),
    "e6_next_with_odd_bodies": Difference(_ONE_IS_ONE, ((_rest("p6", 0), _rest("p6", 1)),)),
    "u_a_nak_of_the_last_delivery": Difference(
        "the end of deliveries is told when it comes, not with the next pull",
        (
            ("> info C", f"{_RAN_OUT}\n> info C"),
            ("= P1 A2 R0 W0, d 2:2, f 0:0", "= P1 A1 R0 W0, d 2:2, f 0:0"),
            (_RAN_OUT, "told < nothing"),
        ),
    ),
    "f8_raising_max_deliver_brings_nothing_back": Difference(
        "what was delivered once does not count as redelivered",
        (
            ("= P1 A0 R1 W0, d 1:1, f 0:0", "= P1 A0 R0 W0, d 1:1, f 0:0"),
            ("= P0 A1 R2 W1, d 3:2, f 0:0", "= P0 A1 R1 W1, d 3:2, f 0:0"),
        ),
    ),
    "o3_a_message_of_the_snapshot_is_deleted": Difference(
        "the reference loses the rest of the snapshot",
        (
            (
                "p1 < [404 No Messages]",
                'p1 < s.b "8" #8 (c2, delivery 1, 0 left)\np1 < [404 No Messages]',
            ),
            ("= P1 A1 R0 W0, d 1:6, f 0:5", "= P0 A2 R0 W0, d 2:8, f 0:5"),
        ),
    ),
    "n1_deleting_what_was_redelivered": Difference(
        "of a message that is deleted the event tells all its deliveries", ((_gone(1), _gone(2)),)
    ),
    "n1_deleting_what_ack_all_has_out": Difference(
        "the reference takes the message before the deleted one for acknowledged",
        (("= P1 A2 R0 W0, d 4:4, f 2:2", "= P1 A3 R0 W0, d 4:4, f 0:0"),),
    ),
    "n4_a_purge_with_a_filter": Difference(
        "a floor is one place in the stream for both sequences, and is not moved beyond what was "
        "delivered by the purge of some messages",
        (
            ("= P2 A2 R0 W0, d 4:4, f 4:0", "= P2 A2 R0 W0, d 4:4, f 0:0"),
            ("= P0 A0 R0 W0, d 2:8, f 2:8", "= P0 A0 R0 W0, d 2:4, f 2:4"),
            ("= P0 A0 R0 W0, d 2:8, f 2:8", "= P0 A0 R0 W0, d 2:4, f 2:4"),
        ),
    ),
    "n6_rollups": Difference(
        "a rollup is told of as other ends of unacknowledged messages are",
        (
            ("told < nothing", _gone(1)),
            ("= P2 A0 R0 W0, d 1:3, f 1:3", "= P2 A0 R0 W0, d 1:1, f 1:1"),
            ("= P0 A2 R0 W0, d 3:5, f 1:3", "= P0 A2 R0 W0, d 3:5, f 1:1"),
        ),
    ),
    "n6_a_rollup_of_all": Difference(
        "a rollup is told of as other ends of unacknowledged messages are, and moves a floor",
        (
            ("told < nothing", _gone(1)),
            ("= P1 A0 R0 W0, d 1:4, f 1:4", "= P1 A0 R0 W0, d 1:1, f 1:1"),
        ),
    ),
    "l3_pulls_of_a_paused_consumer": Difference(
        _AT_ONCE,
        (
            (_RESUMED, _RESUMED),
            (
                "p4 < nothing",
                'p4 < s.a "1" #1 (c3, delivery 2, 2 left)\n'
                'p4 < s.a "3" #3 (c4, delivery 1, 1 left)\n'
                'p4 < s.a "4" #4 (c5, delivery 1, 0 left)',
            ),
            ("= P2 A1 R0 W1, d 2:2, f 0:0", "= P0 A3 R1 W0, d 5:4, f 0:0"),
        ),
    ),
    "l3_a_paused_consumer_redelivers_later": Difference(
        _AT_ONCE,
        (
            (_RESUMED, _RESUMED),
            ("p2 < nothing", 'p2 < s.a "1" #1 (c2, delivery 2, 0 left)'),
            ("= P0 A1 R0 W1, d 1:1, f 0:0", "= P0 A1 R1 W0, d 2:1, f 0:0"),
        ),
    ),
    "l3_a_paused_push_consumer": Difference(
        _AT_ONCE,
        (
            (_RESUMED, _RESUMED),
            (
                "d < nothing",
                'd < s.a "1" #1 (c1, delivery 1, 1 left)\nd < s.a "2" #2 (c2, delivery 1, 0 left)',
            ),
            ('d < s.a "1" #1 (c1, delivery 1, 2 left)', ""),
            ('d < s.a "2" #2 (c2, delivery 1, 1 left)', ""),
        ),
    ),
    "t3_a_filter_and_its_counts_after_a_restart": Difference(
        "the reference begins anew with the last of each subject",
        (("= P3 A0 R0 W0, d 0:0, f 0:0", "= P9 A0 R0 W0, d 0:0, f 0:0"),),
    ),
    "b_filters_that_overlap_deliver_once": Difference(
        "the reference counts a message of two filters twice",
        (
            ("= P4 A0 R0 W0, d 0:0, f 0:0", "= P3 A0 R0 W0, d 0:0, f 0:0"),
            (
                'p1 < s.y.x "1" #1 (c1, delivery 1, 3 left)',
                'p1 < s.y.x "1" #1 (c1, delivery 1, 2 left)',
            ),
            (
                'p1 < s.z.x "2" #2 (c2, delivery 1, 2 left)',
                'p1 < s.z.x "2" #2 (c2, delivery 1, 1 left)',
            ),
            (
                'p1 < s.y.z "3" #3 (c3, delivery 1, 1 left)',
                'p1 < s.y.z "3" #3 (c3, delivery 1, 0 left)',
            ),
        ),
    ),
    **{
        row: Difference(
            "the reference counts only the newest of each subject, but delivers everything",
            (
                *(((_AT_FIRST, _AT_FIRST),) if theirs == 3 else ()),
                (f"= P{theirs} {info}", f"= P6 {info}"),
                *(
                    (_told_left(pull, seq, left), _told_left(pull, seq, 9 - seq))
                    for seq, left in lefts
                ),
            ),
        )
        for row, theirs, info, pull, lefts in (
            (
                "t_last_ones_before_the_first_delivery",
                3,
                "A0 R0 W0, d 0:2, f 0:2",
                "p1",
                ((3, 3), (4, 2), (5, 1), (6, 0), (7, 0), (8, 0)),
            ),
            (
                "t_last_ones_of_which_some_are_delivered",
                2,
                "A1 R0 W0, d 1:3, f 0:2",
                "p2",
                ((4, 1), (5, 0), (6, 0), (7, 0), (8, 0)),
            ),
        )
    },
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
