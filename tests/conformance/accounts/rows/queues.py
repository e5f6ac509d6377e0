"""Queue groups across accounts. Where several members could get a message, who does is drawn, so
each of these has one who can."""

from __future__ import annotations

from tests.conformance.accounts.rows.names import service, services, stream, streams
from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

_STREAM = streams(stream("ev.>", ", prefix: imp"), stream("ev.q", ", to: plain"))
_SERVICE = services(service("s.*"))
ROWS = [
    Scenario("a queue group of the importer", _STREAM, """
        b SUB imp.ev.x g 1
        a PUB ev.x re | 1
        a PUB ev.x | 2
        b UNSUB 1
        a PUB ev.x | 3
        """),
    Scenario("groups of several names", _STREAM, """
        b SUB imp.ev.x g 1
        b SUB imp.ev.x h 2
        a SUB ev.x i 1
        b SUB imp.ev.x 3
        a PUB ev.x | each
        """),
    Scenario("a group of one client under wildcards", _STREAM, """
        b SUB imp.ev.* g 1
        b SUB imp.> h 2
        b SUB > i 3
        a PUB ev.x | each
        a PUB ev.x.y | h and i
        """),
    Scenario("members come and go", _STREAM, """
        a SUB ev.x g 1
        a PUB ev.x | a
        a UNSUB 1
        b SUB imp.ev.x g 1
        a PUB ev.x | b
        b CLOSE
        b2 SUB imp.ev.x g 1
        a PUB ev.x | b2
        """),
    Scenario("a group of requests' takers", _SERVICE, """
        a SUB s.* g 1
        b SUB in 1
        b PUB s.x in | 1
        a REPLY | answer
        b PUB s.x in | 2
        a REPLY | answer
        """),
    Scenario("a requester that takes answers as a group", _SERVICE, """
        a SUB s.* 1
        b SUB in.> g 1
        b PUB s.x in.1 | 1
        a REPLY | answer
        """),
    Scenario("two groups and a single one take a request", _SERVICE, """
        a SUB s.* g 1
        a SUB s.* h 2
        a SUB s.* 3
        b SUB in 1
        b PUB s.x in | 1
        a REPLY | answer
        a REPLY | none is awaited
        """),
    Scenario("a group at the importer's name of a service", _SERVICE, """
        a SUB s.* g 1
        b SUB s.* g 1
        b PUB s.x in | both: they are groups of two accounts
        """),
    Scenario("one group through two imports", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: ">"}}] }}
          B {{ {users("b")}
            imports = [{{stream: {{account: A, subject: "x"}}, to: bx}}] }}
          C {{ {users("c")}
            imports = [{{stream: {{account: A, subject: "x"}}, to: cx}}] }}
        }}
        """, """
        b SUB bx g 1
        a PUB x | b
        b UNSUB 1
        c SUB cx g 1
        a PUB x | c
        c UNSUB 1
        a SUB x g 1
        a PUB x | a
        """),
    Scenario("a group member may not have the subject", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "ev.>"}}] }}
          B {{
            users = [{{user: b, password: b, permissions: {{subscribe: {{deny: "imp.ev.no"}}}}}}]
            imports = [{{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}] }}
        }}
        """, """
        b SUB imp.ev.* g 1
        a PUB ev.no | no
        a PUB ev.yes | yes
        """),
    Scenario("queue names that are allowed", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: "ev.>"}}] }}
          B {{
            users = [{{user: b, password: b, permissions: {{subscribe: ["imp.> g"]}}}}]
            imports = [{{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}] }}
        }}
        """, """
        b SUB imp.ev.x 1
        b SUB imp.ev.x h 2
        b SUB imp.ev.x g 3
        a PUB ev.x | to g
        """),
    Scenario("unsubscribing a member after some messages", _STREAM, """
        a SUB ev.x g 1
        a UNSUB 1 2
        a PUB ev.x | 1
        a PUB ev.x | 2
        a PUB ev.x | 3
        """),
    Scenario("the same sid again", _STREAM, """
        b SUB imp.ev.x 1
        b SUB imp.ev.y 1
        a PUB ev.x | x
        a PUB ev.y | y
        b UNSUB 1
        a PUB ev.x | none
        a PUB ev.y | none
        """),
    Scenario("a publisher that is a member", _STREAM, """
        a SUB ev.x g 1
        a PUB ev.x | itself
        """),
    Scenario("a publisher without echo that is the only member", _STREAM, """
        a OPEN {"echo": false}
        a SUB ev.x g 1
        a PUB ev.x | nobody
        b SUB imp.ev.x h 1
        a PUB ev.x | b
        """),
]  # fmt: skip
