"""JetStream of one account, used by others."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

STORE = """
jetstream { store_dir: "@FOLDER@/store", domain: hub, max_mem: 64M, max_file: 64M }
"""
EXPORTS = """exports = [
      {service: "$JS.API.>", response: stream}
      {service: "$JS.ACK.>"}
      {service: "$JS.FC.>"}
      {stream: "dlv.>"}
      {stream: "ev.>"}
      {service: "ord.*"}
    ]"""
IMPORTS = """imports = [
      {service: {account: A, subject: "$JS.API.>"}, to: "JS.A.>"}
      {service: {account: A, subject: "$JS.ACK.>"}}
      {service: {account: A, subject: "$JS.FC.>"}}
      {service: {account: A, subject: "ord.*"}, to: "neworder.*"}
      {stream: {account: A, subject: "dlv.>"}}
    ]"""
HUB = f"""{STORE}
accounts {{
  A {{ {users("a")}, jetstream: enabled
    {EXPORTS} }}
  B {{ {users("b")}
    {IMPORTS}
    exports = [{{stream: "dlv.>"}}, {{service: "JS.A.>", response: stream}}] }}
  C {{ {users("c")}
    imports = [
      {{stream: {{account: B, subject: "dlv.>"}}}}
      {{service: {{account: B, subject: "JS.A.>"}}, to: "JS.B.>"}}
    ] }}
  D {{ {users("d")}, jetstream: enabled
    {IMPORTS} }}
  SYS {{ {users("s")} }}
}}
system_account: SYS
"""
OWN_NAME = f"""{STORE.replace("domain: hub, ", "")}
accounts {{
  A {{ {users("a")}, jetstream: enabled
    exports = [{{service: "$JS.API.>", response: stream}}] }}
  C {{ {users("c")}
    imports = [{{service: {{account: A, subject: "$JS.API.>"}}}}] }}
}}
"""
SHARED = HUB.replace('to: "JS.A.>"}', 'to: "JS.A.>", share: true}')
APART = HUB.replace(f"jetstream: enabled\n    {IMPORTS}", "jetstream: enabled")
OFF = HUB.replace(f"jetstream: enabled\n    {EXPORTS}", f"jetstream: disabled\n    {EXPORTS}")
NAMED = f"""{STORE}
accounts {{
  A {{ {users("a")}, jetstream: enabled
    exports = [{{service: "$JS.hub.API.>", response: stream}}] }}
  B {{ {users("b")}
    imports = [{{service: {{account: A, subject: "$JS.hub.API.>"}}, to: "hub.>"}}] }}
}}
"""
EVENTS = f"""{STORE}
accounts {{
  A {{ {users("a")}, exports = [{{stream: "ev.>"}}, {{stream: "re.*.*"}}]
    mappings = {{ "old.*": "ev.$1" }} }}
  D {{ {users("d")}, jetstream: enabled
    imports = [
      {{stream: {{account: A, subject: "ev.>"}}, prefix: "imp"}}
      {{stream: {{account: A, subject: "re.*.*"}}, to: "er.$2.$1"}}
    ]
    mappings = {{ "imp.ev.x": "lost", "own.*": "imp.ev.$1" }} }}
}}
"""


def stream(name: str, **config: Any) -> str:
    """A request for a stream."""
    return f"STREAM.CREATE.{name} | {json.dumps({'name': name, **config})}"


def consumer(of: str, name: str, **config: Any) -> str:
    """A request for a durable consumer."""
    asked = {"name": name, "durable_name": name, "ack_policy": "explicit", **config}
    body = json.dumps({"stream_name": of, "config": asked})
    return f"CONSUMER.CREATE.{of}.{name} | {body}"


def copier(deliver: str, **more: Any) -> str:
    """A request for a consumer of "O", as one that copies from it asks."""
    config = {"name": "COPIES", "flow_control": True, "idle_heartbeat": 60 * 10**9}
    flags = {"direct": True, "sourcing": True, "inactive_threshold": 60 * 10**9}
    asked = {**config, **flags, "deliver_subject": deliver, **more}
    return f"CONSUMER.CREATE.O in | {json.dumps({'stream_name': 'O', 'config': asked})}"


def external(name: str, api: str = "JS.A", deliver: str = "dlv.m", **more: Any) -> dict[str, Any]:
    """An origin in account A."""
    return {"name": name, "external": {"api": api, "deliver": deliver}, **more}


ORDERS = f"""
a ASK $JS.API.{stream("O", subjects=["ord.*"])}
"""
SOME = """
a ASK ord.1 | one
a ASK ord.2 | two
a ASK ord.3 | three
"""
SECOND = {"deliver_policy": "by_start_sequence", "opt_start_seq": 2}
LASTING = {
    "ack_policy": "flow_control",
    "flow_control": True,
    "idle_heartbeat": 10**9,
    "deliver_subject": "dlv.lasting",
}
THROUGH = {"name": "C", "deliver_subject": "dlv.lasting"}
COPIED = "state.last_seq mirror.name mirror.lag mirror.external mirror.error"
TAKEN = "state.last_seq sources.0.name sources.0.lag sources.0.external sources.0.error"

ROWS = [
    Scenario(
        "the API of another account",
        HUB,
        f"""
        b ASK JS.A.INFO
        b ASK $JS.API.INFO
        b ASK JS.A.{stream("O", subjects=["ord.*"])}
        b ASK JS.A.STREAM.INFO.O
        b ASK JS.A.STREAM.NAMES
        b ASK JS.A.STREAM.INFO.NOPE
        b ASK JS.A.STREAM.DELETE.O
        b ASK JS.A.CONSUMER.LIST.NOPE
        a ASK $JS.API.INFO
        """,
    ),
    Scenario(
        "the API of the next account but one",
        HUB,
        f"""{ORDERS}
        a SUB $JS.EVENT.ADVISORY.API 1
        c ASK JS.B.STREAM.NAMES && a AWAIT 1
        c ASK JS.B.STREAM.MSG.GET.O | {{"seq": 1}} && a AWAIT 2
        """,
    ),
    Scenario(
        "messages pulled from another account",
        HUB,
        f"""{ORDERS}{SOME}
        a ASK $JS.API.{consumer("O", "P")}
        b SUB pi 1
        b PUB JS.A.CONSUMER.MSG.NEXT.O.P pi | {{"batch": 2, "expires": 5000000000}} && b AWAIT 2
        b ACK | +ACK
        b UNTIL JS.A.CONSUMER.INFO.O.P num_ack_pending 1
        b PUB JS.A.CONSUMER.MSG.NEXT.O.P pi | {{"batch": 2, "no_wait": true}} && b AWAIT 4
        b PUB JS.A.CONSUMER.MSG.NEXT.O.P pi | {{"batch": 1, "expires": 100000000}} && b AWAIT 5
        b FIELDS ack_floor.stream_seq num_pending num_ack_pending | JS.A.CONSUMER.INFO.O.P
        """,
    ),
    Scenario(
        "single messages of another account",
        HUB,
        f"""
        a ASK $JS.API.{stream("O", subjects=["ord.*"], allow_direct=True)}
        {SOME}
        b ASK JS.A.STREAM.MSG.GET.O | {{"seq": 2}}
        b SUB di 1
        b PUB JS.A.DIRECT.GET.O di | {{"seq": 2}} && b AWAIT 1
        b PUB JS.A.DIRECT.GET.O.ord.3 di && b AWAIT 2
        b PUB JS.A.DIRECT.GET.O.ord.9 di && b AWAIT 3
        """,
    ),
    Scenario(
        "publishing to a stream of another account",
        HUB,
        f"""{ORDERS}
        b ASK neworder.1 | one
        b HPUB neworder.2 | A: 1; Nats-Msg-Id: x | two
        b PUB neworder.3 | three
        a UNTIL $JS.API.STREAM.INFO.O state.messages 3
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 1}}
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 2}}
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 3}}
        """,
    ),
    Scenario(
        "batches to a stream of another account",
        HUB,
        f"""
        a ASK $JS.API.{stream("O", subjects=["ord.*"], allow_batched=True, allow_atomic=True)}
        b SUB in.> 1
        b HPUB neworder.1 in.a1 | Nats-Batch-Id: u; Nats-Batch-Sequence: 1 | one && b AWAIT 1
        b HPUB neworder.2 in.a2 | Nats-Batch-Id: u; Nats-Batch-Sequence: 2; \
        Nats-Batch-Commit: 1 | two && b AWAIT 2
        b PUB neworder.3 in.v.10.fail.1.0.$FI | three && b AWAIT 3
        b PUB neworder.4 in.v.10.fail.2.1.$FI | four
        b HPUB neworder.5 in.v.10.fail.3.2.$FI | A: b | five && b AWAIT 4
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 2}}
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 3}}
        a ASK $JS.API.STREAM.MSG.GET.O | {{"seq": 5}}
        """,
    ),
    Scenario(
        "messages pushed to another account",
        HUB,
        f"""
        a ASK $JS.API.{stream("O", subjects=["o"])}
        b SUB dlv.x 1
        c SUB dlv.x 1
        b ASK JS.A.{consumer("O", "X", deliver_subject="dlv.x")}
        a ASK o | one && b AWAIT 1
        b ACK | +ACK
        b FIELDS push_bound ack_floor.stream_seq | JS.A.CONSUMER.INFO.O.X
        b UNSUB 1
        a UNTIL $JS.API.CONSUMER.INFO.O.X push_bound null
        a ASK o | two
        b SUB dlv.> 2
        wait 0.3
        b SUB dlv.x 3 && b AWAIT 3
        b FIELDS push_bound ack_floor.stream_seq | JS.A.CONSUMER.INFO.O.X
        """,
    ),
    Scenario(
        "domains",
        HUB,
        """
        a ASK $JS.hub.API.INFO
        b ASK $JS.hub.API.INFO
        a ASK $JS.nope.API.INFO
        s ASK $JS.API.INFO
        s ASK $JS.hub.API.INFO
        s ASK $JS.hub.API.STREAM.NAMES
        a SUB $JS.API.> 1
        a SUB $JS.EVENT.ADVISORY.API 3
        a ASK $JS.hub.API.STREAM.NAMES && a AWAIT 2
        a SUB $KV.> 4
        a PUB $JS.hub.API.$KV.x | y
        a PUB $JS.hub.API.NOPE.x in | y
        """,
    ),
    Scenario(
        "the API of a domain from another account",
        NAMED,
        f"""
        a ASK $JS.API.{stream("O", subjects=["ord.*"])}
        b ASK hub.STREAM.NAMES
        b ASK hub.INFO
        """,
    ),
    *(
        Scenario(
            f"advisories {how}",
            config,
            f"""
            a SUB $JS.EVENT.> 1
            b SUB $JS.EVENT.> 1
            s SUB $JS.EVENT.> 1
            b ASK JS.A.{stream("O", subjects=["ord.*"])} && a AWAIT 2
            b ASK JS.A.STREAM.INFO.NOPE && a AWAIT 3
            a ASK $JS.API.INFO && a AWAIT 4
            b ASK $JS.API.STREAM.INFO.X && b AWAIT 1
            """,
        )
        for how, config in (("of requests of others", HUB), ("of shared requests", SHARED))
    ),
    *(
        Scenario(
            f"{kind} of another account",
            HUB,
            f"""{ORDERS}{SOME}
            d ASK $JS.API.{stream("M", **config)}
            d UNTIL $JS.API.STREAM.INFO.M state.messages 3
            a ASK ord.4 | four
            d UNTIL $JS.API.STREAM.INFO.M state.messages 4
            d FIELDS {COPIED if "mirror" in config else TAKEN} | $JS.API.STREAM.INFO.M
            d ASK $JS.API.STREAM.MSG.GET.M | {{"seq": 1}}
            a FIELDS state.consumer_count | $JS.API.STREAM.INFO.O
            """,
        )
        for kind, config in (
            ("a mirror", {"mirror": external("O")}),
            ("a source", {"sources": [external("O")]}),
            (
                "a renaming source",
                {
                    "sources": [
                        external("O", subject_transforms=[{"src": "ord.*", "dest": "got.$1"}])
                    ]
                },
            ),
        )
    ),
    Scenario(
        "copies that begin later",
        HUB,
        f"""{ORDERS}{SOME}
        d ASK $JS.API.{stream("M", mirror=external("O", opt_start_seq=2))}
        d ASK $JS.API.{stream("S", sources=[external("O", filter_subject="ord.3")])}
        d UNTIL $JS.API.STREAM.INFO.M state.messages 2
        d UNTIL $JS.API.STREAM.INFO.S state.messages 1
        d FIELDS state.first_seq state.last_seq | $JS.API.STREAM.INFO.M
        d ASK $JS.API.STREAM.MSG.GET.S | {{"seq": 1}}
        """,
    ),
    *(
        Scenario(
            f"{kind} of a work queue of another account",
            HUB,
            f"""
            a ASK $JS.API.{stream("O", subjects=["ord.*"], retention="workqueue")}
            {SOME}
            d ASK $JS.API.{stream("M", **config)}
            d UNTIL $JS.API.STREAM.INFO.M state.messages 3
            a UNTIL $JS.API.STREAM.INFO.O state.messages 0
            a ASK ord.4 | four
            d UNTIL $JS.API.STREAM.INFO.M state.messages 4
            a UNTIL $JS.API.STREAM.INFO.O state.messages 0
            a FIELDS state.consumer_count | $JS.API.STREAM.INFO.O
            a FIELDS consumers.0.config.ack_policy consumers.0.config.metadata | \
            $JS.API.CONSUMER.LIST.O
            d ASK $JS.API.STREAM.DELETE.M
            a UNTIL $JS.API.STREAM.INFO.O state.consumer_count 0
            """,
        )
        for kind, config in (
            ("a mirror", {"mirror": external("O")}),
            ("a source", {"sources": [external("O")]}),
        )
    ),
    *(
        Scenario(
            f"{kind} that reads through a consumer of the other account",
            HUB,
            f"""
            a ASK $JS.API.{stream("O", subjects=["ord.*"], retention="workqueue")}
            {SOME}
            a ASK $JS.API.{consumer("O", "C", **LASTING)}
            d ASK $JS.API.{stream("M", **config)}
            d UNTIL $JS.API.STREAM.INFO.M state.messages 3
            a UNTIL $JS.API.STREAM.INFO.O state.messages 0
            d ASK $JS.API.STREAM.DELETE.M
            a FIELDS state.consumer_count | $JS.API.STREAM.INFO.O
            """,
        )
        for kind, config in (
            ("a mirror", {"mirror": external("O", consumer=THROUGH)}),
            ("a source", {"sources": [external("O", consumer=THROUGH)]}),
        )
    ),
    Scenario(
        "a consumer that copies and is asked for again",
        HUB,
        f"""
        a ASK $JS.API.{stream("O", subjects=["ord.*"], retention="workqueue")}
        {SOME}
        a SUB d.1 1
        a PUB $JS.API.{copier("d.1")} && a AWAIT 3
        a UNSUB 1
        a SUB d.2 2
        a PUB $JS.API.{copier("d.2", **SECOND)} && a AWAIT 6
        """,
    ),
    Scenario(
        "an external API that is not there",
        HUB,
        f"""
        d ASK $JS.API.{stream("W", sources=[external("O", "JS.NOPE")])}
        d FIELDS sources | $JS.API.STREAM.INFO.W
        d ASK $JS.API.{stream("V", mirror=external("O", "JS.NOPE"))}
        d FIELDS mirror | $JS.API.STREAM.INFO.V
        d ASK $JS.API.{stream("U", mirror=external("NOPE"))}
        d UNTIL $JS.API.STREAM.INFO.U mirror.error.err_code 10059
        d FIELDS mirror | $JS.API.STREAM.INFO.U
        d ASK $JS.API.{stream("Y", sources=[external("NOPE")])}
        d UNTIL $JS.API.STREAM.INFO.Y sources.0.error.err_code 10059
        d FIELDS sources | $JS.API.STREAM.INFO.Y
        d ASK $JS.API.{stream("T", sources=[external("O", "JS.*")])}
        d ASK $JS.API.{stream("S", sources=[external("O", "$JS.API")])}
        d ASK $JS.API.{stream("R", sources=[external("O", "JS.A", "dlv.*")])}
        d ASK $JS.API.{stream("T", mirror=external("O", "JS.*"))}
        d ASK $JS.API.{stream("S", mirror=external("O", "$JS.API"))}
        d ASK $JS.API.{stream("R", mirror=external("O", "JS.A", "dlv.*"))}
        """,
    ),
    Scenario(
        "imports that go and come back",
        HUB,
        f"""{ORDERS}
        d ASK $JS.API.{stream("M", mirror=external("O"))}
        d ASK $JS.API.{stream("S", sources=[external("O")])}
        a ASK ord.1 | one
        d UNTIL $JS.API.STREAM.INFO.M state.messages 1
        d UNTIL $JS.API.STREAM.INFO.S state.messages 1
        reload APART
        a ASK ord.2 | two
        d ASK JS.A.INFO
        wait 0.5
        d FIELDS state.messages | $JS.API.STREAM.INFO.M
        d FIELDS state.messages | $JS.API.STREAM.INFO.S
        reload HUB
        a ASK ord.3 | three
        d UNTIL $JS.API.STREAM.INFO.M state.messages 3
        d UNTIL $JS.API.STREAM.INFO.S state.messages 3
        """,
        {"HUB": HUB, "APART": APART},
    ),
    Scenario(
        "JetStream that is switched off for the exporter",
        HUB,
        """
        b ASK JS.A.INFO
        reload OFF
        b ASK JS.A.INFO
        a ASK $JS.API.INFO
        a ASK $JS.hub.API.INFO
        reload HUB
        b ASK JS.A.INFO
        """,
        {"HUB": HUB, "OFF": OFF},
    ),
    Scenario(
        "streams that store messages of another account",
        EVENTS,
        f"""
        d ASK $JS.API.{stream("E", subjects=["imp.ev.>", "er.>"])}
        a PUB ev.1 reply | one
        a PUB re.1.2 | two
        a PUB old.3 | three
        a PUB ev.x | four
        d ASK own.5 | five
        d UNTIL $JS.API.STREAM.INFO.E state.messages 5
        d ASK $JS.API.STREAM.INFO.E | {{"subjects_filter": ">"}}
        """,
    ),
    Scenario(
        "purging an account",
        HUB,
        f"""{ORDERS}
        a PUB $JS.API.ACCOUNT.PURGE.A x
        s ASK $JS.API.ACCOUNT.PURGE.A | x
        s ASK $JS.API.ACCOUNT.PURGE.A | {{}}
        a UNTIL $JS.API.STREAM.NAMES streams null
        a ASK $JS.API.STREAM.NAMES
        s ASK $JS.API.ACCOUNT.PURGE.NOPE
        s ASK $JS.API.ACCOUNT.PURGE.B
        s ASK $JS.hub.API.ACCOUNT.PURGE.B
        """,
    ),
    Scenario(
        "the API of another account under its own name",
        OWN_NAME,
        f"""{ORDERS}
        c ASK $JS.API.{consumer("O", "w")}
        c ASK $JS.API.CONSUMER.NAMES.O
        c ASK $JS.API.STREAM.INFO.NOPE
        c ASK $JS.API.STREAM.NAMES
        """,
    ),
]
