"""What the latency of services is measured as, and what becomes of requests without an answer."""

from __future__ import annotations

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario


def measured(latency: str, more: str = "", importing: str = "") -> str:
    """A service `svc.*` of A (users a, x), whose latency goes to `lat`; B imports it as `my.*`."""
    return f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{service: "svc.*", latency: {latency}{more}}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "svc.*"}}, to: "my.$1"{importing}}}] }}
}}
"""


ALL = "{sampling: 100, subject: lat}"
HEADERS = "{sampling: headers, subject: lat}"
CHAIN = f"""
accounts {{
  A {{ {users("a", "x")}
    exports = [{{service: "svc.*", latency: {{sampling: 100, subject: lat}}}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "svc.*"}}, to: "bs.$1"}}]
    exports = [{{service: "bs.*", latency: {{sampling: 100, subject: blat}}}}] }}
  C {{ {users("c")}
    imports = [{{service: {{account: B, subject: "bs.*"}}, to: "cs.$1"}}] }}
}}
"""


def by_headers(*blocks: str) -> str:
    asked = "\n".join(f"b HPUB my.z in.1 | {block} | ask\na REPLY | answer" for block in blocks)
    return f"""
x SUB lat 9
a SUB svc.* 1
b SUB in.1 1
{asked}
"""


BEGUN = """
x SUB lat 9
a SUB svc.* 1
b SUB in.1 1
b PUB my.z in.1 | ask
"""
ROWS = [
    Scenario("an answer is measured", measured(ALL), BEGUN + "a REPLY | answer"),
    Scenario(
        "an answer is measured for one who shares",
        measured(ALL, importing=", share: true"),
        BEGUN + "a REPLY | answer",
    ),
    Scenario(
        "a second answer is not measured", measured(ALL), BEGUN + "a REPLY | one\na REPLY | two"
    ),
    Scenario(
        "the responder of another user is named",
        measured(ALL),
        BEGUN + "x PUB q | q\na REPLY | answer",
    ),
    Scenario(
        "nobody responds",
        measured(ALL),
        "x SUB lat 9\nb SUB in.1 1\nb PUB my.z in.1 | ask\nb PUB my.y in.1 | again",
    ),
    Scenario(
        "nobody responds to one who shares",
        measured(ALL, importing=", share: true"),
        "x SUB lat 9\nb SUB in.1 1\nb PUB my.z in.1 | ask",
    ),
    Scenario(
        "an answer that does not come",
        measured(ALL, ', threshold: "200ms"'),
        BEGUN + "wait 0.5\na REPLY | late",
    ),
    Scenario(
        "a request without a reply subject",
        measured(ALL),
        "x SUB lat 9\na SUB svc.* 1\nb PUB my.z | tell\nb HPUB my.z | X: 1 | tell",
    ),
    Scenario(
        "a request without a reply subject, and nobody",
        measured(ALL),
        "x SUB lat 9\nb PUB my.z | tell",
    ),
    Scenario(
        "the requester stops listening",
        measured(ALL),
        BEGUN + "b UNSUB 1\na REPLY | answer",
    ),
    Scenario(
        "the requester leaves",
        measured(ALL),
        BEGUN + "b CLOSE\nwait 0.2\na REPLY | answer",
    ),
    Scenario(
        "the requester leaves, another listens",
        measured(ALL),
        "x SUB lat 9\na SUB svc.* 1\nb SUB in.> 1\nb2 SUB in.> 1\nb PUB my.z in.1 | ask\n"
        "b CLOSE\nwait 0.2\na REPLY | answer",
    ),
    Scenario(
        "the requester stops listening to a wildcard",
        measured(ALL),
        "x SUB lat 9\na SUB svc.* 1\nb SUB in.> 1\nb PUB my.z in.1 | ask\nb UNSUB 1\n"
        "a REPLY | answer",
    ),
    Scenario(
        "the requester has never listened",
        measured(ALL),
        "x SUB lat 9\na SUB svc.* 1\nb PUB my.z in.1 | ask\na REPLY | answer",
    ),
    Scenario(
        "the responder leaves",
        measured(ALL, ', threshold: "300ms"'),
        BEGUN + "a CLOSE\nwait 0.5",
    ),
    Scenario("by headers", measured(HEADERS), BEGUN + "a REPLY | answer"),
    Scenario(
        "by headers of Zipkin",
        measured(HEADERS),
        by_headers(
            "X-B3-Sampled: 1",
            "X-B3-Sampled: 0",
            "X-B3-TraceId: abc",
            "X-B3-TraceId: abc; X-B3-Sampled: 0",
            "X-B3-TraceId: abc; X-B3-SpanId: d; X-B3-Sampled: 1",
            "x-b3-sampled: 1",
            "X-B3-Sampled: true",
            "X-B3-Flags: 1",
        ),
    ),
    Scenario(
        "by one header of Zipkin",
        measured(HEADERS),
        by_headers(
            "b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
            "b3: 0",
            "B3: a-b-1",
            "b3: a-b-0",
            "b3: a-b-d",
            "b3: 1",
            "b3: a-b",
            "b3: d",
            "b3: a-b-1-c",
            "b3: a-b-0-c",
        ),
    ),
    Scenario(
        "by headers of Jaeger",
        measured(HEADERS),
        by_headers(
            "Uber-Trace-Id: a:b:c:1",
            "Uber-Trace-Id: a:b:c:0",
            "uber-trace-id: a:b:c:1",
            "uber-trace-id: a:b:c:3",
            "Uber-Trace-Id: a:b:c:2",
            "Uber-Trace-Id: 1",
            "Uber-Trace-Id: a:b:c:01",
            "Uber-Trace-Id: a:b:c:f",
            "Uberctx-X: y; Uber-Trace-Id: a:b:c:1",
        ),
    ),
    Scenario(
        "by odd flags of Jaeger",
        measured(HEADERS),
        by_headers(
            *(
                f"Uber-Trace-Id: a:b:c:{flags}"
                for flags in (
                    "+1",
                    "-1",
                    "0x1",
                    "1_1",
                    "1~",
                    "001",
                    "100",
                    "11",
                    "21",
                    "12",
                    "g1",
                    "1g",
                    "F",
                    "x",
                    "1:",
                    "\u0661",
                )
            ),
            "Uber-Trace-Id: a%3Ab%3Ac%3A1",
            "Uber-Trace-Id: a:b:c:",
        ),
    ),
    Scenario(
        "by odd flags of W3C",
        measured(HEADERS),
        by_headers(
            *(
                f"traceparent: 00-a-b-{flags}"
                for flags in ("1", "+1", "~1", "1~", "7f", "80", "81", "ff", "001", "0B", "1_")
            ),
            "traceparent: a-b-01",
            "traceparent: 00-a-b-01-c",
        ),
    ),
    Scenario(
        "by the header of W3C",
        measured(HEADERS),
        by_headers(
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "Traceparent: 00-a-b-01",
            "traceparent: 00-a-b-01; tracestate: x=1",
        ),
    ),
    Scenario(
        "a chain, both measured",
        CHAIN,
        "x SUB lat 9\nb SUB blat 9\na SUB svc.* 1\nc SUB in.1 1\nc PUB cs.z in.1 | ask\n"
        "a REPLY | answer\na UNSUB 1\nc PUB cs.z in.1 | ask",
    ),
    Scenario(
        "a local request in the exporting account is not measured",
        measured(ALL),
        "x SUB lat 9\na SUB svc.* 1\nx SUB in 1\nx PUB svc.z in | ask\na REPLY | answer",
    ),
    Scenario(
        "the latency of a reload",
        measured(ALL),
        BEGUN + "a REPLY | answer\nreload other\nb PUB my.z in.1 | ask\na REPLY | answer\n"
        "reload without\nb PUB my.z in.1 | ask\na REPLY | answer",
        {
            "other": measured("{sampling: 100, subject: lat.other}").replace("x}", "x}")
            + "# lat.other has no listener\n",
            "without": measured(ALL).replace(f", latency: {ALL}", ""),
        },
    ),
    Scenario(
        "a measured request, whose import goes",
        measured(ALL),
        BEGUN + "reload without\na REPLY | answer",
        {
            "without": measured(ALL).replace(
                '{service: {account: A, subject: "svc.*"}, to: "my.$1"}', ""
            )
        },
    ),
]
