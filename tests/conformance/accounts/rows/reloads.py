"""Accounts that share differently after a reload, under the hands of their clients."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def config(
    exports: str = '{stream: "ev.>"}, {service: "s.*"}',
    imports: str = (
        '{stream: {account: A, subject: "ev.>"}}, {service: {account: A, subject: "s.*"}}'
    ),
    a: str = "", b: str = "", c: str = "",
) -> str:  # fmt: skip
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{exports}]
    {a} }}
  B {{ {users("b")}
    imports = [{imports}]
    {b} }}
  {c}
}}
"""


BEFORE = config()
STREAM = '{stream: {account: A, subject: "ev.>"}}'
SERVICE = '{service: {account: A, subject: "s.*"}}'
ROWS = [
    Scenario("an export that is still imported can not go", BEFORE, """
        a SUB s.* 1
        b SUB ev.> 1
        refused without
        a PUB ev.x | still
        b PUB s.x in | still
        refused private
        a PUB ev.x | still
        """, {"without": config(exports="{stream: other}"),
              "private": config(exports='{stream: "ev.>", accounts: [A]}, {service: "s.*"}')}),
    Scenario("an export and its import go together, and come back", BEFORE, """
        a SUB s.* 1
        b SUB ev.> 1
        b SUB in 2
        reload without
        a PUB ev.x | nobody
        b PUB s.x in | nobody
        reload with
        a PUB ev.x | b
        b PUB s.x in | a
        """, {"without": config(exports="", imports=""), "with": BEFORE}),
    Scenario("an account comes, and hears", BEFORE, """
        a SUB s.* 1
        reload more
        c SUB ev.> 1
        a PUB ev.x | to C
        """, {"more": config(c=f"C {{ {users('c')}\n imports = [{STREAM}] }}")}),
    Scenario("a user moves to another account", config(a="", c=f"C {{ {users('c', 'd')} }}"), """
        c SUB ev.> 1
        d SUB ev.> 1
        reload moved
        a PUB ev.x | nobody
        d2 SUB ev.> 1
        a PUB ev.x | to d, who is in B now
        """, {"moved": config(c=f"C {{ {users('c')} }}").replace("{user: b, password: b}",
                                                "{user: b, password: b}, {user: d, password: d}")}),
    Scenario("streams that are taken under other names", BEFORE, """
        b SUB ev.> 1
        b SUB p.> 2
        a PUB ev.1 | plain
        reload prefix
        a PUB ev.2 | prefix
        reload to
        a PUB ev.3 | to
        reload part
        a PUB ev.4 | not this
        a PUB ev.5 | this
        """, {"prefix": config(imports='{stream: {account: A, subject: "ev.>"}, prefix: p}'),
              "to": config(imports='{stream: {account: A, subject: "ev.>"}, to: "p.q.>"}'),
              "part": config(imports='{stream: {account: A, subject: "ev.5"}, to: "p.five"}')}),
    Scenario("services that are asked under other names", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | plain
        reload to
        b PUB s.2 in | nobody
        b PUB t.2 in | to
        a REPLY | answer
        reload part
        b PUB t.3 in | nobody
        b PUB five in | part
        """, {"to": config(imports='{service: {account: A, subject: "s.*"}, to: "t.*"}'),
              "part": config(imports="{service: {account: A, subject: s.5}, to: five}")}),
    Scenario("another account is asked",
    config(c=f"C {{ {users('c')}\n exports = [{{service: \"s.*\"}}] }}"), """
        a SUB s.* 1
        c SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask A
        reload other
        b PUB s.1 in | ask C
        c REPLY | answer
        """, {"other": config(imports='{service: {account: C, subject: "s.*"}}',
                              c=f"C {{ {users('c')}\n exports = [{{service: \"s.*\"}}] }}")}),
    Scenario("a service that shares, and does not any more", BEFORE, """
        a SUB s.* 1
        b PUB s.1 in | plain
        reload shared
        b PUB s.1 in | shared
        reload plain
        b PUB s.1 in | plain
        """, {"shared": config(imports='{service: {account: A, subject: "s.*"}, share: true}'),
              "plain": BEFORE}),
    Scenario("a service that answers otherwise", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | one
        a REPLY | 1
        a REPLY | 2
        reload stream
        b PUB s.1 in | many
        a REPLY | 1
        a REPLY | 2
        reload single
        b PUB s.1 in | one
        a REPLY | 1
        a REPLY | 2
        """, {"stream": config(exports='{stream: "ev.>"}, {service: "s.*", response: stream}'),
              "single": BEFORE}),
    Scenario("an answer under way over a reload that changes nothing", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload same
        a REPLY | answer
        """, {"same": BEFORE + "\n# the same\n"}),
    Scenario("an answer under way over a reload of another import", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        reload other
        a REPLY | answer
        """, {"other": config(imports=f"{SERVICE}")}),
    Scenario("mappings come, change and go", BEFORE, """
        a SUB > 1
        b SUB ev.> 1
        a PUB m | plain
        reload first
        a PUB m | first
        reload second
        a PUB m | second
        refused bad
        a PUB m | second
        reload lost
        a PUB m in | lost
        reload none
        a PUB m | plain
        """, {"first": config(a="mappings: {m: ev.1}"), "second": config(a="mappings: {m: ev.2}"),
              "bad": config(a='mappings: {m: "a..b"}'),
              "lost": config(a="mappings: {m: [{dest: m, weight: 0}]}"), "none": BEFORE}),
    Scenario("mappings of the importer come and go", BEFORE, """
        a SUB s.* 1
        b SUB in 1
        b PUB alias in | nobody
        reload mapped
        b PUB alias in | ask
        a REPLY | answer
        reload plain
        b PUB alias in | nobody
        """, {"mapped": config(b="mappings: {alias: s.1}"), "plain": BEFORE}),
    Scenario("a group over a reload", BEFORE, """
        b SUB ev.x g 1
        a PUB ev.x | b
        reload without
        a PUB ev.x | nobody
        reload with
        a PUB ev.x | b
        """, {"without": config(imports=""), "with": BEFORE}),
    Scenario("an account is made anew under a user's hands", BEFORE, """
        b SUB ev.> 1
        a PUB ev.x | b
        reload moved
        a2 PUB ev.x | of the new one
        """, {"moved": BEFORE.replace("A {", "N {").replace("account: A", "account: N")}),
    Scenario("the system account can not change", "system_account: S\n" + config(c="S {}"), """
        b SUB ev.> 1
        refused other
        refused none
        a PUB ev.x | b
        """, {"other": "system_account: T\n" + config(c="S {}, T {}"), "none": config(c="S {}")}),
    Scenario("limits that fall",
        BEFORE,
        """
        b SUB ev.> 1
        b SUB x 2
        reload limited
        b SUB y 3
        b SUB z 4
        a PUB ev.x | b
        """,
        {"limited": config(b="limits: {max_subscriptions: 3}")},
    ),
    Scenario("a token that decides later", BEFORE, """
        b SUB ev.> 1
        a PUB ev.B | plain
        refused token
        a PUB ev.B | plain
        reload both
        a PUB ev.B | of B
        a PUB ev.C | of C
        """, {"token": config(exports='{stream: "ev.*", account_token_position: 2}'),
              "both": config(exports='{stream: "ev.*", account_token_position: 2}',
                             imports="{stream: {account: A, subject: ev.B}}")}),
    Scenario("subscriptions of before and after", BEFORE, """
        b SUB ev.1 1
        b SUB ev.* 2
        reload without
        b SUB ev.> 3
        b UNSUB 1
        a PUB ev.1 | nobody
        reload with
        b SUB ev.1 4
        a PUB ev.1 | 2, 3 and 4
        """, {"without": config(imports=""), "with": BEFORE}),
]  # fmt: skip
