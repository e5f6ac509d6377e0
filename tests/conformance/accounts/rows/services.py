"""Service imports."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

BASIC = f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{service: "svc.*"}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "svc.*"}}, to: "my.svc.$1"}}] }}
}}
"""
SHARED = BASIC.replace('to: "my.svc.$1"', 'to: "my.svc.$1", share: true')
WITHOUT = BASIC.replace('{service: {account: A, subject: "svc.*"}, to: "my.svc.$1"}', "")
CHAIN = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "svc.*"}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "svc.*"}}, to: "bs.*"}}]
    exports = [{{service: "bs.*"}}] }}
  C {{ {users("c")}
    imports = [{{service: {{account: B, subject: "bs.*"}}, to: "cs.*"}}] }}
}}
"""
LONG = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "s"}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "s"}}, to: "t"}}]
    exports = [{{service: "t"}}] }}
  C {{ {users("c")}
    imports = [{{service: {{account: B, subject: "t"}}, to: "u", share: true}}]
    exports = [{{service: "u"}}] }}
  D {{ {users("d")}
    imports = [{{service: {{account: C, subject: "u"}}, to: "v"}}] }}
}}
"""
TWO = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "q.a"}}] }}
  D {{ {users("d")}
    exports = [{{service: "q.d"}}] }}
  B {{ {users("b")}
    imports = [
      {{service: {{account: A, subject: "q.a"}}, to: q}}
      {{service: {{account: D, subject: "q.d"}}, to: q}}
    ] }}
}}
"""


def responding(kind: str) -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: s, response: {kind}, threshold: "500ms"}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: s}}}}] }}
}}
"""


