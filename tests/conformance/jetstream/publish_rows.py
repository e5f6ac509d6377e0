"""Publishes whose acknowledgements and stored messages must be those of the real server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pub:
    """One message. `subject` is relative to the row's subjects; `headers` may be a raw block."""

    subject: str = "a"
    headers: dict[str, str] | bytes = field(default_factory=dict)
    payload: bytes = b"x"
    reply: bool = True


@dataclass(frozen=True, slots=True)
class Api:
    """An API request about the row's stream, e.g. `STREAM.PURGE`."""

    verb: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishRow:
    """A stream with subjects `<name>.>` and what is sent to it."""

    name: str
    config: dict[str, Any]
    steps: tuple[Pub | Api, ...]


def p(subject: str = "a", payload: bytes = b"x", **headers: str) -> Pub:
    """A publish; `Nats_Msg_Id` stands for `Nats-Msg-Id`."""
    return Pub(subject, {name.replace("_", "-"): value for name, value in headers.items()}, payload)


def raw(block: bytes, subject: str = "a", payload: bytes = b"x") -> Pub:
    return Pub(subject, block, payload)


def row(name: str, *steps: Pub | Api, **config: Any) -> PublishRow:
    return PublishRow(name, config, steps)


ROLLUP = {"allow_rollup_hdrs": True}
TTL = {"allow_msg_ttl": True}
SCHEDULES = {"allow_msg_schedules": True, "allow_rollup_hdrs": True, "allow_msg_ttl": True}
COUNTER = {"allow_msg_counter": True}
KV = {
    "max_msgs_per_subject": 1,
    "discard": "new",
    "allow_rollup_hdrs": True,
    "deny_delete": True,
    "allow_direct": True,
}
LATER = "@at 2099-01-01T00:00:00Z"
DUE = {"Nats_Schedule": LATER, "Nats_Schedule_Target": "schedule.t"}
YEARLY = {"Nats_Schedule": "@yearly", "Nats_Schedule_Target": "schedule.t"}

