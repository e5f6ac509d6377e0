"""Traces of messages that streams take, and of requests that the server answers."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.accounts.rows.streams import users
from tests.support.stage import Scenario

CONFIG = f"""
jetstream {{ max_mem_store: 64MB, max_file_store: 64MB, store_dir: "@FOLDER@/store" }}
accounts {{
  A {{ {users("a", "t", "b")}, jetstream: enabled }}
  SYS {{ {users("s")} }}
}}
system_account: SYS
"""
TRACED = "Nats-Trace-Dest: tr.d"
ONLY = "Nats-Trace-Dest: tr.d; Nats-Trace-Only: true"


def stream(name: str, *subjects: str, **more: Any) -> str:
    config = {"name": name, "subjects": subjects, "storage": "memory", **more}
    return f"b PUB $JS.API.STREAM.CREATE.{name} made | {json.dumps(config)}\n"


def both(*blocks: str, subject: str = "jst.1") -> str:
    return (
        "\n".join(
            f"a HPUB {subject} rep | {traced}; {block} | hi"
            for block in blocks
            for traced in (TRACED, ONLY)
        )
        + "\n"
    )


def batch(name: str, sequence: object, commit: str = "", asked: str = "", more: str = "") -> str:
    block = f"{asked}; Nats-Batch-Id: {name}; Nats-Batch-Sequence: {sequence}"
    block += f"; Nats-Batch-Commit: {commit}" * bool(commit) + f"; {more}"
    return f"a HPUB jsa.1 rep | {block} | hi"


def consumer(**config: str) -> str:
    config |= {"name": "C", "durable_name": "C", "ack_policy": "explicit"}
    subject = "".join(f".{each}" for each in [config.get("filter_subject")] if each)
    asked = json.dumps({"stream_name": "S", "config": config})
    return f"b PUB $JS.API.CONSUMER.CREATE.S.C{subject} made | {asked}"


START = "t SUB tr.> 1\nb SUB made 1\na SUB rep 1\n"

DOMAIN = CONFIG.replace("{ max_mem", "{ domain: D, max_mem", 1)
SMALL = CONFIG.replace("jetstream: enabled", "jetstream: {max_mem: 200, max_file: 1000}")
PARENTS = CONFIG.replace("jetstream: enabled", 'jetstream: enabled, msg_trace: "tr.p"')


def importing(allowed: str) -> str:
    return f"""