ALLOWED = f"""
accounts {{
  A {{
    users = [
      {{user: a, password: a, permissions: {{subscribe: s, publish: nothing}}}}
      {{user: x, password: x, permissions: {{subscribe: s, allow_responses: {{max: 1}}}}}}
    ]
    exports = [{{service: s}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: s}}}}] }}
}}
"""
LOCAL = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "svc.*"}}] }}
  B {{
    users = [{{user: b, password: b, permissions: {{publish: "loc.1", subscribe: ">"}}}}]
    imports = [
      {{service: {{account: A, subject: "svc.*"}}, to: "loc.*"}}
      {{service: {{account: A, subject: "svc.1"}}}}
    ] }}
}}
"""
TURNED = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "v.*.*.*"}}, {{service: "w.>"}}, {{service: "x.*.*"}}] }}
  B {{ {users("b")}
    imports = [
      {{service: {{account: A, subject: "v.*.*.*"}}, to: "vv.$3.$1.$2"}}
      {{service: {{account: A, subject: "w.>"}}, to: "ww.>"}}
      {{service: {{account: A, subject: "x.*.*"}}, to: "y.$1.$1"}}
    ] }}
}}
"""
TOKEN = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "tk.*", account_token_position: 2}}] }}
  U {{ {users("u")}
    imports = [{{service: {{account: A, subject: "tk.U"}}, to: tk}}] }}
}}
"""
GAP = f"""
accounts {{
  A {{ {users("a")}
    imports = [{{service: {{account: B, subject: "q.>"}}}}] }}
  B {{ {users("b")}
    exports = [{{service: "q.>"}}, {{stream: "q.>"}}] }}
  C {{ {users("c")}
    imports = [{{stream: {{account: B, subject: "q.>"}}}}] }}
}}
"""
LAST = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: "s.>"}}, {{service: "s.>", response: stream}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "s.x"}}}}] }}
}}
"""
ROWS = [
    Scenario("a request and its answer", BASIC, """
        a SUB svc.* 1
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        a REPLY | answer
        a REPLY | too late
        b PUB my.svc.z in.2 | ask
        a HREPLY | A: 1 | answer
        b PUB svc.z in.3 | nobody
        """),
    Scenario("headers of a request", BASIC, """
        a SUB svc.* 1
        b HPUB my.svc.z in.1 | A: 1; B: 2 | ask
        b HPUB my.svc.z in.1 | A: 1; Nats-Request-Info: {"acc":"F"}; B: 2 | forged
        b HPUB my.svc.z | nats-request-info: x | small letters
        b PUB my.svc.z |
        """),
    Scenario("a responder without headers", BASIC, """
        a OPEN {"headers": false}
        a SUB svc.* 1
        b PUB my.svc.z in.1 | ask
        """),
    Scenario("who asks is shared", SHARED, """
        a SUB svc.* 1
        b PUB my.svc.z in.1 | ask
        b2 OPEN {"name": "", "lang": "", "version": ""}
        b2 HPUB my.svc.z in.1 | Nats-Request-Info: forged | ask
        b PUB my.svc.z | no reply
        """),
    Scenario("nobody answers", BASIC, """
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        b2 OPEN {"no_responders": false}
        b2 SUB in.> 1
        b2 PUB my.svc.z in.2 | ask
        b PUB my.svc.z | without a reply
        """),
    Scenario("a chain of services", CHAIN, """
        a SUB svc.* 1
        c SUB in.> 1
        c PUB cs.z in.1 | ask
        a REPLY | answer
        b SUB bs.* 1
        c PUB cs.z in.2 | ask both
        b REPLY | b answers
        a REPLY | a is late
        a UNSUB 1
        b UNSUB 1
        c PUB cs.z in.3 | nobody
        """),
    Scenario("a long chain of services", LONG, """
        a SUB s 1
        d SUB in.> 1
        d PUB v in.1 | ask
        a REPLY | answer
        c SUB in.> 1
        c PUB u in.2 | ask
        a REPLY | answer
        """),
    Scenario("two exporters of one local subject", TWO, """
        b SUB in.> 1
        b PUB q in.0 | nobody
        a SUB q.a 1
        b PUB q in.1 | one
        a REPLY | from a
        d SUB q.d 1
        b PUB q in.2 | both
        a REPLY | from a
        d REPLY | from d
        """),
    Scenario("two groups of responders answer one request", BASIC, """
        a SUB svc.* g1 1
        x SUB svc.* g2 1
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        x REPLY | first
        a REPLY | second
        """),
    Scenario("a stream of answers", responding("stream"), """
        a SUB s 1
        b SUB in.> 1
        b PUB s in.1 | ask
        a REPLY | 1
        a HREPLY | Status: 100 |
        a REPLY | 2
        a REPLY |
        a REPLY | after the end
        """),
    Scenario("chunked answers", responding("chunked"), """
        a SUB s 1
        b SUB in.> 1
        b PUB s in.1 | ask
        a REPLY | 1
        a REPLY | 2
        a REPLY |
        a REPLY | after the end
        """),
    Scenario("answers that keep a stream alive", responding("stream"), """
        a SUB s 1
        b SUB in.> 1
        b PUB s in.1 | ask
        wait 0.3
        a REPLY | 1
        wait 0.3
        a REPLY | 2
        wait 1
        a REPLY | late
        """),
    Scenario("an answer that is late", responding("singleton"), """
        a SUB s 1
        b SUB in.> 1
        b PUB s in.1 | ask
        wait 1
        a REPLY | late
        """),
    Scenario("an answer with a reply subject", BASIC, """
        a SUB svc.* 1
        a SUB back 2
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        a PUB nothing | x
        """),
    Scenario("permissions of responders", ALLOWED, """
        a SUB s 1
        b SUB in.> 1
        b PUB s in.1 | ask
        a REPLY | denied
        a UNSUB 1
        x SUB s 1
        b PUB s in.2 | ask
        x REPLY | allowed
        x REPLY | denied
        """),
    Scenario("permissions of requesters", LOCAL, """
        a SUB svc.* 1
        b PUB loc.1 in | allowed
        b PUB svc.1 in | denied
        b PUB loc.2 in | denied
        """),
    Scenario("answers are there for colleagues", BASIC, """
        x SUB _R_.> 1
        a SUB svc.* 1
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        a REPLY | answer
        a PUB _R_.aaaaaa.bbbbbb | made up
        b PUB _R_.aaaaaa.bbbbbb | made up
        """),
    Scenario("a local subscriber has the request, too", BASIC, """
        b2 SUB my.svc.> 1
        a SUB svc.* 1
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        b2 PUB in.1 | local answer
        a REPLY | answer
        a PUB my.svc.z | no import
        """),
    Scenario("tokens in another order", TURNED, """
        a SUB > 1
        b PUB vv.1.2.3 in | ask
        b PUB ww.1.2.3 in | ask
        b PUB y.1.2 in | ask
        """),
    Scenario("a token that is the importer", TOKEN, """
        a SUB tk.* 1
        u SUB in 1
        u PUB tk in | ask
        a REPLY | answer
        """),
    Scenario("a service is no source of stream imports", GAP, """
        c SUB q.> 1
        a SUB in 1
        a PUB q.x in | nobody
        b SUB q.> 1
        a PUB q.x in | b alone
        b PUB q.x | all
        """),
    Scenario("a service that is exported twice", LAST, """
        a SUB s.> 1
        b SUB in 1
        b PUB s.x in | ask
        a REPLY | 1
        a REPLY | 2
        """),
    Scenario("services that go, come back and are told more", BASIC, """
        a SUB svc.* 1
        b SUB in.> 1
        reload without
        b PUB my.svc.z in.1 | nobody
        reload with
        b PUB my.svc.z in.2 | ask
        reload shared
        b PUB my.svc.z in.3 | ask
        reload renamed
        b PUB my.svc.z in.4 | nobody
        b PUB other.z in.5 | ask
        a REPLY | answer
        """,
        {"without": WITHOUT,
         "with": BASIC, "shared": SHARED, "renamed": BASIC.replace("my.svc.$1", "other.$1")}),
    Scenario("a request is under way when its import goes", BASIC, """
        a SUB svc.* 1
        b SUB in.> 1
        b PUB my.svc.z in.1 | ask
        reload without
        a REPLY | late
        """,
        {"without": WITHOUT}),
]  # fmt: skip