ROWS = (
    row("plain", p(), p("b.c"), p("b", b"")),
    row("no-reply", Pub(reply=False), p()),
    # duplicates
    row("dup", p(Nats_Msg_Id="1"), p(Nats_Msg_Id="1"), p("b", Nats_Msg_Id="1"), p(Nats_Msg_Id="2")),
    row("dup-case", p(Nats_Msg_Id="a"), p(Nats_Msg_Id="A"), p(Nats_Msg_Id="a ")),
    row("dup-empty", p(Nats_Msg_Id=""), p(Nats_Msg_Id="")),
    row("dup-long", p(Nats_Msg_Id="i" * 5000), p(Nats_Msg_Id="i" * 5000), p(Nats_Msg_Id="i")),
    row("dup-purged", p(Nats_Msg_Id="1"), Api("STREAM.PURGE"), p(Nats_Msg_Id="1")),
    row(
        "dup-deleted", p(Nats_Msg_Id="1"), Api("STREAM.MSG.DELETE", {"seq": 1}), p(Nats_Msg_Id="1")
    ),
    row("dup-limit", p(Nats_Msg_Id="1"), p(), p(Nats_Msg_Id="1"), max_msgs=1),
    row("dup-refused", p(Nats_Msg_Id="1", Nats_Expected_Stream="x"), p(Nats_Msg_Id="1")),
    row(
        "dup-before-last-id",
        p(Nats_Msg_Id="1"),
        p(Nats_Msg_Id="1", Nats_Expected_Last_Msg_Id="9"),
        p(Nats_Msg_Id="1", Nats_Expected_Last_Sequence="9"),
        p(Nats_Msg_Id="1", Nats_Rollup="sub"),
    ),
    row(
        "dup-two",
        raw(b"NATS/1.0\r\nNats-Msg-Id: a\r\nNats-Msg-Id: b\r\n\r\n"),
        p(Nats_Msg_Id="b"),
        p(Nats_Msg_Id="a"),
    ),
    row("dup-big", p(Nats_Msg_Id="1"), p(payload=b"y" * 20, Nats_Msg_Id="1"), max_msg_size=60),
    row("dup-full", p(Nats_Msg_Id="1"), p(Nats_Msg_Id="1"), p(), max_msgs=1, discard="new"),
    # expectations
    row(
        "stream",
        p(Nats_Expected_Stream="stream"),
        p(Nats_Expected_Stream="Stream"),
        p(Nats_Expected_Stream=""),
    ),
    row(
        "last-seq",
        p(Nats_Expected_Last_Sequence="0"),
        p(Nats_Expected_Last_Sequence="1"),
        p(Nats_Expected_Last_Sequence="1"),
        p(Nats_Expected_Last_Sequence="x"),
        p(Nats_Expected_Last_Sequence="-1"),
        p(Nats_Expected_Last_Sequence=" 2"),
        p(Nats_Expected_Last_Sequence="2 "),
        p(Nats_Expected_Last_Sequence=""),
        p(Nats_Expected_Last_Sequence="18446744073709551618"),
    ),
    row(
        "last-subject-seq",
        p(Nats_Expected_Last_Subject_Sequence="0"),
        p(Nats_Expected_Last_Subject_Sequence="0"),
        p("b", Nats_Expected_Last_Subject_Sequence="0"),
        p(Nats_Expected_Last_Subject_Sequence="1"),
        p(Nats_Expected_Last_Subject_Sequence="2"),
        Api("STREAM.MSG.DELETE", {"seq": 3}),
        p(Nats_Expected_Last_Subject_Sequence="3"),
        p(Nats_Expected_Last_Subject_Sequence="1"),
        Api("STREAM.PURGE"),
        p(Nats_Expected_Last_Subject_Sequence="4"),
        p(Nats_Expected_Last_Subject_Sequence="0"),
    ),
    row(
        "last-subject-filter",
        p("b.1"),
        p("b.2"),
        p(
            Nats_Expected_Last_Subject_Sequence="2",
            Nats_Expected_Last_Subject_Sequence_Subject="last-subject-filter.b.*",
        ),
        p(
            Nats_Expected_Last_Subject_Sequence="1",
            Nats_Expected_Last_Subject_Sequence_Subject="last-subject-filter.b.*",
        ),
        p(
            Nats_Expected_Last_Subject_Sequence="1",
            Nats_Expected_Last_Subject_Sequence_Subject="last-subject-filter.b.1",
        ),
        p(
            Nats_Expected_Last_Subject_Sequence="0",
            Nats_Expected_Last_Subject_Sequence_Subject="other",
        ),
        p(Nats_Expected_Last_Subject_Sequence_Subject="last-subject-filter.b.1"),
    ),
    row(
        "last-id",
        p(Nats_Expected_Last_Msg_Id="1"),
        p(Nats_Msg_Id="1"),
        p(Nats_Expected_Last_Msg_Id="1"),
        p(Nats_Expected_Last_Msg_Id="1"),
        p(Nats_Msg_Id='q"\u00e9'),
        p(Nats_Expected_Last_Msg_Id="z"),
    ),
    row(
        "expected-order",
        p(Nats_Expected_Last_Sequence="7", Nats_Expected_Last_Subject_Sequence="8"),
        p(Nats_Expected_Last_Msg_Id="7", Nats_Expected_Last_Subject_Sequence="8"),
        p(Nats_Expected_Stream="7", Nats_Expected_Last_Subject_Sequence="8"),
        p(Nats_TTL="5s", Nats_Expected_Last_Subject_Sequence="8"),
        p(Nats_Rollup="sub", Nats_Expected_Last_Msg_Id="8"),
        p(Nats_Stream_Source="S 1", Nats_Expected_Last_Msg_Id="8"),
        p(Nats_Stream_Source="S 1", Nats_Expected_Last_Sequence="8"),
        p(Nats_Schedule="bad", Nats_Expected_Last_Sequence="8"),
        p(Nats_Schedule="bad", Nats_Stream_Source="S 1"),
        p(Nats_Incr="x", Nats_Expected_Stream="8"),
        p(Nats_Incr="1", Nats_Expected_Stream="8"),
    ),
    # sizes and limits
    row(
        "max-size",
        p(payload=b"1" * 20),
        p(payload=b"1" * 21),
        p(payload=b"1" * 9, A="b"),
        max_msg_size=20,
    ),
    row(
        "max-size-order",
        p(payload=b"1" * 200, Nats_Expected_Last_Sequence="9"),
        p(payload=b"1" * 200, Nats_Expected_Last_Msg_Id="9"),
        p(payload=b"1" * 200, Nats_Rollup="sub"),
        p(payload=b"1" * 200, Nats_TTL="x"),
        max_msg_size=100,
    ),
    row(
        "sizes-order",
        raw(b"NATS/1.0\r\nNats-Incr: 1\r\nA: " + b"x" * 65530 + b"\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Incr: x\r\n\r\n", payload=b"x" * 70000),
        raw(b"NATS/1.0\r\nA: " + b"x" * 65530 + b"\r\n\r\n", payload=b"x" * 70000),
        max_msg_size=70000,
    ),
    row("old-msgs", p("1"), p("2"), p("3"), max_msgs=2),
    row("old-bytes", *(p("1", b"1" * 100) for _ in range(5)), max_bytes=300),
    row("old-per-subject", p("1"), p("2"), p("1"), p("1"), p("2"), p("2"), max_msgs_per_subject=2),
    row("new-msgs", p("1"), p("2"), p("3"), max_msgs=2, discard="new"),
    row("new-bytes", *(p("1", b"1" * 100) for _ in range(5)), max_bytes=300, discard="new"),
    row(
        "new-bytes-hdr",
        *(p("1", b"1" * 90, A="bc") for _ in range(5)),
        max_bytes=300,
        discard="new",
    ),
    row(
        "new-msgs-per-subject",
        p("1"),
        p("2"),
        p("2"),
        p("3"),
        p("1"),
        max_msgs=2,
        max_msgs_per_subject=1,
        discard="new",
    ),
    row(
        "new-bytes-per-subject",
        p("1", b"1" * 100),
        p("2", b"1" * 100),
        p("2", b"1" * 200),
        p("2", b"1" * 90),
        p("2", b"1" * 100),
        p("2", b"1" * 91),
        max_bytes=300,
        max_msgs_per_subject=1,
        discard="new",
    ),
    row(
        "new-per-subject",
        p("1"),
        p("1"),
        p("2"),
        p("1", Nats_Rollup="sub"),
        p("2", Nats_Rollup="all"),
        p("2", Nats_Rollup="x"),
        p("1"),
        max_msgs_per_subject=1,
        discard="new",
        discard_new_per_subject=True,
        **ROLLUP,
    ),
    row(
        "new-per-subject-2",
        p("1"),
        p("1"),
        p("1"),
        p("2"),
        p("3"),
        p("2"),
        p("1", Nats_Rollup="sub"),
        p("1"),
        max_msgs=4,
        max_msgs_per_subject=2,
        discard="new",
        discard_new_per_subject=True,
        **ROLLUP,
    ),
    # rollups
    row("rollup-off", p(Nats_Rollup="sub"), p(Nats_Rollup="x"), p(Nats_Rollup="")),
    row("rollup-denied", p(Nats_Rollup="sub")),
    row(
        "rollup-sub",
        p(),
        p("b"),
        p(),
        p("b"),
        p(Nats_Rollup="sub"),
        p("b", Nats_Rollup="SUB"),
        **ROLLUP,
    ),
    row("rollup-all", p(), p("b"), p(Nats_Rollup="All"), p(), **ROLLUP),
    row(
        "rollup-bad",
        p(),
        p(Nats_Rollup="subject"),
        p(Nats_Rollup="sub "),
        p(Nats_Rollup='"\u00e9'),
        **ROLLUP,
    ),
    row("rollup-first", p(Nats_Rollup="sub"), p(Nats_Rollup="all"), **ROLLUP),
    # key-value
    row(
        "kv",
        p("k", Nats_Expected_Last_Subject_Sequence="0"),
        p("k", Nats_Expected_Last_Subject_Sequence="0"),
        p("k", Nats_Expected_Last_Subject_Sequence="1"),
        p("k", b"", KV_Operation="DEL"),
        p("k", b"", KV_Operation="PURGE", Nats_Rollup="sub"),
        p("k", Nats_Expected_Last_Subject_Sequence="4"),
        p("l"),
        **KV,
    ),
    row(
        "kv-history",
        p("k"),
        p("k"),
        p("l"),
        p("k", b"", KV_Operation="PURGE", Nats_Rollup="sub"),
        p("k"),
        **{**KV, "max_msgs_per_subject": 5},
    ),
    # TTL
    row(
        "ttl-off",
        p(Nats_TTL="5s"),
        p(Nats_TTL="x"),
        p(Nats_TTL="never"),
        p(Nats_TTL=""),
        p(Nats_TTL="00"),
    ),
    row(
        "ttl",
        p(Nats_TTL="50s"),
        p(Nats_TTL="x"),
        p(Nats_TTL="never"),
        p(Nats_TTL="0"),
        p(Nats_TTL="00"),
        p(Nats_TTL="999ms"),
        **TTL,
    ),
    row(
        "ttl-order",
        p(Nats_TTL="x", Nats_Expected_Last_Sequence="9"),
        p(Nats_TTL="x", Nats_Msg_Id="1"),
        p(Nats_Msg_Id="1"),
        p(Nats_TTL="x", Nats_Rollup="x"),
        **TTL,
    ),
    row("ttl-full", p(), p(Nats_TTL="x"), max_msgs=1, discard="new", **TTL),
    row(
        "ttl-marker",
        p(Nats_TTL="1"),
        p(Nats_TTL="10s"),
        p(Nats_TTL="1h"),
        p(Nats_TTL="never"),
        p(Nats_TTL="9s", B="c", Nats_Msg_Id="7"),
        subject_delete_marker_ttl=10 * SECOND,
        **TTL,
        **ROLLUP,
    ),
    row(
        "ttl-marker-single",
        p(Nats_TTL="1"),
        subject_delete_marker_ttl=10 * SECOND,
        max_msgs_per_subject=1,
        **TTL,
        **ROLLUP,
    ),
    row("marker-by-client", p(Nats_Marker_Reason="MaxAge"), p(Nats_Marker_Reason="x"), **TTL),
    row(
        "marker-api",
        p(),
        p("b"),
        p("b"),
        Api("STREAM.PURGE", {"filter": "marker-api.a"}),
        Api("STREAM.MSG.DELETE", {"seq": 3}),
        Api("STREAM.MSG.DELETE", {"seq": 2}),
        Api("STREAM.PURGE"),
        subject_delete_marker_ttl=10 * SECOND,
        **TTL,
        **ROLLUP,
    ),
    # counters
    row(
        "counter",
        p(payload=b"", Nats_Incr="5"),
        p(payload=b"", Nats_Incr="+3"),
        p(payload=b"", Nats_Incr="-10"),
        p("b", b"", Nats_Incr="0"),
        p("b", b"", Nats_Incr="-0"),
        p(payload=b"", Nats_Incr="9" * 60),
        p(payload=b"", Nats_Incr="1.5"),
        p(payload=b"", Nats_Incr=""),
        p(payload=b""),
        p(),
        p(Nats_Incr="1"),
        p(payload=b"", Nats_Incr="1", Nats_Msg_Id="1"),
        p(payload=b"", Nats_Incr="1", Nats_Msg_Id="1"),
        p(payload=b"", Nats_Incr="1", Nats_Expected_Last_Sequence="1"),
        p(payload=b"", Nats_Incr="1", Nats_Expected_Last_Subject_Sequence="1"),
        p(payload=b"", Nats_Incr="1", Nats_Expected_Last_Msg_Id="1"),
        p(payload=b"", Nats_Incr="1", Nats_Expected_Stream="counter"),
        p(payload=b"", Nats_Incr="1", Nats_Rollup="sub"),
        p(payload=b"", Nats_Incr="1", Nats_Stream_Source="S 1"),
        p(payload=b"", Nats_Incr="1", Nats_Counter_Sources="{}"),
        p(payload=b"", Nats_Expected_Last_Sequence="77"),
        p(Nats_Rollup="sub"),
        **COUNTER,
    ),
    row(
        "counter-off",
        p(payload=b"", Nats_Incr="5"),
        p(Nats_Incr="5"),
        p(Nats_Incr="x"),
        p(Nats_Incr=""),
    ),
    row(
        "counter-size",
        p(payload=b"", Nats_Incr="5"),
        p(payload=b"", Nats_Incr="5" * 9),
        max_msg_size=40,
        **COUNTER,
    ),
    # schedules
    row(
        "schedule-off",
        p(Nats_Schedule=LATER),
        p(Nats_Schedule="x"),
        p(Nats_Schedule=""),
        p(Nats_Schedule_Target="a.b"),
        p(Nats_Schedule_Time_Zone="x"),
    ),
    row(
        "schedule",
        p(**DUE),
        p(**DUE, Nats_Rollup="sub"),
        p(**DUE, Nats_Rollup="all"),
        p(**DUE, Nats_Schedule_TTL="5s"),
        p(**DUE, Nats_Schedule_TTL="x"),
        p(**DUE, Nats_Schedule_Rollup="sub"),
        p(**DUE, Nats_Schedule_Rollup="all"),
        p(**DUE, Nats_Schedule_Source="schedule.s"),
        p(**DUE, Nats_Schedule_Source="schedule.*"),
        p(**DUE, Nats_Schedule_Source="schedule.t"),
        p(**DUE, Nats_Schedule_Source="schedule.a"),
        p(**DUE, Nats_Schedule_Source="else"),
        p(Nats_Schedule=LATER, Nats_Schedule_Target="schedule.a"),
        p(Nats_Schedule=LATER, Nats_Schedule_Target="else"),
        p(Nats_Schedule=LATER, Nats_Schedule_Target="schedule.*"),
        p(Nats_Schedule=LATER, Nats_Schedule_Target=""),
        p(Nats_Schedule=LATER),
        p(Nats_Schedule="@later"),
        p(**DUE, Nats_Schedule_Time_Zone="UTC"),
        p(**YEARLY, Nats_Schedule_Time_Zone="UTC"),
        p(**YEARLY, Nats_Schedule_Time_Zone="x"),
        p(**YEARLY, Nats_Schedule_Time_Zone=""),
        p("b", Nats_Schedule_Time_Zone="x"),
        **SCHEDULES,
    ),
    row(
        "schedule-end",
        p(Nats_Schedule=LATER, Nats_Schedule_Target="schedule-end.t"),
        p("n"),
        p("x", Nats_Scheduler="schedule-end.a"),
        p("x", Nats_Schedule_Next="purge"),
        p("x", Nats_Schedule_Next="2030", Nats_Scheduler="schedule-end.a"),
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end.x"),
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end.n"),
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end.*"),
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end.none"),
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end.a"),
        p("x", Nats_Schedule_Next="", Nats_Scheduler=""),
        **SCHEDULES,
    ),
    row(
        "schedule-end-off",
        p("x", Nats_Schedule_Next="purge", Nats_Scheduler="schedule-end-off.a"),
        p("x", Nats_Schedule_Next="x"),
        p("x", Nats_Scheduler="a"),
    ),
    row("source-header", p(Nats_Stream_Source="S 1"), p(Nats_Stream_Source="")),
    # transforms, retention, sealing
    row(
        "transform",
        p("in.1"),
        p("in.2.3"),
        p("b"),
        subject_transform={"src": "transform.in.*", "dest": "transform.out.{{wildcard(1)}}"},
    ),
    row(
        "transform-dup",
        p("in.1", Nats_Msg_Id="1"),
        p("in.1", Nats_Msg_Id="1"),
        p("in.1", Nats_Expected_Last_Subject_Sequence="1"),
        p("in.1", Nats_Expected_Last_Subject_Sequence="0"),
        subject_transform={
            "src": "transform-dup.in.*",
            "dest": "transform-dup.out.{{wildcard(1)}}",
        },
    ),
    row(
        "interest",
        p(),
        p(Nats_Msg_Id="1"),
        p(Nats_Msg_Id="1"),
        p(Nats_Expected_Last_Msg_Id="1"),
        p(Nats_Expected_Last_Sequence="3"),
        p(Nats_TTL="x"),
        retention="interest",
    ),
    row("workqueue", p(), p("b"), p(Nats_Msg_Id="1"), p(Nats_Msg_Id="1"), retention="workqueue"),
    row("sealed", p(), Api("SEAL"), p(), p(Nats_Expected_Stream="x"), p(Nats_TTL="x")),
    row(
        "window-update",
        p(Nats_Msg_Id="1"),
        Api("UPDATE", {"duplicate_window": 0, "max_msgs": 9}),
        p(Nats_Msg_Id="1"),
        p(Nats_Msg_Id="2"),
        p(Nats_Msg_Id="2"),
    ),
    # what clients should not send
    row(
        "status",
        raw(b"NATS/1.0 503\r\n\r\n"),
        raw(b"NATS/1.0 503 No Responders\r\nA: b\r\n\r\n"),
        raw(b"NATS/1.0 503\r\nNats-Msg-Id: 1\r\n\r\n"),
        raw(b"NATS/1.0 503\r\nNats-Msg-Id: 1\r\n\r\n"),
        raw(b"NATS/1.0 \r\n\r\n"),
        raw(b"NATS/1.0\nA: b\r\n\r\n"),
        raw(b"NATS/1.0 503"),
    ),
    row(
        "blocks",
        raw(b"garbage\r\n"),
        raw(b"NATS/1.0\r\n"),
        raw(b"NATS/1.0\r\n\r\n"),
        raw(b"\r\n"),
        raw(b"NATS/1.0\r\nNats-Msg-Id"),
        raw(b"NATS/1.0\r\nNats-Msg-Id:"),
        raw(b"NATS/1.0\r\nNats-Msg-Id:1"),
        raw(b"NATS/1.0\r\nNats-Msg-Id:1\r\n\r\n"),
        raw(b"Nats-Msg-Id: 9\r\n\r\n"),
        raw(b"NATS/1.0\nNats-Msg-Id: 8\n\n"),
        raw(b"NATS/1.0\r\nnats-msg-id: 1\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Msg-Id : 1\r\n\r\n"),
        raw(b"NATS/1.0\r\n Nats-Msg-Id: 1\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Msg-Id:\t1\r\n\r\n"),
        raw(b"\x00\xff\r\nNats-TTL: \xff\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Rollup: \xff\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Expected-Last-Msg-Id: \xff\r\n\r\n"),
    ),
    row("request-info", p(Nats_Request_Info="{}"), p(Nats_Request_Info="{}", A="b")),
    row(
        "header-64k",
        raw(b"NATS/1.0\r\nA: " + b"x" * 65517 + b"\r\n\r\n"),
        raw(b"NATS/1.0\r\nA: " + b"x" * 65518 + b"\r\n\r\n"),
        raw(b"NATS/1.0\r\nNats-Expected-Stream: " + b"x" * 65518 + b"\r\n\r\n"),
    ),
)
