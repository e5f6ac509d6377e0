"""Advisories, limits of account and server, and what a restart keeps."""

from __future__ import annotations

from tests.conformance.jetstream.case import (
    Case,
    Request,
    Restart,
    Seen,
    Step,
    Watch,
    api,
    case,
    create,
    fill,
    info,
    pub,
    update,
)

_ADVISORIES = "$JS.EVENT.ADVISORY.>"
_AUDIT = "$JS.EVENT.ADVISORY.API"


def _told(label: str, count: int, *steps: Step) -> Case:
    """The advisories of all kinds that `steps` cause: `count` of them."""
    return case(
        f"advisory-{label}",
        Watch(_ADVISORIES),
        *steps,
        Seen(_ADVISORIES, count, ordered=False),
    )


def _kept(label: str, *steps: Step | list[Step]) -> Case:
    """What there is to see of stream S before and after a restart."""
    look = [
        info("S", subjects_filter=">", deleted_details=True),
        api("STREAM.LIST"),
        api("STREAM.MSG.GET.S", {"next_by_subj": ">", "seq": 1}),
        api("STREAM.MSG.GET.S", {"last_by_subj": "t.a"}),
    ]
    return case(
        f"restart-{label}", *steps, look, Restart(), look, pub("t.new"), info("S"), api("INFO")
    )


