"""Traces of messages that cross accounts."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def service(export: str = "", imported: str = "", exporter: str = "") -> str:
    return f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{service: "svc.*" {export}}}]
    {exporter} }}
  B {{ users = [
      {{user: b, password: b}}, {{user: t, password: t}}
      {{user: d, password: d, permissions: {{publish: {{deny: tdeny}}}}}} ]
    imports = [{{service: {{account: A, subject: "svc.*"}}, to: "b.*" {imported}}}] }}
}}
"""


def chain(inner: str = "", outer: str = "") -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "svc" {inner}}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "svc"}}, to: bsvc}}]
    exports = [{{service: "bsvc" {outer}}}] }}
  C {{ {users("c", "t")}
    imports = [{{service: {{account: B, subject: "bsvc"}}, to: csvc}}] }}
}}
"""


def stream(imported: str = "", importer: str = "") -> str:
    return f"""
accounts {{
  A {{ {users("a", "t")}
    exports = [{{stream: "ev.>"}}, {{stream: "pl.>"}}] }}
  B {{ users = [
      {{user: b, password: b}}
      {{user: d, password: d, permissions: {{subscribe: {{deny: "bp.ev.no"}}}}}} ]
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: bp {imported}}}
      {{stream: {{account: A, subject: "pl.>"}} {imported}}}
    ]
    {importer} }}
}}
"""


ALLOWED = ", allow_trace: true"
PARENTS = (
    service(ALLOWED)
    .replace("  B {", '  B { msg_trace: "tr.p",')
    .replace("  A {", '  A { msg_trace: "ta.p",')
)
TRACED = "Nats-Trace-Dest: tr.d"
ONLY = "Nats-Trace-Dest: tr.d; Nats-Trace-Only: true"

MAPPINGS = 'mappings = {"svc.x": "svc.y", "svc.m": "other", "svc.l": [{dest: x, weight: 0}]}'
REQUESTS = f"""
    t SUB tr.> 1
    a SUB svc.> 1
    b SUB inbox 1
    b HPUB b.x inbox | A: 1; {TRACED}; B: 2 | hi
    a REPLY | answer
    b HPUB b.x | {TRACED} | hi
    b HPUB b.x inbox | {ONLY} | hi
    b HPUB b.x | {ONLY}; A: 1 | hi
    a UNSUB 1
    b HPUB b.x inbox | {TRACED} | hi
    b HPUB b.x inbox | {ONLY} | hi
    b HPUB b.x | {TRACED} | hi
