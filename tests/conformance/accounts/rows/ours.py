"""Scenarios in which the real server fails: what ours does is right by itself."""

from __future__ import annotations

from tests.conformance.accounts.rows.names import stream, streams
from tests.conformance.accounts.rows.reloads import BEFORE, SERVICE, STREAM, config
from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

# What the clients get: with each line of the script that brings something.
OURS: list[tuple[Scenario, list[str]]] = [
    (  # nats-server 2.15.1 ends with a Go panic at the subscription to p.1.s.1.2
        Scenario("a prefix with a wildcard's number", streams(stream("s.*.*", ', prefix: "p.$1"')),
            """
            b SUB > 1
            b SUB p.1.s.1.2 2
            b SUB p.1.s.2.2 3
            b SUB p.*.s.1.* 4
            a PUB s.1.2 | x
            a PUB s.2.2 | x
            """),
        [
            "> a PUB s.1.2 | x",
            r"b < MSG p.1.s.1.2 1 1 | x\r\n",
            r"b < MSG p.1.s.1.2 2 1 | x\r\n",
            r"b < MSG p.1.s.1.2 4 1 | x\r\n",
            "> a PUB s.2.2 | x",
            r"b < MSG p.2.s.2.2 1 1 | x\r\n",
        ],
    ),
    (  # the same
        Scenario("a token twice, and subscriptions that say what it is",
            streams(stream("s.*", ', to: "x.$1.$1"')), """
            b SUB x.1.1 1
            b SUB x.1.2 2
            b SUB x.1.* 3
            b SUB x.*.1 4
            b SUB x.> 5
            b SUB x.*.* 6
            a PUB s.1 | x
            a PUB s.2 | x
            """),
        [
            "> a PUB s.1 | x",
            *(rf"b < MSG x.1.1 {sid} 1 | x\r\n" for sid in (1, 3, 4, 5, 6)),
            "> a PUB s.2 | x",
            *(rf"b < MSG x.2.2 {sid} 1 | x\r\n" for sid in (5, 6)),
        ],
    ),
    (  # nats-server 2.15.1 tells C that nobody is there: services of accounts that come are dead
        Scenario("an account comes, asks, and goes", BEFORE, """
            a SUB s.* 1
            reload more
            c SUB in 2
            c PUB s.x in | ask
            a REPLY | answer
            reload less
            a PUB ev.x | C's client was closed
            """, {"more": config(c=f"C {{ {users('c')}\n imports = [{STREAM}, {SERVICE}] }}"),
                  "less": BEFORE}),
        [
            "> c PUB s.x in | ask",
            'a < HMSG s.x 1 _R_.acc0.req1 N N | NATS/1.0\\r\\nNats-Request-Info: {"acc": "C", '
            '"rtt": "<rtt>"}\\r\\n\\r\\nask\\r\\n',
            "> a REPLY | answer",
            r"c < MSG in 2 6 | answer\r\n",
            "> reload less",
            "c < closed",
        ],
    ),
    (  # nats-server 2.15.1 closes a client that has exactly as many as it may
        Scenario("a limit falls to what a client has", BEFORE, """
            b SUB ev.> 1
            b SUB x 2
            reload limited
            a PUB ev.x | b
            b SUB y 3
            """, {"limited": config(b="limits: {max_subscriptions: 2}")}),
        [
            "> a PUB ev.x | b",
            r"b < MSG ev.x 1 1 | b\r\n",
            "> b SUB y 3",
            "b < -ERR 'maximum subscriptions exceeded'",
        ],
    ),
]  # fmt: skip
