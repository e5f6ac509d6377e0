"""What published advisories tell of accounts, imports and mappings, with their inputs. Circles of
imports are in `configurations.imports`; what a client says of accounts at its connect
(CVE-2022-24450) and users of the system account (CVE-2023-47090) are in `protocol/rows_accounts`.
"""

from __future__ import annotations

from tests.conformance.accounts.rows.chains import of_itself
from tests.conformance.accounts.rows.services import BASIC, CHAIN, SHARED
from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

_FORGED = """
    a SUB > 1
    b HPUB my.svc.z in | Nats-Request-Info: {"acc":"$SYS"} | plain
    b HPUB my.svc.z in | nats-request-info: {"acc":"$SYS"} | small letters
    b HPUB my.svc.z in | NaTs-ReQuEsT-InFo: {"acc":"$SYS"} | both
    b HPUB my.svc.z in | Nats-Request-Info: {"acc":"$SYS"}; Nats-Request-Info: {"acc":"A"} | twice
    b HPUB my.svc.z in | ~Nats-Request-Info: {"acc":"$SYS"} | a blank first
    b HPUB my.svc.z in | A: 1; ~Nats-Request-Info: {"acc":"$SYS"} | as if folded
    b HPUB my.svc.z in | Nats-Request-Info: 1; ~{"acc":"$SYS"} | folded
    b HPUB my.svc.z in | Nats-Request-Info:~~~{"acc":"$SYS"} | blanks in it
    b HPUB my.svc.z in | Nats-Request-Info~: {"acc":"$SYS"} | a blank before the colon
    b HPUB my.svc.z in | Nats-Request-Info | no colon
    b HPUB my.svc.z in | : Nats-Request-Info: {"acc":"$SYS"} | no name
"""
_DENIED = f"""
accounts {{
  A {{ {users("a")}
    exports = [{{stream: "ev.>"}}, {{service: "s.>"}}] }}
  B {{
    users = [
      {{user: b, password: b, permissions: {{
        subscribe: {{allow: ["imp.>", "in.>"], deny: ["imp.ev.no", "imp.ev.no.>", "imp.ev.*.no q"]}}
        publish: {{allow: "t.>", deny: ["t.no", "t.*.no"]}}
      }}}}
    ]
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: imp}}
      {{service: {{account: A, subject: "s.>"}}, to: "t.>"}}
    ] }}
}}
"""
ROWS = [
    Scenario("CVE-2026-33223: who asks is not for clients to say", BASIC, _FORGED),
    Scenario("CVE-2026-33223: nor where all is told", SHARED, _FORGED),
    Scenario("CVE-2026-33246: nor along a chain", CHAIN, """
        a SUB > 1
        b SUB > 1
        c HPUB cs.z in | Nats-Request-Info: {"acc":"$SYS","svc":"$SYS"} | forged
        c HPUB cs.z in | nats-request-info: {"acc":"$SYS"}; Nats-Request-Info: {} | forged
        b HPUB bs.z in | Nats-Request-Info: {"acc":"C","svc":"B"} | forged in the middle
        """),
    Scenario("CVE-2022-29946: denials hold for what is imported", _DENIED, """
        b SUB imp.ev.no 1
        b SUB imp.ev.no g 2
        b SUB imp.ev.no.x 3
        b SUB imp.ev.* 4
        b SUB imp.ev.* g 5
        b SUB imp.> 6
        b SUB imp.> h 7
        b SUB imp.ev.x.no q 8
        b SUB ev.no 9
        b SUB > 10
        a PUB ev.no | denied
        a PUB ev.no.x | denied
        a PUB ev.yes | allowed
        a PUB ev.x.no | allowed
        """),
    Scenario("CVE-2022-29946: denials hold for what is requested", _DENIED, """
        a SUB s.> 1
        b PUB t.yes in.1 | allowed
        b PUB t.no in.1 | denied
        b PUB t.x.no in.1 | denied
        b PUB t.no.x in.1 | allowed
        b PUB s.no in.1 | denied
        """),
    Scenario("CVE-2022-42709: what an account imports of itself does not go in circles", of_itself(
        '{service: ">"}, {stream: ">"}',
        '{service: {account: A, subject: "x.>"}, to: "y.>"}, '
        '{stream: {account: A, subject: "x.>"}, to: "y.>"}'), """
        a SUB x.> 1
        a SUB y.> 2
        a PUB x.1 in | x
        a PUB y.1 in | y
        """),
    Scenario("CVE-2022-42709: mappings do not go in circles", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: "p.>"}}]
            mappings = {{ "p.>": "q.>", "q.>": "p.>" }} }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: "p.>"}}}}]
            mappings = {{ "q.>": "p.>" }} }}
        }}
        """, """
        a SUB > 1
        b SUB > 1
        b PUB q.1 in | mapped twice
        a PUB p.1 in | mapped once
        a PUB q.1 in | mapped once
        """),
]  # fmt: skip
