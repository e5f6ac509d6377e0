"""Stream imports."""

from __future__ import annotations

from tests.support.stage import Scenario


def users(*names: str) -> str:
    return "users = [" + ", ".join(f"{{user: {n}, password: {n}}}" for n in names) + "]"


BASIC = f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{stream: "ev.>"}}, {{stream: "ev2.*.*"}}] }}
  B {{ {users("b")}
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
      {{stream: {{account: A, subject: "ev2.*.*"}}, to: "r.$2.$1"}}
    ] }}
}}
"""
TWICE = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}] }}
  B {{ {users("b")}
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
      {{stream: {{account: A, subject: "ev.x.*"}}}}
    ] }}
}}
"""
CHAIN = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}] }}
  B {{ {users("b")}
    exports = [{{stream: "imp.ev.>"}}]
    imports = [{{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}] }}
  C {{ {users("c")}
    imports = [{{stream: {{account: B, subject: "imp.ev.>"}}, prefix: cc}}] }}
}}
"""
GUARDED = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}, {{stream: "pl.>"}}] }}
  B {{
    users = [{{user: b, password: b, permissions: {{subscribe: {{deny: ["pre.ev.no", "pl.no"]}}}}}}]
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: pre}}
      {{stream: {{account: A, subject: "pl.>"}}}}
    ] }}
}}
"""
OWN = f"""
accounts {{
  OWN {{ {users("o")}
    exports = [{{stream: "es.*"}}, {{service: q}}]
    imports = [
      {{stream: {{account: OWN, subject: "es.*"}}, to: "et.$1"}}
      {{service: {{account: OWN, subject: q}}, to: r}}
    ] }}
}}
"""
BOTH = f"""
accounts {{
  X {{ {users("x")}
    exports = [{{service: both}}, {{stream: both}}] }}
  B {{ {users("b")}
    imports = [
      {{service: {{account: X, subject: both}}}}
      {{stream: {{account: X, subject: both}}}}
    ] }}
}}
"""
PUBLIC = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "p.>", accounts: []}}, {{stream: "t.*.>", account_token_position: 2}}] }}
  B {{ {users("b")}
    imports = [
      {{stream: {{account: A, subject: "p.>"}}}}
      {{stream: {{account: A, subject: "t.B.>"}}}}
    ] }}
}}
"""
WHOLE = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: ">"}}] }}
  B {{ {users("b")}
    imports = [{{stream: {{account: A, subject: ">"}}, prefix: from.a}}] }}
  C {{ {users("c")}
    imports = [{{stream: {{account: A, subject: "one.two"}}, to: three}}] }}
}}
"""
ROWS = [
    Scenario("stream behind a prefix", BASIC, """
        b SUB imp.> 1
        a PUB ev.x.y rep.ly | hi
        a PUB ev.x.y | hi
        a PUB ev | no
        a HPUB ev.h | A: 1 | hi
        b PUB imp.ev.own | mine
        """),
    Scenario("stream under another order of tokens", BASIC, """
        b SUB r.> 1
        b SUB r.*.1 2
        b SUB r.2.* 3
        b SUB r.1.2 4
        a PUB ev2.1.2 | 12
        a PUB ev2.2.1 | 21
        a PUB ev2.1.3 | 13
        """),
    Scenario("everything and its local names", BASIC, """
        b SUB > 1
        a PUB ev.x | hi
        a PUB ev2.1.2 | hi
        a PUB other | no
        b UNSUB 1
        a PUB ev.x | no
        """),
    Scenario("overlapping imports deliver twice", TWICE, """
        b SUB > 1
        a PUB ev.x.y | hi
        a PUB ev.z | hi
        """),
    Scenario("queue groups are one across accounts", BASIC, """
        x SUB ev.q g 1
        b SUB imp.ev.q g 1
        b UNSUB 1
        a PUB ev.q | to x
        x UNSUB 1
        b SUB imp.ev.q g 2
        a PUB ev.q | to b
        """),
    Scenario("stream imports do not chain", CHAIN, """
        c SUB cc.> 1
        b SUB imp.> 1
        a PUB ev.z | only b
        b PUB imp.ev.z | both
        """),
    Scenario("unsubscribing after some messages", BASIC, """
        b SUB imp.ev.m 1
        b UNSUB 1 2
        a PUB ev.m | 1
        a PUB ev.m | 2
        """),
    Scenario("permissions are of local names", GUARDED, """
        b SUB pre.ev.no 1
        b SUB pre.ev.* 2
        b SUB pl.no 3
        b SUB pl.> 4
        a PUB ev.no | no
        a PUB ev.yes | yes
        a PUB pl.no | no
        a PUB pl.yes | yes
        """),
    Scenario("an account imports of itself", OWN, """
        o SUB es.* 1
        o SUB et.* 2
        o SUB q 3
        o SUB in 4
        o PUB es.1 | hi
        o PUB et.1 | hi
        o PUB r in | ask
        o REPLY | answer
        """),
    Scenario("no echo concerns the same connection", BASIC, """
        a OPEN {"echo": false}
        b SUB imp.> 1
        a SUB ev.> 1
        a PUB ev.x | hi
        """),
    Scenario("service and stream of one subject", BOTH, """
        x SUB both 1
        b SUB both 1
        b PUB both | from b
        x PUB both | from x
        """),
    Scenario("public by an empty list, and by token", PUBLIC, """
        b SUB > 1
        a PUB p.x | hi
        a PUB t.B.x | hi
        a PUB t.C.x | no
        """),
    Scenario("all subjects of another account", WHOLE, """
        b SUB > 1
        c SUB > 1
        c SUB three 2
        a PUB one.two | hi
        a PUB one | hi
        a PUB one.two | again
        a PUB one.two | again
        """),
    Scenario("clients come and go", BASIC, """
        b SUB imp.> 1
        b2 SUB imp.ev.x 1
        a PUB ev.x | two
        b CLOSE
        a PUB ev.x | one
        b SUB imp.ev.* 7
        a PUB ev.x | two
        """),
    Scenario("wildcards that are tokens of the subject", BASIC, """
        b SUB imp.ev.* 1
        b SUB imp.*.x 2
        b SUB *.ev.x 3
        b SUB imp.ev.x.> 4
        a PUB ev.x | hi
        a PUB ev.x.y | hi
        """),
    Scenario("imports that go and come back", BASIC, """
        b SUB imp.> 1
        a PUB ev.x | 1
        reload without
        a PUB ev.x | 2
        reload with
        a PUB ev.x | 3
        reload renamed
        a PUB ev.x | 4
        b SUB new.> 2
        a PUB ev.x | 5
        """,
        {"without": BASIC.replace("{stream: {account: A, subject: \"ev.>\"}, prefix: imp}", ""),
         "with": BASIC, "renamed": BASIC.replace("prefix: imp", "prefix: new")}),
]  # fmt: skip
