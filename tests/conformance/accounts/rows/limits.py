"""Limits and permissions of accounts that share."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def limited(limits: str, more: str = "") -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}, {{service: s}}] }}
  B {{ {users("b")}
    limits = {{{limits}}}
    {more}
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
      {{service: {{account: A, subject: s}}}}
    ] }}
}}
"""


def permitted(permissions: str) -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}, {{service: "s.*"}}] }}
  B {{
    users = [{{user: b, password: b, permissions: {{{permissions}}}}}, {{user: f, password: f}}]
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
      {{service: {{account: A, subject: "s.*"}}, to: "t.*"}}
    ] }}
}}
"""


ROWS = [
    Scenario("as many subscriptions as the importer may have", limited("max_subscriptions: 2"), """
        b SUB imp.> 1
        b SUB > 2
        b SUB imp.ev.x 3
        a PUB ev.x | to two
        b UNSUB 2
        b SUB imp.ev.x 3
        a PUB ev.x | to two
        """),
    Scenario("messages of others may be larger than one's own", limited("max_payload: 10"), """
        b SUB imp.> 1
        a PUB ev.x | a message that is longer than ten bytes
        b PUB s in | small
        b PUB s in | a request that is longer than ten bytes
        """),
    Scenario("as many connections as the importer may have", limited("max_connections: 1"), """
        b SUB imp.> 1
        a PUB ev.x | one
        b CLOSE
        b2 SUB imp.> 1
        a PUB ev.x | one
        """),
    Scenario("permissions of the account's users who have none", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "ev.>"}}, {{service: "s.*"}}] }}
          B {{ {users("b")}
            default_permissions: {{publish: "t.yes", subscribe: ["imp.ev.yes", in]}}
            imports = [
              {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
              {{service: {{account: A, subject: "s.*"}}, to: "t.*"}}
            ] }}
        }}
        """, """
        a SUB s.* 1
        b SUB imp.ev.yes 1
        b SUB imp.ev.no 2
        b SUB in 3
        a PUB ev.yes | yes
        a PUB ev.no | no
        b PUB t.yes in | yes
        b PUB t.no in | no
        a REPLY | answer
        """),
    Scenario("what may be subscribed is a local name", permitted('subscribe: "imp.ev.a"'), """
        b SUB ev.a 1
        b SUB imp.ev.a 2
        b SUB imp.ev.* 3
        b SUB imp.> 4
        a PUB ev.a | a
        a PUB ev.b | b
        """),
    Scenario("what may not be subscribed is a local name",
        permitted('subscribe: {allow: ">", deny: "imp.ev.b"}'), """
        b SUB imp.> 1
        b SUB > 2
        b SUB imp.ev.b 3
        b SUB ev.> 4
        a PUB ev.a | a
        a PUB ev.b | b
        """),
    Scenario("a denial with wildcards", permitted('subscribe: {deny: "imp.*.b"}'), """
        b SUB imp.> 1
        b SUB imp.ev.b 2
        b SUB imp.ev.* 3
        a PUB ev.a | a
        a PUB ev.b | b
        a PUB ev.b.c | c
        """),
    Scenario("one user may, another may not", permitted('subscribe: {deny: "imp.>"}'), """
        b SUB imp.> 1
        b SUB > 2
        f SUB imp.> 1
        a PUB ev.a | to f
        """),
    Scenario("what may be requested is a local name", permitted('publish: "t.a"'), """
        a SUB s.* 1
        b PUB t.a in | yes
        b PUB t.b in | no
        b PUB s.a in | no
        f PUB t.b in | yes
        """),
    Scenario("what may not be requested is a local name", permitted('publish: {deny: "t.b"}'), """
        a SUB s.* 1
        b PUB t.a in | yes
        b PUB t.b in | no
        b PUB s.b in | nobody here
        """),
    Scenario("permissions of the exporter's clients do not concern importers", f"""
        accounts {{
          A {{
            users = [{{user: a, password: a, permissions: {{publish: "ev.a", subscribe: "s.a"}}}}]
            exports = [{{stream: "ev.>"}}, {{service: "s.*"}}] }}
          B {{ {users("b")}
            imports = [
              {{stream: {{account: A, subject: "ev.>"}}}}
              {{service: {{account: A, subject: "s.*"}}}}
            ] }}
        }}
        """, """
        a SUB s.a 1
        a SUB s.b 2
        b SUB ev.> 1
        a PUB ev.a | yes
        a PUB ev.b | no
        b PUB s.a in | yes
        b PUB s.b in | nobody
        """),
    Scenario("an account with names that look alike", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "t.*.>", account_token_position: 2}}] }}
          B {{ {users("b")}
            imports = [{{stream: {{account: A, subject: "t.B.>"}}, to: "mine.>"}}] }}
          BB {{ {users("c")}
            imports = [{{stream: {{account: A, subject: "t.BB.x"}}, to: mine}}] }}
        }}
        """, """
        b SUB > 1
        c SUB > 1
        a PUB t.B.x | b
        a PUB t.BB.x | c
        a PUB t.BB.y | nobody
        a PUB t.b.x | nobody
        """),
    Scenario("a service by token for two", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: "tk.*.do", account_token_position: 2}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: "tk.B.do"}}, to: do}}] }}
          C {{ {users("c")}
            imports = [{{service: {{account: A, subject: "tk.C.do"}}, to: do}}] }}
        }}
        """, """
        a SUB tk.*.do 1
        b SUB in 1
        c SUB in 1
        b PUB do in | of B
        a REPLY | to B
        c PUB do in | of C
        a REPLY | to C
        c PUB tk.B.do in | not possible
        """),
    Scenario("a system account that exports what it is told", f"""
        system_account: S
        accounts {{
          S {{ {users("s")}
            exports = [{{stream: "news.>"}}, {{service: ask}}] }}
          B {{ {users("b")}
            imports = [
              {{stream: {{account: S, subject: "news.>"}}}}
              {{service: {{account: S, subject: ask}}}}
            ] }}
        }}
        """, """
        s SUB ask 1
        b SUB news.> 1
        b SUB in 2
        s PUB news.x | hi
        b PUB ask in | ask
        s REPLY | answer
        """),
]  # fmt: skip
