"""What imported subjects are called here, and which subscriptions they reach."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def streams(*imports: str, exports: str = '{stream: ">"}') -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{exports}] }}
  B {{ {users("b")}
    imports = [
      {chr(10).join(imports)}
    ] }}
}}
"""


def stream(subject: str, more: str = "") -> str:
    return f'{{stream: {{account: A, subject: "{subject}"}}{more}}}'


def services(*imports: str) -> str:
    return f"""
accounts {{
  A {{ {users("a")}
    exports = [{{service: ">"}}] }}
  B {{ {users("b")}
    imports = [
      {chr(10).join(imports)}
    ] }}
}}
"""


def service(subject: str, more: str = "") -> str:
    return f'{{service: {{account: A, subject: "{subject}"}}{more}}}'


def heard(name: str, subject: str, to: str, *published: str) -> Scenario:
    """One stream import; all of B hears, and A publishes."""
    script = ["b SUB > 1", *(f"a PUB {each} re | x" for each in published)]
    return Scenario(name, streams(stream(subject, f', to: "{to}"')), "\n".join(script))


def asked(name: str, subject: str, to: str, *requested: str) -> Scenario:
    """One service import; all of A hears, and B requests."""
    script = ["a SUB > 1", *(f"b PUB {each} in | x" for each in requested)]
    return Scenario(name, services(service(subject, f', to: "{to}"')), "\n".join(script))


