"""Traces within one account."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

PLAIN = f"""
accounts {{
  A {{
    users = [
      {{user: a, password: a}}, {{user: b, password: b}}, {{user: c, password: c}}
      {{user: t, password: t}}
      {{user: d, password: d, permissions: {{publish: {{deny: ["no", "tdeny"]}}}}}}
      {{user: e, password: e, permissions: {{subscribe: {{deny: "w.no"}}}}}}
    ] }}
  SYS {{ {users("s")} }}
}}
system_account: SYS
"""
MAPPED = """
accounts {
  A {
    users = [
      {user: a, password: a}, {user: t, password: t}
      {user: d, password: d, permissions: {publish: {deny: ["mapped.no"]}}}
    ]
    mappings = {
      "m.*": "mapped.$1", "same": "same", "lost": [{dest: "lost", weight: 0}]
      "w": [{dest: "w.1", weight: 100}], "twice": "m.twice", "none": []
    } }
}
"""
PARENTS = """
accounts {
  A { users = [{user: a, password: a}, {user: t, password: t}], msg_trace: {dest: "tr.p"} }
  B { users = [{user: b, password: b}] }
}
"""


def published(*blocks: str, subject: str = "x", who: str = "a") -> str:
    return "\n".join(f"{who} HPUB {subject} | {block} | hi" for block in blocks)


def only(*values: str) -> str:
    return published(*(f"Nats-Trace-Dest: tr.d; Nats-Trace-Only:{value}" for value in values))


ROWS = [
    Scenario("nobody there", PLAIN, """
        t SUB tr.> 1
        a HPUB x | Nats-Trace-Dest: tr.d | hi
        a SUB rep 9
        a HPUB x rep | Nats-Trace-Dest: tr.d | hi
        a HPUB x rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true | hi
        a2 OPEN {"name": ""}
        a2 HPUB x | Nats-Trace-Dest: tr.d; Other: one; Other: two; Äu<&>: é"\\ |
    """),
    Scenario("one event for each who gets it", PLAIN, """
        t SUB tr.> 1
        b SUB x.* 1
        b SUB x.> 2
        c SUB x.1 3
        c SUB x.* q 4
        a HPUB x.1 | Nats-Trace-Dest: tr.d | hi
        a HPUB x.1 rep | Nats-Trace-Dest: tr.d | hi
        a HPUB x.1 | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true | hi
        a HPUB x.1 rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true | hi
        a PUB x.1 | plain
    """),
    Scenario("one of a group", PLAIN, """
        t SUB tr.> 1
        b SUB x q 1
        b SUB x q 2
        b SUB x q 3
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true | hi
        c SUB > r 4
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true | hi
    """),
    Scenario("values of Nats-Trace-Only", PLAIN, f"""
        t SUB tr.> 1
        b SUB x 1
        {only(" 1", "1", " true", "true", "TRUE", " tRue ", " on", "ON", " yes", " 0", "0",
              " false", "", "  ", "2", " True1")}
        {published("Nats-Trace-Only: true", "Nats-Trace-Only: true; Nats-Trace-Dest: tr.d",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Only: false; Nats-Trace-Only: true",
                   "Nats-Trace-Dest: tr.d; nats-trace-only: true",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Only : true")}
    """),
    Scenario("forms of Nats-Trace-Dest", PLAIN, f"""
        t SUB tr.> 1
        b SUB x 1
        {published("nats-trace-dest: tr.d", "NATS-TRACE-DEST: tr.d", "Nats-Trace-Dest:tr.d",
                   "Nats-Trace-Dest:   tr.d  ", "Nats-Trace-Dest: tr.1; Nats-Trace-Dest: tr.2",
                   "Nats-Trace-Dest:; Nats-Trace-Dest: tr.2", "Nats-Trace-Dest : tr.d",
                   "X-Nats-Trace-Dest: tr.d", "Nats-Trace-Dest:", "Nats-Trace-Dest: trace disabled",
                   "Nats-Trace-Dest: trace disabled; Nats-Trace-Only: true",
                   "Nats-Trace-Dest:; Nats-Trace-Only: true")}
    """),
    Scenario("blocks that are no headers", PLAIN, f"""
        t SUB tr.> 1
        b SUB x 1
        {published("A; Nats-Trace-Dest: tr.d", ": v; Nats-Trace-Dest: tr.d")}
        {published(*(f"Nats-Trace-Dest: tr.d; {more}" for more in
                     ("A", ": v", "A:", "A :b", "A::b", "A: b c", "A B: c", "A; B: c")))}
    """),
    Scenario("destinations that are none", PLAIN, f"""
        t SUB tr.> 1
        b SUB x 1
        {published(*(f"Nats-Trace-Dest: {dest}" for dest in
                     ("tr.*", "tr.>", "a..b", "tr.two words", "tr.", ".tr", ">", "tr.é")))}
        {published(*(f"Nats-Trace-Dest: {dest}; Nats-Trace-Only: true" for dest in
                     ("tr.*", "a..b", "tr.two words", "tr.")))}
        {published("Nats-Trace-Dest: tr.*; Nats-Trace-Dest: tr.d")}
        {published("Nats-Trace-Dest: tr.*", "Nats-Trace-Dest: tr.*; Nats-Trace-Only: 1",
                   who="d", subject="no")}
    """),
    Scenario("destinations that are denied", PLAIN, f"""
        t SUB tr.> 1
        t SUB tdeny 2
        b SUB x 1
        {published("Nats-Trace-Dest: tdeny", "Nats-Trace-Dest: tdeny; Nats-Trace-Only: true",
                   "Nats-Trace-Dest: tr.d", who="d")}
        {published("Nats-Trace-Dest: tdeny", "Nats-Trace-Dest: tr.d",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1", who="d", subject="no")}
        d HPUB no rep | Nats-Trace-Dest: tr.d | hi
    """),
    Scenario("destinations that belong to servers", PLAIN, f"""
        b SUB x 1
        t SUB $SYS.x 2
        t SUB _R_.> 3
        t SUB _GR_.> 4
        t SUB $JS.API.INFO 5
        t SUB $GR.> 6
        {published(*(f"Nats-Trace-Dest: {dest}" for dest in
           ("_GR_.x", "_GR_.", "_GR_", "$NRG.x", "$NRG.", "$SYS.x", "_R_.x.y", "$GR.x",
            "$JS.API.INFO", "$JS.ACK.x")))}
        a HPUB x | Nats-Trace-Dest: _GR_.x; Nats-Trace-Only: 1 | hi
        s SUB $NRG.> 1
        s HPUB x | Nats-Trace-Dest: $NRG.x | hi
        s HPUB x | Nats-Trace-Dest: _GR_.x | hi
    """),
    Scenario("why it is not delivered", PLAIN, """
        t SUB tr.> 1
        e SUB w.> 1
        e SUB w.* q 2
        a HPUB w.no | Nats-Trace-Dest: tr.d | hi
        a HPUB w.yes | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        c2 OPEN {"echo": false}
        c2 SUB own 1
        c2 SUB own q 2
        c2 HPUB own | Nats-Trace-Dest: tr.d | hi
        c2 HPUB own rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        c2 SUB ow.> 7
        c2 HPUB ow.n | Nats-Trace-Dest: ow.n | hi
    """),
    Scenario("a subscription that ends", PLAIN, """
        t SUB tr.> 1
        b SUB x 1
        b UNSUB 1 2
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        a HPUB x | Nats-Trace-Dest: tr.d | hi
        a HPUB x | Nats-Trace-Dest: tr.d | hi
        a HPUB x | Nats-Trace-Dest: tr.d | hi
    """),
    Scenario("clients without headers", PLAIN, """
        t SUB tr.> 1
        b OPEN {"headers": false, "no_responders": false}
        b SUB x 1
        b SUB tr.> 2
        a HPUB x | Nats-Trace-Dest: tr.d | hi
        b SUB tr.e 3
        a HPUB x | Nats-Trace-Dest: tr.e; Accept-Encoding: deflate | hi
    """),
    Scenario("what they accept", PLAIN, f"""
        t SUB tr.> 1
        {published(*(f"Nats-Trace-Dest: tr.d; Accept-Encoding: {word}" for word in
           ("deflate", "identity", "", "br, zstd", "*")))}
        {published("Nats-Trace-Dest: tr.d; accept-encoding: deflate",
                   "Nats-Trace-Dest: tr.d; ACCEPT-ENCODING: x")}
    """),
    Scenario("what only servers say", PLAIN, f"""
        t SUB tr.> 1
        b SUB x 1
        {published("Nats-Trace-Dest: tr.d; Nats-Trace-Origin-Account: A",
                   "Nats-Trace-Origin-Account: A; Nats-Trace-Dest: tr.d; Nats-Trace-Only: true",
                   "Nats-Trace-Origin-Account: A",
                   "Nats-Trace-Origin-Account: A; Nats-Trace-Only: 1",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Origin-Account:",
                   "B: 1; Nats-Trace-Dest: tr.*; Nats-Trace-Origin-Account: A; C: 2",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Hop: 1",
                   "Nats-Trace-Dest: tr.d; Nats-Trace-Hop: 1.2",
                   "Nats-Trace-Hop: 1")}
    """),
    Scenario("verbose and pedantic", PLAIN, """
        t SUB tr.> 1
        a OPEN {"verbose": true, "pedantic": true}
        a HPUB x | Nats-Trace-Dest: tr.d | hi
        a HPUB x.* | Nats-Trace-Dest: tr.d | hi
        a HPUB x | Nats-Trace-Dest: tr.*; Nats-Trace-Only: 1 | hi
        a HPUB x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        a HPUB x | Nats-Trace-Dest: _GR_.d | hi
        d OPEN {"verbose": true}
        d HPUB no | Nats-Trace-Dest: tr.d | hi
        a HPUB x $JS.ACK.S.x | Nats-Trace-Dest: tr.d | hi
        a HPUB x _R_.a.b | Nats-Trace-Dest: tr.d | hi
    """),
    Scenario("mapped subjects in a trace", MAPPED, """
        t SUB tr.> 1
        t SUB mapped.* 2
        t SUB w.> 3
        a HPUB m.x | Nats-Trace-Dest: tr.d | hi
        a HPUB same | Nats-Trace-Dest: tr.d | hi
        a HPUB lost | Nats-Trace-Dest: tr.d | hi
        a HPUB w | Nats-Trace-Dest: tr.d | hi
        a HPUB twice | Nats-Trace-Dest: tr.d | hi
        a HPUB m.x | Nats-Trace-Dest: tr.d; Nats-Trace-Only: 1 | hi
        d HPUB m.no | Nats-Trace-Dest: tr.d | hi
        a SUB rep 9
        a HPUB lost rep | Nats-Trace-Dest: tr.d | hi
        a HPUB m.none rep | Nats-Trace-Dest: tr.d | hi
        a HPUB x | Nats-Trace-Dest: m.tr | hi
        a HPUB none | Nats-Trace-Dest: tr.d | hi
    """),
    Scenario("traceparent", PARENTS, f"""
        t SUB tr.> 1
        t SUB x 2
        {published(*(f"traceparent: {value}" for value in
           ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-y-z-01", "a-b-c-03",
            "a-b-c-00", "a-b-c-02", "a-b-c-1", "a-b-c-ff", "a-b-c-7f", "a-b-c-81", "a-b-c-+1",
            "a-b-c--1", "a-b-c-zz", "a-b-c-0x", "a-b-c-1_", "a-b-01", "a-b-c-d-01", "---01", "",
            "a-b-c-01 ", "01")))}
        {published(*(f"{name}: a-b-c-01" for name in
           ("Traceparent", "TRACEPARENT", "traceParent", "trace-parent", "xtraceparent",
            "traceparent2")))}
        {published("traceparent:a-b-c-01", "traceparent: a-b-c-01; Nats-Trace-Only: true",
                   "traceparent: a-b-c-01; Nats-Trace-Dest: tr.own",
                   "traceparent: a-b-c-01; Nats-Trace-Dest: tr.*",
                   "traceparent: a-b-c-01; Nats-Trace-Dest: trace disabled",
                   "traceparent: a-b-c-01; Nats-Trace-Dest:",
                   "traceparent: a-b-c-01; Nats-Trace-Origin-Account: A",
                   "traceparent: a-b-c-00; Nats-Trace-Dest: tr.own",
                   "traceparent: a-b-c-00; traceparent: a-b-c-01",
                   "traceparent: a-b-c-01; Traceparent: a-b-c-00",
                   "Traceparent: a-b-c-00; traceparent: a-b-c-01; z: 1",
                   "TraceParent: a-b-c-01; Accept-Encoding: x",
                   "A; traceparent: a-b-c-01")}
    """),
    Scenario("msg_trace changes with a reload", PARENTS, """
        t SUB > 1
        a HPUB x | traceparent: a-b-c-01 | one
        reload elsewhere
        a HPUB x | traceparent: a-b-c-01 | two
        reload nowhere
        a HPUB x | traceparent: a-b-c-01 | three
        a HPUB x | traceparent: a-b-c-01; Nats-Trace-Dest: tr.d | three
        reload again
        a HPUB x | traceparent: a-b-c-01 | four
    """, {
        "elsewhere": PARENTS.replace("tr.p", "tr.q"),
        "nowhere": PARENTS.replace(', msg_trace: {dest: "tr.p"}', ""),
        "again": PARENTS,
    }),
    Scenario("traceparent without msg_trace", PARENTS, f"""
        b SUB > 1
        {published("traceparent: a-b-c-01", "traceparent: a-b-c-01; Nats-Trace-Only: true",
                   who="b")}
    """),
]  # fmt: skip
