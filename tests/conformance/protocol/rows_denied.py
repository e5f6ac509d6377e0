"""Subscriptions that a rule covers, partly or wholly, or that are wider than it: what is refused,
and what of the rest is delivered. Each user has one list of rules and tries every pattern."""

from __future__ import annotations

from tests.conformance.protocol.configs import RULES
from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_routing import pub
from tests.support.script import Row, talk

PATTERNS = [
    b"a", b"b", b"*", b">", b"a.b", b"a.c", b"b.b", b"a.*", b"*.b", b"*.c", b"*.*", b"a.>", b"b.>",
    b"*.>", b"a.b.>", b"a.*.>", b"*.b.>", b"a.b.c", b"a.*.c", b"a.b.*", b"*.*.*", b"*.*.>",
    b"*.b.c", b"a.*.*", b"a.b.c.d", b"a.*.c.>",
]  # fmt: skip
SUBJECTS = [
    b"a", b"b", b"a.b", b"a.c", b"b.b", b"b.c", b"a.b.c", b"a.c.c", b"a.b.d", b"b.b.c", b"a.b.c.d",
]  # fmt: skip


# The real server lets a ">" pass for the "*" of a rule that allows, and then delivers what the rule
# does not allow.
WIDER = {
    "allow-star": b"a.>",
    "allow-star-deny-literal": b"a.>",
    "allow-one-token": b">",
}


def _row(user: str, label: str, queue: bytes) -> Row:
    subscribe = b"".join(
        b"SUB %b %b%d\r\n" % (pattern, queue, sid)
        for sid, pattern in enumerate(PATTERNS)
        if WIDER.get(user) != pattern
    )
    # Which member of a group gets a message is chance: there, only what is refused counts.
    publish = b"" if queue else b"".join(pub(subject, subject) for subject in SUBJECTS)
    return talk(
        f"denied-{label}{user}",
        ("a", login(user) + subscribe),
        ("free", login("free") + publish),
        config="denied",
        any_order=True,
    )


def _wider_row(user: str, pattern: bytes) -> Row:
    return talk(
        f"denied-wider-{user}",
        ("a", login(user) + b"SUB %b 1\r\n" % pattern),
        ("free", login("free") + pub(b"a.b.c", b"secret")),
        config="denied",
        ours={
            "a": [
                f"-ERR 'Permissions Violation for Subscription to \"{pattern.decode()}\"'",
                "PONG",
                "PONG",
            ],
            "free": ["PONG", "PONG"],
        },
        why="a rule that allows a.* does not allow what has more tokens",
    )


ROWS: list[Row] = [
    *(_row(user, "", b"") for user in RULES),
    *(_row(user, "queue-", b"q ") for user in RULES),
    *(_wider_row(user, pattern) for user, pattern in WIDER.items()),
]