"""

ROWS = [
    Scenario("a private destination", service(ALLOWED), f"""
        t SUB tr.> 1
        a SUB svc.> 1
        b HPUB b.x inbox | {TRACED} | hi
        a PUB _R_.acc0.req2 | one
        a PUB _R_.acc0.req2 | two
        a HPUB svc.y | Nats-Trace-Dest: _R_.acc0.req2 | hi
        a HPUB other | Nats-Trace-Dest: _R_.acc0.req2 | hi
        a PUB _R_.acc0.req2 |
        a PUB _R_.acc0.req2 | three
        b HPUB b.x inbox | Nats-Trace-Dest: tr.1; A: 1; Nats-Trace-Dest: tr.2 | hi
        b HPUB b.x inbox | Nats-Trace-Dest:\ttr.1\t | hi
        x SUB tr.> 3
        b HPUB b.x inbox | {TRACED}; Accept-Encoding: x | hi
    """),
    Scenario("a service that allows no trace", service(), REQUESTS),
    Scenario("a service that allows traces", service(ALLOWED), REQUESTS),
    Scenario("a shared service that allows traces", service(ALLOWED, ", share: true"), REQUESTS),
    Scenario("a traced request to a mapped service",
             service(ALLOWED, exporter=MAPPINGS),
             REQUESTS + f"""
        b HPUB b.m | {TRACED} | hi
        b HPUB b.l | {TRACED} | hi
        b HPUB b.l inbox | {TRACED} | hi
    """),
    Scenario("a denied destination through a service", service(), """
        t SUB tdeny 1
        a SUB svc.> 1
        d HPUB b.x | Nats-Trace-Dest: tdeny | hi
        d HPUB b.x | Nats-Trace-Dest: tdeny; Nats-Trace-Only: true | hi
    """),
    Scenario("a denied destination through a service that allows traces", service(ALLOWED), """
        t SUB tdeny 1
        a SUB svc.> 1
        d HPUB b.x | Nats-Trace-Dest: tdeny | hi
    """),
    Scenario("a group of services in a trace", service(ALLOWED), f"""
        t SUB tr.> 1
        a SUB svc.* q 1
        a SUB svc.* q 2
        x SUB svc.x 3
        b HPUB b.x inbox | {ONLY} | hi
        b SUB b.* 4
        b HPUB b.x inbox | {ONLY} | hi
    """),
    Scenario("a traced answer", service(ALLOWED), f"""
        t SUB tr.> 1
        x SUB tr.> 1
        a SUB svc.> 1
        b SUB inbox 1
        b PUB b.x inbox | hi
        a HREPLY | {TRACED} | answer
        b PUB b.x inbox | hi
        a HREPLY | {ONLY} | answer
        a REPLY | answer
    """),
    Scenario("a traced answer that is not allowed", service(), f"""
        t SUB tr.> 1
        x SUB tr.> 1
        a SUB svc.> 1
        b SUB inbox 1
        b PUB b.x inbox | hi
        a HREPLY | {TRACED} | answer
    """),
    *(
        Scenario(f"a trace through two services, {name}", chain(*allowed), f"""
        t SUB tr.> 1
        a SUB svc 1
        b SUB bsvc 2
        c SUB inbox 3
        c HPUB csvc inbox | {TRACED} | hi
        c HPUB csvc inbox | {ONLY} | hi
        b HPUB bsvc inbox | {TRACED} | hi
    """)
        for name, allowed in (
            ("neither", ()), ("both", (ALLOWED, ALLOWED)), ("the last", (ALLOWED,)),
            ("the first", ("", ALLOWED)),
        )
    ),
    Scenario("traceparent across services", PARENTS, """
        t SUB tr.> 1
        a SUB svc.> 1
        x SUB ta.> 1
        b HPUB b.x inbox | traceparent: a-b-c-01 | hi
        a HREPLY | traceparent: a-b-c-01 | answer
    """),
    Scenario("traceparent across services that allow none", PARENTS.replace(ALLOWED, ""), """
        t SUB tr.> 1
        a SUB svc.> 1
        x SUB ta.> 1
        b HPUB b.x inbox | traceparent: a-b-c-01 | hi
    """),
    *(
        Scenario(f"a trace of a stream {name}", stream(allowed), f"""
        t SUB tr.> 1
        b SUB bp.> 1
        a HPUB ev.u | {TRACED} | hi
        a HPUB ev.u | {ONLY} | hi
        b SUB pl.> 2
        a HPUB pl.u | {TRACED} | hi
        a HPUB pl.u | {ONLY} | hi
        a SUB ev.* 3
        a HPUB ev.u | {TRACED} | hi
        b UNSUB 1
        d SUB bp.> 4
        a HPUB ev.no | {TRACED} | hi
        b SUB tr.> 5
        b SUB bp.ev.* q 6
        a HPUB ev.q | {TRACED} | hi
    """)
        for name, allowed in (("that allows none", ""), ("that allows it", ALLOWED))
    ),
    *(
        Scenario(f"a trace of a stream {name}, in groups", stream(allowed), f"""
        t SUB tr.> 1
        b SUB pl.x q 1
        a HPUB pl.x | {TRACED} | hi
        a HPUB pl.x | {ONLY} | hi
    """)
        for name, allowed in (("that allows none", ""), ("that allows it", ALLOWED))
    ),
]  # fmt: skip
