"""Answers to requests that crossed accounts."""

from __future__ import annotations

from tests.conformance.accounts.rows.names import service, services
from tests.conformance.accounts.rows.services import BASIC, SHARED, responding
from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

_PLAIN = services(service("s.*"))


def exported(more: str, export: str = "s", imported: str = "s") -> str:
    return f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{service: "{export}"{more}}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "{imported}"}}}}] }}
}}
"""


def allowing(permissions: str) -> str:
    return f"""
accounts {{
  A {{
    users = [{{user: a, password: a, permissions: {{{permissions}}}}}]
    exports = [{{service: s, response: stream}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: s}}}}] }}
}}
"""


ROWS = [
    Scenario("an answer that asks back", _PLAIN, """
        a SUB s.* 1
        a SUB back 2
        b SUB in 1
        b SUB deep 2
        b PUB s.x in | ask
        a REPLY back | answer, and ask back
        b REPLY deep | answer, and ask back
        a REPLY | the end
        b REPLY | nobody waits any more
        """),
    Scenario("an answer that asks back, with headers", _PLAIN, """
        a SUB s.* 1
        a SUB back 2
        b SUB in 1
        b PUB s.x in | ask
        a HREPLY back | A: 1 | answer, and ask back
        b HREPLY | B: 1 | answer
        """),
    Scenario("a stream of answers that ask back", responding("stream"), """
        a SUB s 1
        a SUB back 2
        b SUB in 1
        b PUB s in | ask
        a REPLY back | 1
        b REPLY | first
        b REPLY | second
        a AGAIN 1 back | 2
        """),
    Scenario("several requests are under way", _PLAIN, """
        a SUB s.* 1
        b SUB in.* 1
        b PUB s.1 in.1 | 1
        b PUB s.2 in.2 | 2
        b PUB s.3 in.3 | 3
        a AGAIN 3 | to 1
        a AGAIN 1 | to 3
        a AGAIN 2 | to 2
        a AGAIN 3 | none
        """),
    Scenario("requests with one inbox", _PLAIN, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        b PUB s.2 in | 2
        a AGAIN 2 | to 1
        a AGAIN 1 | to 2
        """),
    Scenario("the requester has gone", _PLAIN, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        b CLOSE
        a REPLY | nobody
        b2 SUB in 1
        b2 PUB s.1 in | 2
        a REPLY | answer
        """),
    Scenario("the inbox is another client's", _PLAIN, """
        a SUB s.* 1
        b2 SUB in 1
        b PUB s.1 in | 1
        a REPLY | to b2
        """),
    Scenario("the inbox is a service of the exporter", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: s}}, {{service: log}}] }}
          B {{ {users("b")}
            imports = [
              {{service: {{account: A, subject: s}}}}
              {{service: {{account: A, subject: log}}}}
            ] }}
        }}
        """, """
        a SUB > 1
        b PUB s log | ask
        a REPLY | goes to the log
        """),
    Scenario("the answer has headers only", _PLAIN, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        a HREPLY | Status: 1 |
        """),
    Scenario("an empty answer", _PLAIN, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        a REPLY |
        """),
    Scenario("the answer has a header that says who asks", _PLAIN, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        a HREPLY | Nats-Request-Info: {"acc":"F"}; A: 1 | answer
        """),
    Scenario("a requester without headers", _PLAIN, """
        b OPEN {"headers": false, "no_responders": false}
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        a HREPLY | A: 1 | the headers are lost
        """),
    Scenario("a requester that has no echo", _PLAIN, """
        b OPEN {"echo": false}
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | 1
        a REPLY | answer
        """),
    Scenario("the requester answers in the exporter's account", exported(""), """
        a SUB s 1
        x SUB s 1
        b SUB in 1
        b PUB s in | ask
        x REPLY | x is first
        a REPLY | a is late
        """),
    Scenario("an answer to a subject that was never made", _PLAIN, """
        a SUB s.* 1
        b SUB > 1
        b PUB s.1 in | 1
        a PUB _R_.aaaaaa.bbbbbb | nobody
        a PUB _R_.aaaaaa | nobody
        a PUB _R_. | no subject
        a REPLY | answer
        """),
    Scenario("chunked answers that keep coming", responding("chunked"), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        wait 0.3
        a REPLY | 1
        wait 0.3
        a REPLY | 2
        wait 0.3
        a REPLY | 3
        wait 1
        a REPLY | late
        """),
    Scenario("a stream that ends at once", responding("stream"), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY |
        a REPLY | after the end
        """),
    Scenario("headers do not end a chunked answer", responding("chunked"), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a HREPLY | A: 1 |
        a REPLY | more
        a HREPLY | |
        a REPLY | more
        a REPLY |
        a HREPLY | A: 1 | after the end
        """),
    Scenario("a stream of answers of two responders", responding("stream"), """
        a SUB s 1
        a2 SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | a 1
        a2 REPLY | a2 1
        a REPLY | a 2
        a2 REPLY |
        a REPLY | after the end
        """),
    Scenario("a threshold of its own", exported(', threshold: "300ms"'), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | answer
        b PUB s in | ask
        wait 0.8
        a REPLY | late
        """),
    Scenario("the narrowest export says how a service answers", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: "s.>", response: stream}}, {{service: "s.x"}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: "s.x"}}}}
                       {{service: {{account: A, subject: "s.y"}}}}] }}
        }}
        """, """
        a SUB s.> 1
        b SUB in 1
        b PUB s.x in | one answer
        a REPLY | 1
        a REPLY | 2
        b PUB s.y in | many
        a REPLY | 1
        a REPLY | 2
        """),
    Scenario("an import of a part has the whole export's terms",
        exported(", response: stream", "s.*", "s.x"), """
        a SUB s.> 1
        b SUB in 1
        b PUB s.x in | many
        a REPLY | 1
        a REPLY | 2
        """),
    Scenario("answers that are allowed, twice", allowing(
        "subscribe: s, publish: {deny: \">\"}, allow_responses: {max: 2}"), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | 1
        a REPLY | 2
        a REPLY | denied
        """),
    Scenario("answers that are allowed without an end", allowing(
        "subscribe: s, allow_responses: {max: -1}"), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | 1
        a REPLY | 2
        a REPLY | 3
        a PUB other | denied
        """),
    Scenario("answers that may be published", allowing('subscribe: s, publish: "_R_.>"'), """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | 1
        a PUB other | denied
        """),
    Scenario("inboxes that the requester may not publish to", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{service: s}}] }}
          B {{
            users = [{{user: b, password: b, permissions: {{publish: s, subscribe: in}}}}]
            imports = [{{service: {{account: A, subject: s}}}}] }}
        }}
        """, """
        a SUB s 1
        b SUB in 1
        b PUB s in | ask
        a REPLY | answer
        b SUB other 2
        b PUB s other | ask
        a REPLY | nobody
        """),
    Scenario("forged headers of many spellings", SHARED, """
        a SUB svc.* 1
        b HPUB my.svc.z in | Nats-Request-Info: {"acc":"F"}; Nats-Request-Info: {"acc":"G"} | twice
        b HPUB my.svc.z in | NATS-REQUEST-INFO: {"acc":"F"} | great letters
        b HPUB my.svc.z in | nats-request-info: {"acc":"F"} | small letters
        b HPUB my.svc.z in | Nats-Request-Info:{"acc":"F"} | no blank
        b HPUB my.svc.z in | Nats-Request-Info : {"acc":"F"} | a blank before
        b HPUB my.svc.z in | X-Nats-Request-Info: {"acc":"F"} | another header
        b HPUB my.svc.z in | Nats-Request-Info-X: {"acc":"F"} | one more
        b HPUB my.svc.z in | A: Nats-Request-Info: 5; Nats-Request-Info: | empty
        """),
    Scenario("forged headers of one who does not share", BASIC, """
        a SUB svc.* 1
        b HPUB my.svc.z in | A: 1; Nats-Request-Info: {"acc":"F"}; Nats-Request-Info: x; B: 2 | two
        b HPUB my.svc.z in | Nats-Request-Info: {"acc":"F"} |
        b HPUB my.svc.z | Nats-Request-Info: {"acc":"F"} | no reply
        """),
    Scenario("headers in a stream import are left alone", f"""
        accounts {{
          A {{ {users("a")}
            exports = [{{stream: s}}] }}
          B {{ {users("b")}
            imports = [{{stream: {{account: A, subject: s}}, to: t}}] }}
        }}
        """, """
        b SUB t 1
        b2 OPEN {"headers": false}
        b2 SUB t 1
        a HPUB s re | Nats-Request-Info: {"acc":"F"}; A: 1 | hi
        """),
    Scenario("nobody, with and without a listener for that", _PLAIN, """
        b SUB in 1
        b PUB s.1 in | 503
        b PUB s.1 elsewhere | 503 that nobody hears
        a SUB s.1 1
        b PUB s.1 in | somebody
        a UNSUB 1
        b PUB s.1 in | 503
        a SUB s.1 1
        a CLOSE
        b PUB s.1 in | 503
        """),
    Scenario("nobody at the exporter, somebody here", _PLAIN, """
        b2 SUB s.> 1
        b SUB in 1
        b PUB s.1 in | no 503
        b2 REPLY | answer
        """),
    Scenario("a responder that may not have the request", f"""
        accounts {{
          A {{
            users = [{{user: a, password: a, permissions: {{subscribe: {{deny: "s.no"}}}}}}]
            exports = [{{service: "s.*"}}] }}
          B {{ {users("b")}
            imports = [{{service: {{account: A, subject: "s.*"}}}}] }}
        }}
        """, """
        a SUB s.* 1
        b SUB in 1
        b PUB s.yes in | ask
        b PUB s.no in | filtered
        """),
    Scenario("a responder that unsubscribes after one", _PLAIN, """
        a SUB s.* 1
        a UNSUB 1 1
        b SUB in 1
        b PUB s.1 in | 1
        b PUB s.1 in | 2
        """),
    Scenario("a requester that unsubscribes after one", responding("stream"), """
        a SUB s 1
        b SUB in 1
        b UNSUB 1 1
        b PUB s in | ask
        a REPLY | 1
        a REPLY | 2
        """),
    Scenario("a verbose requester", _PLAIN, """
        b OPEN {"verbose": true}
        a SUB s.* 1
        b SUB in 1
        b PUB s.1 in | ask
        a REPLY | answer
        """),
    Scenario("a requester who names himself", SHARED, """
        a SUB svc.* 1
        b OPEN {"name": "a 'name' <&>", "lang": "", "version": "1"}
        b PUB my.svc.z in | ask
        """),
]  # fmt: skip