jetstream {{ max_mem_store: 64MB, max_file_store: 64MB, store_dir: "@FOLDER@/store" }}
accounts {{
  E {{ {users("a", "t")}, exports: [{{stream: "ev.>"}}] }}
  A {{ {users("b")}, jetstream: enabled
    imports: [{{stream: {{account: E, subject: "ev.>"}}, prefix: bp {allowed}}}] }}
}}
"""


ROWS = [
    Scenario("an account that is full", SMALL, START + stream("S", "jst.*") + f"""
        a HPUB jst.1 | A: 1 | {"a" * 100}
        a HPUB jst.1 | A: 1 | {"a" * 100}
        a HPUB jst.1 | A: 1 | {"a" * 100}
        a HPUB jst.1 rep | {TRACED} | {"a" * 100}
        a HPUB jst.1 rep | {ONLY} | {"a" * 100}
    """),
    Scenario("a stream takes what has a parent", PARENTS, START + stream("S", "jst.*") + """
        a HPUB jst.1 rep | traceparent: a-b-c-01 | hi
        a HPUB jst.1 rep | traceparent: a-b-c-01; Nats-Trace-Only: true; Nats-Trace-Dest:  | hi
        a PUB $JS.API.STREAM.MSG.GET.S rep | {"seq":1}
        a PUB $JS.API.STREAM.MSG.GET.S rep | {"seq":2}
    """),
    *(
        Scenario(f"a stream takes it from an import {name}", importing(allowed), f"""
        t SUB tr.> 1
        b SUB made 1
        {stream("S", "bp.>")}
        a HPUB ev.1 | {TRACED} | hi
        a HPUB ev.1 | {ONLY} | hi
        b PUB $JS.API.STREAM.MSG.GET.S made | {{"seq":1}}
        b PUB $JS.API.STREAM.INFO.S made |
    """)
        for name, allowed in (("that allows none", ""), ("that allows it", ", allow_trace: true"))
    ),
    Scenario("batches", CONFIG, START
        + stream("A", "jsa.*", allow_atomic=True, allow_batched=True) + f"""
        {batch("d", 1)}
        {batch("d", 2, asked=ONLY)}
        {batch("d", 2, asked=TRACED)}
        {batch("d", 3, "1", TRACED)}
        {batch("e", 1)}
        {batch("e", 2, "1", ONLY)}
        {batch("f", 1, "1", TRACED)}
        {batch("g", 1, "x", TRACED)}
        {batch("h", "x", "", TRACED)}
        {batch("i", 1, "1", TRACED, "Nats-Expected-Last-Sequence: 99")}
        {batch("i", 1, "", TRACED, "Nats-Msg-Id: m")}
        b PUB $JS.API.STREAM.INFO.A made |
        a SUB fb.> 7
        a HPUB jsa.1 fb.u1.10.fail.1.0.$FI | {TRACED} | hi
        a HPUB jsa.1 fb.u1.10.fail.2.1.$FI | {TRACED} | hi
        a HPUB jsa.1 fb.u1.10.fail.3.1.$FI | {ONLY} | hi
        a HPUB jsa.1 fb.u1.10.fail.4.1.$FI | {TRACED} | hi
        a HPUB jsa.1 fb.u1.10.fail.4.2.$FI | {TRACED} | hi
        a HPUB jsa.1 fb.u2.10.fail.3.1.$FI | {TRACED} | hi
        b PUB $JS.API.STREAM.INFO.A made |
    """),
    Scenario("a stream takes it", CONFIG, START + stream("S", "jst.*") + f"""
        a HPUB jst.1 rep | A: 1; {TRACED}; B: 2 | hi
        a HPUB jst.1 | {TRACED} | hi
        a HPUB jst.1 rep | {ONLY} | hi
        a HPUB jst.1 | {ONLY} | hi
        a HPUB jst.1 rep | Nats-Trace-Dest: tr.* | hi
        a HPUB jst.1 rep | Nats-Trace-Dest: trace disabled; Nats-Trace-Origin-Account: A | hi
        a SUB jst.> 2
        a HPUB jst.1 rep | Nats-Trace-Hop: 1; {TRACED} | hi
        a HPUB jst.1 rep | {ONLY} | hi
        a PUB $JS.API.STREAM.MSG.GET.S rep | {{"seq":1}}
        a PUB $JS.API.STREAM.MSG.GET.S rep | {{"seq":2}}
        a PUB $JS.API.STREAM.MSG.GET.S rep | {{"seq":3}}
        a PUB $JS.API.STREAM.MSG.GET.S rep | {{"seq":4}}
        a PUB $JS.API.STREAM.MSG.GET.S rep | {{"seq":5}}
    """),
    Scenario("a stream refuses it by its headers", CONFIG, START + stream("S", "jst.*") + both(
        "Nats-Msg-Id: 1", "Nats-Msg-Id: 1", "Nats-Expected-Last-Sequence: 99",
        "Nats-Expected-Stream: T", "Nats-Expected-Last-Msg-Id: x",
        "Nats-Expected-Last-Subject-Sequence: 7", "Nats-Expected-Last-Sequence: x",
        "Nats-TTL: 1s", "Nats-TTL: x", "Nats-Rollup: all", "Nats-Rollup: x", "Nats-Incr: 1",
        "Nats-Batch-Id: b; Nats-Batch-Sequence: 1", "Nats-Schedule: @at 2030-01-01T00:00:00Z",
        "Nats-Stream-Source: x", "Nats-Required-Api-Level: 99",
    ) + both("Nats-Expected-Last-Sequence: 99").replace(" rep ", " ")),
    Scenario("a full stream", CONFIG, START + stream("S", "jst.*", max_msgs=1, discard="new") + f"""
        a HPUB jst.1 rep | {TRACED} | hi
        a HPUB jst.1 rep | {TRACED} | hi
        a HPUB jst.1 rep | {ONLY} | hi
    """ + stream("B", "jsb.*", max_bytes=100, discard="new") + f"""
        a HPUB jsb.1 rep | {TRACED}; A: {"a" * 100} | hi
        a HPUB jsb.1 rep | {ONLY}; A: {"a" * 100} | hi
    """ + stream("Z", "jsz.*", max_msg_size=10, discard="new") + f"""
        a HPUB jsz.1 rep | {TRACED} | hihihihihihi
        a HPUB jsz.1 rep | {ONLY} | hihihihihihi
    """ + stream("P", "jsp.*", max_msgs_per_subject=1, discard="new",
                 discard_new_per_subject=True) + f"""
        a HPUB jsp.1 rep | {TRACED} | hi
        a HPUB jsp.1 rep | {TRACED} | hi
        a HPUB jsp.1 rep | {ONLY} | hi
    """ + stream("N", "jsn.*", no_ack=True) + f"""
        a HPUB jsn.1 rep | {TRACED} | hi
        a HPUB jsn.1 rep | {TRACED}; Nats-Expected-Last-Sequence: 99 | hi
    """),
    Scenario("a sealed stream", CONFIG, START + stream("S", "jst.*")
        + stream("S", "jst.*", sealed=True).replace("CREATE", "UPDATE") + both("A: 1")),
    Scenario("an interest stream", CONFIG, START + stream("S", "jst.*", retention="interest") + f"""
        a HPUB jst.1 rep | {TRACED} | hi
        a HPUB jst.1 rep | {ONLY} | hi
        {consumer(filter_subject="jst.2")}
        a HPUB jst.1 rep | {TRACED} | hi
        a HPUB jst.2 rep | {TRACED} | hi
        a HPUB jst.2 rep | {ONLY} | hi
        b SUB in 4
        b PUB $JS.API.CONSUMER.MSG.NEXT.S.C in | 1
    """),
    Scenario("a stream with other subjects", CONFIG, START + stream(
        "S", "jst.*", subject_transform={"src": "jst.*", "dest": "kept.{{wildcard(1)}}"}) + f"""
        a HPUB jst.1 rep | {TRACED} | hi
        a HPUB jst.1 rep | {ONLY} | hi
        a HPUB jst.1 rep | {TRACED}; Nats-Msg-Id: 1 | hi
        a HPUB jst.1 rep | {TRACED}; Nats-Msg-Id: 1 | hi
        a HPUB jst.1 rep | {TRACED}; Nats-Expected-Last-Sequence: 99 | hi
    """),
    Scenario("streams with features", CONFIG, START
        + stream("C", "jsc.*", allow_msg_counter=True)
        + both("Nats-Incr: 1", "Nats-Incr: x", "A: 1", subject="jsc.1")
        + stream("R", "jsr.*", allow_rollup_hdrs=True, allow_msg_ttl=True)
        + both("Nats-Rollup: sub", "Nats-Rollup: x", "Nats-TTL: 1h", "Nats-TTL: x", "A: 1",
               subject="jsr.1")
        + stream("A", "jsa.*", allow_atomic=True)
        + both("A: 1", subject="jsa.1") + f"""
        {batch("c", 7, "", TRACED)}
        {batch("d", 1)}
        {batch("d", 2, "", TRACED)}
        {batch("d", 3, "1", TRACED)}
        a PUB $JS.API.STREAM.MSG.GET.A rep | {{"seq":1}}
        a PUB $JS.API.STREAM.MSG.GET.A rep | {{"seq":2}}
    """),
    Scenario("requests to the server", CONFIG, START
        + stream("S", "jst.*", allow_direct=True) + f"""
        a PUB jst.1 rep | hi
        {consumer()}
        a HPUB $JS.API.STREAM.NAMES rep | {TRACED} |
        a HPUB $JS.API.STREAM.NAMES rep | {ONLY} |
        a HPUB $JS.API.NONE rep | {TRACED} |
        a HPUB $JS.API.STREAM.MSG.GET.S rep | {TRACED} | {{"seq":1}}
        a HPUB $JS.API.STREAM.MSG.GET.S rep | {ONLY} | {{"seq":1}}
        a HPUB $JS.API.DIRECT.GET.S rep | {TRACED} | {{"seq":9}}
        a HPUB $JS.API.DIRECT.GET.S rep | {ONLY} | {{"seq":9}}
        a SUB in 5
        a HPUB $JS.API.CONSUMER.MSG.NEXT.S.C in | {TRACED} | {{"batch":1,"no_wait":true}}
        a HPUB $JS.ACK.S.C.1.1.1.1.0 rep | {TRACED} | +NXT
        a HPUB $JS.ACK.S.C.1.1.1.1.0 rep | {ONLY} | +ACK
        a HPUB $JS.API.CONSUMER.MSG.NEXT.S.C in | {ONLY} | {{"batch":1,"no_wait":true}}
        a HPUB $JS.FC.S.C.x | {TRACED} |
    """),
    Scenario("requests to the system account", "server_name: one\n" + CONFIG, """
        t SUB tr.> 1
        s SUB tr.> 1
        s SUB rep 2
        a SUB rep 3
        s HPUB $SYS.REQ.SERVER.PING.IDZ rep | Nats-Trace-Dest: tr.d |
        s HPUB $SYS.REQ.SERVER.PING.IDZ rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true |
        a HPUB $SYS.REQ.USER.INFO rep | Nats-Trace-Dest: tr.d |
        a HPUB $SYS.REQ.USER.INFO rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true |
    """),
    Scenario("requests that name the domain", DOMAIN, """
        t SUB tr.> 1
        a SUB rep 3
        a HPUB $JS.D.API.STREAM.NAMES rep | Nats-Trace-Dest: tr.d |
        a HPUB $JS.D.API.STREAM.NAMES rep | Nats-Trace-Dest: tr.d; Nats-Trace-Only: true |
        a HPUB $JS.E.API.STREAM.NAMES rep | Nats-Trace-Dest: tr.d |
    """),
]  # fmt: skip
