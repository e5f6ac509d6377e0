"""Publishing: acknowledgements, refusals, limits, and the stream's state after each."""

from __future__ import annotations

from typing import Any

from tests.conformance.jetstream.case import (
    Case,
    Request,
    Seen,
    Send,
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

SECOND = 1_000_000_000

# A limit, and eight messages over three subjects against it.
LIMITS: dict[str, dict[str, Any]] = {
    "msgs-5": {"max_msgs": 5},
    "msgs-1": {"max_msgs": 1},
    "bytes-200": {"max_bytes": 200},
    "bytes-40": {"max_bytes": 40},
    "bytes-10": {"max_bytes": 10},
    "per-subject-1": {"max_msgs_per_subject": 1},
    "per-subject-2": {"max_msgs_per_subject": 2},
    "per-subject-and-msgs": {"max_msgs_per_subject": 2, "max_msgs": 3},
    "msg-size-9": {"max_msg_size": 9},
    "msg-size-8": {"max_msg_size": 8},
    "new-msgs-5": {"max_msgs": 5, "discard": "new"},
    "new-bytes-200": {"max_bytes": 200, "discard": "new"},
    "new-bytes-40": {"max_bytes": 40, "discard": "new"},
    "new-per-subject": {"max_msgs_per_subject": 2, "discard": "new"},
    "new-per-subject-new": {
        "max_msgs_per_subject": 2,
        "discard": "new",
        "discard_new_per_subject": True,
    },
    "new-per-subject-new-msgs": {
        "max_msgs_per_subject": 1,
        "discard": "new",
        "discard_new_per_subject": True,
        "max_msgs": 2,
    },
    "new-unlimited": {"discard": "new"},
    "workqueue": {"retention": "workqueue"},
    "workqueue-msgs-new": {"retention": "workqueue", "max_msgs": 3, "discard": "new"},
    "first-seq": {"first_seq": 100},
    "first-seq-msgs": {"first_seq": 100, "max_msgs": 2},
    "s2": {"compression": "s2"},
}


def _limit_steps(config: dict[str, Any]) -> list[Step]:
    return [
        create("S", subjects=["t.>"], **config),
        *fill(8, "t.a", "t.b", "t.c.d"),
        info("S", deleted_details=True, subjects_filter=">"),
        api("STREAM.MSG.GET.S", {"next_by_subj": ">", "seq": 1}),
        api("STREAM.PURGE.S", {"keep": 1}),
        *fill(2, "t.a"),
        info("S", deleted_details=True, subjects_filter=">"),
        api("INFO"),
    ]


# Header blocks as clients may send them; what is stored and what is refused.
HEADERS: dict[str, bytes] = {
    "plain": b"NATS/1.0\r\nA: b\r\n\r\n",
    "no-blank": b"NATS/1.0\r\nA:b\r\n\r\n",
    "empty-value": b"NATS/1.0\r\nA: \r\n\r\n",
    "none": b"NATS/1.0\r\n\r\n",
    "repeated": b"NATS/1.0\r\nA: b\r\nA: c\r\n\r\n",
    "status": b"NATS/1.0 503\r\n\r\n",
    "status-and-more": b"NATS/1.0 100 Idle\r\nA: b\r\n\r\n",
    "unknown-nats": b"NATS/1.0\r\nNats-Whatever: x\r\n\r\n",
    "utf-8": "NATS/1.0\r\nÄ: ö\r\n\r\n".encode(),
    "broken": b"NATS/1.0\r\nA\r\n\r\n",
    "long": b"NATS/1.0\r\nA: " + b"x" * 4000 + b"\r\n\r\n",
    "64k": b"NATS/1.0\r\nA: " + b"x" * 65518 + b"\r\n\r\n",
    "over-64k": b"NATS/1.0\r\nA: " + b"x" * 65519 + b"\r\n\r\n",
    "far-over-64k": b"NATS/1.0\r\nA: " + b"x" * 100000 + b"\r\n\r\n",
}

EXPECTED: dict[str, dict[str, str]] = {
    "stream": {"Nats_Expected_Stream": "S"},
    "stream-other": {"Nats_Expected_Stream": "T"},
    "stream-empty": {"Nats_Expected_Stream": ""},
    "last-seq": {"Nats_Expected_Last_Sequence": "3"},
    "last-seq-wrong": {"Nats_Expected_Last_Sequence": "2"},
    "last-seq-zero": {"Nats_Expected_Last_Sequence": "0"},
    "last-seq-text": {"Nats_Expected_Last_Sequence": "x"},
    "last-seq-empty": {"Nats_Expected_Last_Sequence": ""},
    "last-subject-seq": {"Nats_Expected_Last_Subject_Sequence": "3"},
    "last-subject-seq-wrong": {"Nats_Expected_Last_Subject_Sequence": "1"},
    "last-subject-seq-zero": {"Nats_Expected_Last_Subject_Sequence": "0"},
    "last-subject-other": {
        "Nats_Expected_Last_Subject_Sequence": "2",
        "Nats_Expected_Last_Subject_Sequence_Subject": "t.b",
    },
    "last-subject-alone": {"Nats_Expected_Last_Subject_Sequence_Subject": "t.b"},
    "last-id": {"Nats_Expected_Last_Msg_Id": "id3"},
    "last-id-wrong": {"Nats_Expected_Last_Msg_Id": "id2"},
    "rollup-not-allowed": {"Nats_Rollup": "all"},
    "ttl-not-allowed": {"Nats_TTL": "10s"},
}


def _publish_expected(headers: dict[str, str], **config: Any) -> list[Step]:
    return [
        create("S", subjects=["t.>"], **config),
        pub("t.a", Nats_Msg_Id="id1"),
        pub("t.b", Nats_Msg_Id="id2"),
        pub("t.a", Nats_Msg_Id="id3"),
        pub("t.a", "new", **headers),
        info("S", subjects_filter=">"),
        pub("t.a", "again", **headers),
    ]


CASES: list[Case] = [
    *[case(f"limit-{label}", _limit_steps(config)) for label, config in LIMITS.items()],
    *[
        case(f"limit-memory-{label}", _limit_steps({**config, "storage": "memory"}))
        for label, config in LIMITS.items()
        if "compression" not in config
    ],
    *[
        case(
            f"headers-{label}",
            create("S", allow_direct=True),
            Request("S", "payload", block),
            info("S"),
            api("STREAM.MSG.GET.S", {"seq": 1}),
            Request("$JS.API.DIRECT.GET.S", {"seq": 1}),
        )
        for label, block in HEADERS.items()
    ],
    *[case(f"expected-{label}", _publish_expected(headers)) for label, headers in EXPECTED.items()],
    # Nobody is interested: sequences are used up. The reference's clock for that ticks slowly.
    *[
        case(
            f"limit-interest-{storage}-{discard}",
            create("S", retention="interest", storage=storage, max_msgs=2, discard=discard),
            fill(5, "S"),
            info("S", deleted_details=True),
            api("INFO"),
        )
        for storage in ("file", "memory")
        for discard in ("old", "new")
    ],
    case("publish-nowhere", pub("nowhere"), create("S"), pub("S.x"), pub("s")),
    case("publish-empty", create("S"), pub("S", b""), pub("S", b"", A="b"), info("S")),
    case("publish-large", create("S"), pub("S", b"x" * 1_000_000), info("S"), api("INFO")),
    case(
        "publish-no-reply",
        create("S"),
        Send("S", "a"),
        Send("S", "b"),
        api("STREAM.INFO.S", until=("state.messages", 2)),
    ),
    case(
        "publish-no-ack",
        create("S", no_ack=True),
        Request("S", "a", replies="none"),
        api("STREAM.INFO.S", until=("state.messages", 1)),
    ),
    case(
        "publish-no-ack-refused",
        create("S", no_ack=True, max_msg_size=1),
        Request("S", "abc", replies="none"),
        info("S"),
    ),
    case(
        "publish-dedup",
        create("S"),
        pub("S", Nats_Msg_Id="a"),
        pub("S", "other", Nats_Msg_Id="a"),
        pub("S", Nats_Msg_Id="b"),
        pub("S", Nats_Msg_Id=""),
        info("S"),
    ),
    case(
        "publish-dedup-after-purge",
        create("S"),
        pub("S", Nats_Msg_Id="a"),
        api("STREAM.PURGE.S"),
        pub("S", Nats_Msg_Id="a"),
        info("S"),
    ),
    case(
        "publish-dedup-window",
        create("S", duplicate_window=100_000_000),
        pub("S", Nats_Msg_Id="a"),
        Request("S", "x", {"Nats-Msg-Id": "a"}, until=("seq", 2)),
    ),
    case(
        "publish-dedup-two-subjects",
        create("S", subjects=["t.>"]),
        pub("t.a", Nats_Msg_Id="a"),
        pub("t.b", Nats_Msg_Id="a"),
    ),
    case(
        "rollup-subject",
        create("S", subjects=["t.>"], allow_rollup_hdrs=True),
        *fill(6, "t.a", "t.b"),
        pub("t.a", Nats_Rollup="sub"),
        info("S", subjects_filter=">", deleted_details=True),
        api("STREAM.MSG.GET.S", {"seq": 7}),
    ),
    case(  # what clients' "purge all keys of a pattern" relies on
        "rollup-wildcard",
        create("S", subjects=["t.>"], allow_rollup_hdrs=True),
        *fill(6, "t.a", "t.b", "t.c.d"),
        pub("t.*", Nats_Rollup="sub"),
        info("S", subjects_filter=">", deleted_details=True),
    ),
    case(
        "rollup-all",
        create("S", subjects=["t.>"], allow_rollup_hdrs=True),
        *fill(6, "t.a", "t.b"),
        pub("t.a", Nats_Rollup="all"),
        info("S", subjects_filter=">", deleted_details=True),
    ),
    case(
        "rollup-bad",
        create("S", allow_rollup_hdrs=True),
        pub("S"),
        pub("S", Nats_Rollup="some"),
        pub("S", Nats_Rollup="ALL"),
        info("S"),
    ),
    case(
        "subject-with-blanks-in-wildcards",
        create("S", subjects=["a.*.c"]),
        pub("a.b.c"),
        pub("a.b.c.d"),
        pub("a.b"),
        info("S"),
    ),
    case(
        "two-streams",
        create("S", subjects=["s.>"]),
        create("T", subjects=["t.>"]),
        *fill(4, "s.a", "t.a"),
        api("STREAM.LIST"),
        api("INFO"),
    ),
    case(
        "transform",
        create(
            "S", subjects=["in.*"], subject_transform={"src": "in.*", "dest": "out.{{wildcard(1)}}"}
        ),
        pub("in.a"),
        pub("in.b"),
        info("S", subjects_filter=">"),
        api("STREAM.MSG.GET.S", {"last_by_subj": "out.a"}),
    ),
    case(
        "transform-source-not-matching",
        create(
            "S",
            subjects=["in.*", "other"],
            subject_transform={"src": "in.*", "dest": "out.{{wildcard(1)}}"},
        ),
        pub("other"),
        pub("in.a"),
        info("S", subjects_filter=">"),
    ),
    case(
        "republish",
        Watch("copy.>"),
        create("S", subjects=["t.>"], republish={"src": "t.>", "dest": "copy.>"}),
        pub("t.a", "one"),
        pub("t.a", "two", A="b"),
        pub("t.b", "three"),
        Seen("copy.>", 3),
    ),
    case(
        "republish-headers-only",
        Watch("copy.>"),
        create(
            "S", subjects=["t.>"], republish={"src": "t.>", "dest": "copy.>", "headers_only": True}
        ),
        pub("t.a", "one"),
        pub("t.a", "twotwo", A="b"),
        Seen("copy.>", 2),
    ),
    case(
        "republish-part",
        Watch("copy.>"),
        create("S", subjects=["t.>"], republish={"src": "t.a.*", "dest": "copy.{{wildcard(1)}}"}),
        pub("t.b", "no"),
        pub("t.a.x", "yes"),
        Seen("copy.>", 1),
    ),
    case(
        "max-age",
        create("S", subjects=["t.>"], max_age=200_000_000),
        *fill(4, "t.a", "t.b"),
        api("STREAM.INFO.S", until=("state.messages", 0)),
        pub("t.a"),
        api("STREAM.INFO.S", until=("state.messages", 0)),
    ),
    case(
        "max-age-memory",
        create("S", subjects=["t.>"], storage="memory", max_age=200_000_000),
        *fill(4, "t.a", "t.b"),
        api("STREAM.INFO.S", until=("state.messages", 0)),
        pub("t.a"),
    ),
    case(
        "max-age-by-update",
        create("S", subjects=["t.>"]),
        *fill(4, "t.a", "t.b"),
        update("S", subjects=["t.>"], max_age=150_000_000, duplicate_window=100_000_000),
        api("STREAM.INFO.S", until=("state.messages", 0)),
    ),
    case(
        "max-age-prolonged",
        create("S", max_age=10 * SECOND),
        pub("S"),
        update("S", max_age=20 * SECOND),
        info("S"),
    ),
    case(
        "update-limits-apply",
        create("S", subjects=["t.>"]),
        *fill(9, "t.a", "t.b", "t.c.d"),
        update("S", subjects=["t.>"], max_msgs_per_subject=2),
        info("S", deleted_details=True),
        update("S", subjects=["t.>"], max_msgs_per_subject=2, max_msgs=4),
        info("S", deleted_details=True),
        update("S", subjects=["t.>"], max_msgs_per_subject=2, max_bytes=90),
        info("S", deleted_details=True),
    ),
    case(
        "limits-with-deleted",
        create("S", subjects=["t.>"], max_msgs=3),
        *fill(3, "t.a"),
        api("STREAM.MSG.DELETE.S", {"seq": 2}),
        *fill(2, "t.b"),
        info("S", deleted_details=True),
    ),
]