CASES: list[Case] = [
    _told("stream-created", 2, create("S")),
    _told("stream-created-again", 3, create("S"), create("S")),
    _told("stream-refused", 1, create("S", max_age=-1)),
    _told("stream-updated", 4, create("S"), update("S", description="new")),
    _told("stream-deleted", 4, create("S"), api("STREAM.DELETE.S")),
    _told("stream-delete-unknown", 1, api("STREAM.DELETE.S")),
    _told(
        "stream-purged",
        4,
        create("S"),
        pub("S"),
        api("STREAM.PURGE.S"),
        api("STREAM.PURGE.S", {"seq": 5}),
    ),
    _told(
        "message-deleted",
        4,
        create("S"),
        pub("S"),
        api("STREAM.MSG.DELETE.S", {"seq": 1}),
        api("STREAM.MSG.DELETE.S", {"seq": 1}),
    ),
    _told("message-read", 2, create("S"), pub("S"), api("STREAM.MSG.GET.S", {"seq": 1})),
    _told("message-read-failed", 3, create("S"), api("STREAM.MSG.GET.S", {"seq": 1})),
    _told(
        "direct-read",
        2,
        create("S", allow_direct=True),
        pub("S"),
        Request("$JS.API.DIRECT.GET.S", {"seq": 1}),
        Request("$JS.API.DIRECT.GET.S", {"seq": 9}),
    ),
    _told(
        "questions", 4, api("INFO"), api("STREAM.NAMES"), api("STREAM.LIST"), api("STREAM.INFO.S")
    ),
    _told("bad-json", 2, api("STREAM.CREATE.S", b"{"), api("STREAM.NAMES", b"{")),
    _told("binary-body", 1, api("STREAM.CREATE.S", b"\xff\xfe")),
    _told("sealed", 4, create("S"), update("S", sealed=True)),
    _told("publish-refused", 2, create("S", max_msg_size=1), pub("S", "long")),
    _told("headers", 1, api("STREAM.NAMES", b"", headers={"A": "b"})),
    case(
        "audit-alone",
        Watch(_AUDIT),
        create("S"),
        api("STREAM.NAMES"),
        Seen(_AUDIT, 2, ordered=False),
    ),
    case(
        "advisory-domain",
        Watch(_ADVISORIES),
        create("S"),
        api("INFO"),
        Seen(_ADVISORIES, 3, ordered=False),
        server="domain",
    ),
    # The server's own limits: 1 MB of memory, 2 MB of files.
    case(
        "server-reserve-memory",
        create("S", storage="memory", max_bytes=600_000),
        api("INFO"),
        create("T", storage="memory", max_bytes=600_000),
        api("INFO"),
        create("T", storage="memory", max_bytes=100_000),
        api("INFO"),
        server="small",
    ),
    case(
        "server-reserve-file",
        create("S", max_bytes=1_500_000),
        create("T", max_bytes=1_000_000),
        update("S", max_bytes=3_000_000),
        api("INFO"),
        update("S", max_bytes=500_000),
        create("T", max_bytes=1_000_000),
        api("INFO"),
        server="small",
    ),
    case(
        "server-full-file",
        create("S"),
        *[pub("S", b"x" * 700_000)] * 4,
        info("S"),
        api("INFO"),
        api("STREAM.PURGE.S"),
        pub("S", b"x" * 700_000),
        api("INFO"),
        server="small",
    ),
    case(
        "server-full-memory",
        create("S", storage="memory"),
        *[pub("S", b"x" * 400_000)] * 4,
        info("S"),
        api("INFO"),
        server="small",
    ),
    # An account's limits.
    case(
        "account-max-streams",
        create("S"),
        create("T"),
        create("U"),
        create("S"),
        api("STREAM.DELETE.S"),
        create("U"),
        api("INFO"),
        account="{ max_streams: 2 }",
    ),
    case(
        "account-max-file",
        create("S"),
        *[pub("S", b"x" * 400)] * 4,
        create("T", max_bytes=2000),
        create("T", max_bytes=900),
        api("INFO"),
        account="{ max_file: 1000 }",
    ),
    case(
        "account-max-memory",
        create("S", storage="memory"),
        *[pub("S", b"x" * 400)] * 4,
        api("INFO"),
        account="{ max_mem: 1000 }",
    ),
    case(
        "account-max-bytes-required",
        create("S"),
        create("S", max_bytes=100),
        update("S", max_bytes=-1),
        api("INFO"),
        account="{ max_bytes_required: true }",
    ),
    case(
        "account-max-stream-bytes",
        create("S", max_bytes=2000),
        create("S", max_bytes=1000),
        create("T", storage="memory", max_bytes=600),
        api("INFO"),
        account="{ disk_max_stream_bytes: 1000, mem_max_stream_bytes: 500 }",
    ),
    _kept("plain", create("S", subjects=["t.>"]), fill(9, "t.a", "t.b", "t.c")),
    _kept("unused", create("S", subjects=["t.>"])),
    _kept("headers", create("S", subjects=["t.>"]), pub("t.a", "one", A="b"), pub("t.a", b"")),
    _kept(
        "deleted",
        create("S", subjects=["t.>"]),
        fill(9, "t.a", "t.b"),
        [api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (1, 2, 5, 9)],
    ),
    _kept("purged", create("S", subjects=["t.>"]), fill(9, "t.a", "t.b"), api("STREAM.PURGE.S")),
    _kept(
        "purged-partly",
        create("S", subjects=["t.>"]),
        fill(9, "t.a", "t.b"),
        api("STREAM.PURGE.S", {"filter": "t.b", "keep": 1}),
    ),
    _kept(
        "purged-ahead",
        create("S", subjects=["t.>"]),
        fill(3, "t.a"),
        api("STREAM.PURGE.S", {"seq": 100}),
    ),
    _kept("first-seq", create("S", subjects=["t.>"], first_seq=500), fill(3, "t.a")),
    _kept("first-seq-unused", create("S", subjects=["t.>"], first_seq=500)),
    _kept(
        "limits",
        create("S", subjects=["t.>"], max_msgs=4, max_msgs_per_subject=2),
        fill(9, "t.a", "t.b", "t.c"),
    ),
    _kept("s2", create("S", subjects=["t.>"], compression="s2"), fill(9, "t.a", "t.b", "t.c")),
    _kept(
        "updated",
        create("S", subjects=["t.>"]),
        fill(3, "t.a"),
        update("S", subjects=["t.>"], description="new", metadata={"a": "b"}, allow_direct=True),
    ),
    _kept(
        "sealed",
        create("S", subjects=["t.>"]),
        fill(3, "t.a"),
        update("S", subjects=["t.>"], sealed=True),
    ),
    _kept("memory", create("S", subjects=["t.>"], storage="memory"), fill(3, "t.a")),
    _kept(
        "several",
        create("S", subjects=["t.>"]),
        create("A", subjects=["a"]),
        create("B", subjects=["b"], storage="memory"),
        fill(6, "t.a", "a", "b"),
        api("STREAM.DELETE.A"),
    ),
    _kept(
        "whole",
        create(
            "S",
            subjects=["t.>"],
            description="d",
            max_msgs=100,
            max_bytes=100000,
            max_msg_size=1000,
            duplicate_window=60_000_000_000,
            allow_direct=True,
            deny_delete=True,
            metadata={"x": "y"},
            consumer_limits={"max_ack_pending": 5},
            republish={"src": ">", "dest": "rep.>"},
        ),
        fill(3, "t.a"),
    ),
    case(
        "restart-dedup",
        create("S"),
        pub("S", Nats_Msg_Id="a"),
        Restart(),
        pub("S", Nats_Msg_Id="a"),
        pub("S", Nats_Msg_Id="b"),
        info("S"),
    ),
    case(
        "restart-direct",
        create("S", allow_direct=True),
        pub("S", A="b"),
        Restart(),
        Request("$JS.API.DIRECT.GET.S", {"seq": 1}),
        Request("$JS.API.DIRECT.GET.S.S"),
    ),
    case(
        "restart-counters", create("S"), api("STREAM.DELETE.T"), api("INFO"), Restart(), api("INFO")
    ),
    case(
        "restart-twice", create("S"), pub("S"), Restart(), pub("S"), Restart(), pub("S"), info("S")
    ),
    case(
        "restart-max-age",
        create("S", max_age=300_000_000),
        pub("S"),
        Restart(),
        api("STREAM.INFO.S", until=("state.messages", 0)),
    ),
]
