"""Services over several accounts, and accounts that import of themselves."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def chain(depth: int, more: str = "", kind: str = "") -> str:
    """A0 has the service s0; each other one imports the service of the one before it as its own."""
    blocks = [f"  A0 {{ {users('aa')}\n exports = [{{service: s0{kind}}}] }}"]
    for number in range(1, depth):
        name = "abcdefgh"[number]
        blocks.append(
            f"  A{number} {{ {users(name * 2)}\n exports = [{{service: s{number}{kind}}}]\n"
            f" imports = [{{service: {{account: A{number - 1}, subject: s{number - 1}}}, "
            f"to: s{number}{more}}}] }}"
        )
    return "accounts {\n" + "\n".join(blocks) + "\n}\n"


def of_itself(exports: str, imports: str) -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{exports}]
    imports = [{imports}] }}
}}
"""


ROWS = [
    *(Scenario(f"a chain of {depth} accounts", chain(depth), f"""
        aa SUB s0 1
        {"abcdefgh"[depth - 1] * 2} SUB in 1
        {"abcdefgh"[depth - 1] * 2} PUB s{depth - 1} in | ask
        aa REPLY | answer
        aa REPLY | none is awaited
        aa UNSUB 1
        {"abcdefgh"[depth - 1] * 2} PUB s{depth - 1} in | nobody
        """) for depth in (2, 3, 4, 6, 8)),
    Scenario("a chain that is shared", chain(4, ", share: true"), """
        aa SUB s0 1
        dd SUB in 1
        dd PUB s3 in | ask
        aa REPLY | answer
        cc PUB s2 in | ask
        """),
    Scenario("a chain of streams of answers", chain(3, "", ", response: stream"), """
        aa SUB s0 1
        cc SUB in 1
        cc PUB s2 in | ask
        aa REPLY | 1
        aa REPLY | 2
        aa REPLY |
        aa REPLY | after the end
        """),
    Scenario("each of a chain has a listener", chain(4), """
        aa SUB s0 1
        bb SUB s1 1
        cc SUB s2 1
        dd SUB s3 1
        dd SUB in 2
        dd PUB s3 in | ask
        cc REPLY | of cc
        aa REPLY | of aa
        bb REPLY | of bb
        """),
    Scenario("an answer along a chain that asks back", chain(3), """
        aa SUB s0 1
        aa SUB back 2
        cc SUB in 1
        cc PUB s2 in | ask
        aa REPLY back | ask back
        cc REPLY | answer
        """),
    Scenario("a request without a reply along a chain", chain(3), """
        aa SUB s0 1
        cc PUB s2 | tell
        cc HPUB s2 | A: 1 | tell
        """),
    Scenario("headers along a chain", chain(3), """
        aa SUB s0 1
        bb SUB s1 1
        cc HPUB s2 in | A: 1; Nats-Request-Info: {"acc":"F"}; B: 2 | ask
        """),
    Scenario("a service that an account asks of itself", of_itself(
        "{service: q}", "{service: {account: A, subject: q}, to: r}"), """
        a SUB q 1
        a SUB r 2
        a SUB in 3
        a PUB r in | ask
        a REPLY | answer
        a PUB q in | itself
        """),
    Scenario("a service of itself under its own name", of_itself(
        "{service: q}", "{service: {account: A, subject: q}}"), """
        a SUB in 2
        a PUB q in | nobody
        a SUB q 1
        a PUB q in | ask
        a REPLY | answer
        """),
    Scenario("a service of itself with a wildcard", of_itself(
        '{service: "q.*"}', '{service: {account: A, subject: "q.*"}, to: "r.$1"}'), """
        a SUB q.* 1
        a SUB in 2
        a PUB r.x in | ask
        a REPLY | answer
        """),
    Scenario("a service of itself that goes in circles", of_itself(
        '{service: "q.*"}', '{service: {account: A, subject: "q.*"}, to: "q.*"}'), """
        a SUB in 1
        a SUB q.x 2
        a PUB q.x in | ask
        a REPLY | answer
        """),
    *(Scenario(f"requests of others for a service of itself, {name}", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: ">"}}]
            imports = [{{service: {{account: A, subject: "q.*"}}, to: "{to}.*"}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: ">"}}, to: "x.>"}}] }}
        }}
        """, f"""
        a SUB > 1
        b SUB in 1
        b PUB x.{to}.1 in | ask
        a PUB {to}.1 in | own
        """) for name, to in (("renamed", "r"), ("by the same name", "q"))),
    Scenario("a stream of itself", of_itself(
        '{stream: "es.*"}', '{stream: {account: A, subject: "es.*"}, to: "et.$1"}'), """
        a SUB es.* 1
        a SUB et.* 2
        a SUB > 3
        a PUB es.1 re | hi
        a PUB et.1 re | hi
        """),
    Scenario("a stream of itself under its own name", of_itself(
        '{stream: "es.*"}', '{stream: {account: A, subject: "es.*"}}'), """
        a SUB es.* 1
        a PUB es.1 | hi
        """),
    Scenario("everything of itself, behind a prefix", of_itself(
        '{stream: ">"}', '{stream: {account: A, subject: ">"}, prefix: x}'), """
        a SUB > 1
        a SUB x.> 2
        a PUB y | hi
        a PUB x.y | hi
        """),
    Scenario("a queue group over a stream of itself", of_itself(
        '{stream: "es.*"}', '{stream: {account: A, subject: "es.*"}, to: "et.$1"}'), """
        a SUB et.1 g 1
        a PUB es.1 | hi
        a UNSUB 1
        a SUB es.1 g 2
        a PUB es.1 | hi
        """),
    Scenario("services and streams in a row", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: s}}, {{stream: "ev.>"}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: s}}, to: t}}
                       {{stream: {{account: A, subject: "ev.>"}}, prefix: b}}]
            exports = [{{service: t}}, {{stream: "b.>"}}] }}
          C {{ {users("c")}
            imports = [{{service: {{account: B, subject: t}}}}
                       {{stream: {{account: B, subject: "b.>"}}, prefix: c}}] }}
        }}
        """, """
        a SUB s 1
        b SUB b.> 1
        c SUB c.> 1
        c SUB in 2
        c PUB t in | ask
        a REPLY | answer
        a PUB ev.x | to B alone
        b PUB b.ev.x | to both
        """),
    Scenario("three importers of one service", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: s}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: s}}, to: bs}}] }}
          C {{ {users("c")}
            imports = [{{service: {{account: A, subject: s}}, to: cs}}] }}
          D {{ {users("d")}
            imports = [{{service: {{account: A, subject: s}}, to: ds}}] }}
        }}
        """, """
        a SUB s 1
        b SUB in 1
        c SUB in 1
        d SUB in 1
        b PUB bs in | of B
        c PUB cs in | of C
        d PUB ds in | of D
        a AGAIN 3 | to B
        a AGAIN 2 | to C
        a AGAIN 1 | to D
        """),
    Scenario("one service by two names", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: s}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: s}}, to: x}}
                       {{service: {{account: A, subject: s}}, to: y}}] }}
        }}
        """, """
        a SUB s 1
        b SUB in 1
        b PUB x in | ask
        a REPLY | answer
        b PUB y in | ask
        a REPLY | answer
        b PUB s in | not here
        """),
    Scenario("a part of a service by another name", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: "s.>"}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: "s.>"}}}}
                       {{service: {{account: A, subject: "s.a.*"}}, to: "s.b.*"}}] }}
        }}
        """, """
        a SUB s.> 1
        b PUB s.b.1 in | by two imports
        b PUB s.a.1 in | by one
        """),
    *(Scenario(f"an answer does not ask the next service{how}", f"""
        accounts {{
          A {{ {users("a")}
            imports = [{{service: {{account: B, subject: echo}}}}
                       {{service: {{account: C, subject: "admin.*"}}{more}}}] }}
          B {{ {users("b")}
            exports = [{{service: echo}}] }}
          C {{ {users("c")}
            exports = [{{service: "admin.*"}}] }}
        }}
        """, """
        b SUB echo 1
        c SUB admin.* 1
        a PUB admin.x | asked
        a PUB echo admin.wipe | an answer would ask
        b REPLY | answer
        a PUB echo admin.wipe | and with headers
        b HREPLY | Nats-Request-Info: {"acc":"ROOT"} | answer
        """) for how, more in (("", ""), (", shared", ", share: true"))),
    *(Scenario(f"who asks is told {first} and then {second}", f"""
        accounts {{
          B {{ {users("b")}
            exports = [{{service: s}}] }}
          D {{ {users("d")}
            imports = [{{service: {{account: B, subject: s}}, share: {second == "whole"}}}]
            exports = [{{service: s}}] }}
          E {{ {users("e")}
            imports = [{{service: {{account: D, subject: s}}, share: {first == "whole"}}}] }}
        }}
        """.replace("True", "true").replace("False", "false"), """
        b SUB s 1
        e SUB in 1
        e PUB s in | ask
        b REPLY | answer
        """) for first in ("whole", "in part") for second in ("whole", "in part")),
]  # fmt: skip