ROWS = [
    heard("a stream of one subject by another name", "one", "x.y", "one", "one.a", "x.y"),
    heard("a stream whose name begins otherwise", "ev.>", "x.>", "ev.a", "ev.a.b", "ev", "x.a"),
    heard("a stream with all of its tokens kept", "s.*.*", "x.*.*", "s.1.2", "s.1", "s.1.2.3"),
    heard("a stream with tokens turned", "s.*.*", "x.$2.$1", "s.1.2", "s.2.1"),
    heard("a stream with three tokens in a circle", "s.*.*.*", "x.$3.$1.$2", "s.1.2.3"),
    heard("a stream whose tokens come first", "s.*.*", "$2.x.$1", "s.1.2"),
    heard("a stream with a token twice", "s.*", "x.$1.$1", "s.1", "s.2"),
    heard("a stream with named wildcards", "s.*.*", "x.{{wildcard(2)}}.$1", "s.1.2"),
    heard("a stream with stars and numbers", "s.*.*", "x.*.$2", "s.1.2"),
    heard("a stream with wildcards and a rest", "s.*.>", "x.$1.y.>", "s.1.2.3", "s.1"),
    heard("a literal stream by the name of a wildcard", "one", "x.*", "one"),
    heard("tokens that look like wildcards", "s.*", "x.$1", "s.*", "s.>", "s.$1"),
    heard("a stream that keeps its name", "s.*", "s.*", "s.1", "s.2"),
    heard("long subjects", "s.>", "a.much.longer.name.than.before.>", "s." + "x" * 400, "s.y"),
    asked("a service of one subject by another name", "one", "x.y", "x.y", "one"),
    asked("a service whose name begins otherwise", "w.>", "x.>", "x.a", "x.a.b", "x", "w.a"),
    asked("a service with all of its tokens kept", "s.*.*", "x.*.*", "x.1.2", "x.1", "x.1.2.3"),
    asked("a service with tokens turned", "s.*.*", "x.$2.$1", "x.1.2", "x.2.1"),
    asked("a service with three tokens in a circle", "s.*.*.*", "x.$3.$1.$2", "x.1.2.3"),
    asked("a service whose tokens come first", "s.*.*", "$1.x.$2", "1.x.2", "1.y.2"),
    asked("a service with a token twice", "s.*.*", "x.$1.$1", "x.1.2", "x.3.3"),
    asked("a service with named wildcards", "s.*.*", "x.{{wildcard(2)}}.$1", "x.1.2"),
    asked("a service with stars and numbers", "s.*.*", "x.*.$2", "x.1.2"),
    asked("a service with wildcards and a rest", "s.*.>", "x.$1.y.>", "x.1.y.2.3", "x.1.z.2"),
    asked("a literal service by the name of a wildcard", "one", "x.*", "x.a", "x.b"),
    asked("requests with tokens that look like wildcards", "s.*", "x.$1", "x.*", "x.>", "x.$1"),
    asked("long subjects of requests", "s.>", "a.much.longer.name.>",
    "a.much.longer.name." + "x" * 400),
    Scenario("a literal service under all names of a wildcard",
        services(service("one", ', to: "x.*"')), """
        a SUB > 1
        b SUB in 1
        b PUB x.a in | ask
        a REPLY | answer
        b PUB x.b in | ask
        a REPLY | answer
        """),
    Scenario("a prefix before a literal", streams(stream("one", ", prefix: p")), """
        b SUB > 1
        b SUB p.one 2
        b SUB *.one 3
        b SUB one 4
        a PUB one | x
        """),
    Scenario("a prefix of two tokens, and one with a dot at its end",
        streams(stream("a.>", ", prefix: p.q"), stream("b.>", ', prefix: "r."')), """
        b SUB > 1
        b SUB p.q.> 2
        b SUB r.b.* 3
        b SUB p.q.a.1 4
        a PUB a.1 | x
        a PUB b.1 | x
        """),
    Scenario("subscriptions that are wider than the import", streams(stream("s.1.>",
    ", prefix: p")), """
        b SUB * 1
        b SUB *.* 2
        b SUB p.* 3
        b SUB p.s.* 4
        b SUB p.s.*.* 5
        b SUB *.s.> 6
        b SUB p.s.2.> 7
        a PUB s.1.x | x
        a PUB s.2.x | not exported to B by this import
        """),
    Scenario("subscriptions that are narrower than the import",
        streams(stream("s.>", ', to: "x.>"')), """
        b SUB x.1 1
        b SUB x.1.2 2
        b SUB x.*.2 3
        b SUB x.1.> 4
        b SUB x 5
        a PUB s.1 | x
        a PUB s.1.2 | x
        a PUB s.2.2 | x
        """),
    Scenario("a star where the import has a rest", streams(stream("s.*.>", ', to: "x.$1.>"')), """
        b SUB x.*.* 1
        b SUB x.1.* 2
        b SUB x.*.2 3
        b SUB x.*.2.> 4
        b SUB *.1.2 5
        a PUB s.1.2 | x
        a PUB s.1.2.3 | x
        a PUB s.3.2 | x
        """),
    Scenario("two imports under one name", streams(stream("a.*", ', to: "x.$1"'), stream("b.*",
    ', to: "x.$1"')), """
        b SUB x.* 1
        a PUB a.1 | a
        a PUB b.1 | b
        """),
    Scenario("an import and its part, each by its own name",
        streams(stream("a.>", ", prefix: all"), stream("a.b.*", ', to: "part.$1"')), """
        b SUB > 1
        b SUB part.* 2
        b SUB all.> 3
        a PUB a.b.c | both
        a PUB a.c | one
        """),
    Scenario("imported and own messages of one subject", streams(stream("a.>")), """
        b SUB a.> 1
        a SUB a.> 1
        a PUB a.x | of A
        b PUB a.x | of B
        """),
    Scenario("subjects of two accounts become one", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "x.>"}}] }}
          C {{ {users("c")}
            exports = [{{stream: "x.>"}}] }}
          B {{ {users("b")}
            imports = [
              {{stream: {{account: A, subject: "x.>"}}}}
              {{stream: {{account: C, subject: "x.>"}}}}
            ] }}
        }}
        """, """
        b SUB x.> 1
        a PUB x.1 | of A
        c PUB x.1 | of C
        b PUB x.1 | of B
        """),
    Scenario("all subjects both ways, behind prefixes", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "s.>"}}]
            imports = [{{stream: {{account: B, subject: "s.>"}}, prefix: fb}}] }}
          B {{ {users("b")}
            exports = [{{stream: "s.>"}}]
            imports = [{{stream: {{account: A, subject: "s.>"}}, prefix: fa}}] }}
        }}
        """, """
        a SUB > 1
        b SUB > 1
        a PUB s.1 re | of A
        b PUB s.1 re | of B
        a PUB fb.s.1 | stays
        """),
    Scenario("services both ways", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: sa}}]
            imports = [{{service: {{account: B, subject: sb}}}}] }}
          B {{ {users("b")}
            exports = [{{service: sb}}]
            imports = [{{service: {{account: A, subject: sa}}}}] }}
        }}
        """, """
        a SUB sa 1
        a SUB in 2
        b SUB sb 1
        b SUB in 2
        a PUB sb in | ask B
        b REPLY | answer
        b PUB sa in | ask A
        a REPLY | answer
        """),
    Scenario("a service and a stream with the same tokens", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: "x.*"}}, {{stream: "x.*"}}] }}
          B {{ {users("b")}
            imports = [
              {{service: {{account: A, subject: "x.*"}}, to: "y.*"}}
              {{stream: {{account: A, subject: "x.*"}}, to: "y.*"}}
            ] }}
        }}
        """, """
        a SUB > 1
        b SUB > 1
        b PUB y.1 in | ask
        a PUB x.1 re | tell
        """),
    Scenario("private exports reach those they name", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "p.>", accounts: [B]}}, {{stream: "p.>", accounts: [C]}}
                       {{service: q, accounts: [B]}}] }}
          B {{ {users("b")}
            imports = [{{stream: {{account: A, subject: "p.>"}}}}
                       {{service: {{account: A, subject: q}}}}] }}
          C {{ {users("c")}
            imports = [{{stream: {{account: A, subject: "p.x"}}}}] }}
        }}
        """, """
        a SUB q 1
        b SUB > 1
        c SUB > 1
        a PUB p.x | both
        a PUB p.y | B
        b PUB q in | B asks
        c PUB q in | C has no such import
        """),
    Scenario("small letters and great ones are different", streams(stream("Ev.>", ", prefix: P")),
    """
        b SUB P.Ev.> 1
        b SUB p.ev.> 2
        a PUB Ev.x | yes
        a PUB ev.x | no
        """),
    Scenario("subjects that are not ASCII", streams(stream("\u00fc.*", ', to: "\u00f6.$1"')), """
        b SUB > 1
        b SUB \u00f6.* 2
        a PUB \u00fc.\u00e4 | x
        """),
]  # fmt: skip
