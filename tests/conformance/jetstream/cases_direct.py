"""DIRECT.GET: single messages, batches, the last of several subjects, and its statuses."""

from __future__ import annotations

from typing import Any

from tests.conformance.jetstream.case import (
    API,
    Body,
    Case,
    Request,
    Step,
    api,
    case,
    create,
    fill,
    pub,
)


def _stream(**config: Any) -> list[Step]:
    """Twelve messages: t.a 1,4,7,10  t.b 2,5,8,11  t.c.d 3,6,9,12; without 1, 5 and 12."""
    return [
        create("S", subjects=["t.>"], allow_direct=True, **config),
        pub("t.a", "one"),
        pub("t.b", "two", A="b", Other="c"),
        *fill(10, "t.c.d", "t.a", "t.b"),
        *(api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (1, 5, 12)),
    ]


# One reply.
SINGLE: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "seq-0": {"seq": 0},
    "seq-2": {"seq": 2},
    "seq-3": {"seq": 3},
    "seq-deleted": {"seq": 5},
    "seq-beyond": {"seq": 13},
    "seq-negative": {"seq": -1},
    "seq-no-headers": {"seq": 2, "no_hdr": True},
    "last": {"last_by_subj": "t.a"},
    "last-wildcard": {"last_by_subj": "t.*"},
    "last-none": {"last_by_subj": "t.nothing"},
    "last-no-headers": {"last_by_subj": "t.b", "no_hdr": True},
    "last-seq": {"last_by_subj": "t.a", "seq": 4},
    "next": {"next_by_subj": "t.b"},
    "next-seq": {"next_by_subj": "t.b", "seq": 3},
    "next-wildcard": {"next_by_subj": "t.*", "seq": 3},
    "next-beyond": {"next_by_subj": "t.b", "seq": 12},
    "next-last": {"next_by_subj": "t.a", "last_by_subj": "t.a"},
    "time-ago": {"start_time": "2020-01-01T00:00:00Z"},
    "time-ahead": {"start_time": "2100-01-01T00:00:00Z"},
    "time-next": {"start_time": "2020-01-01T00:00:00Z", "next_by_subj": "t.b"},
    "time-seq": {"start_time": "2020-01-01T00:00:00Z", "seq": 2},
    "time-bad": {"start_time": "x"},
    "bad-json": b"{",
    "text": b"nonsense",
    "null": b"null",
    "array": b"[]",
    "blank": b" ",
    "unknown-field": {"sequence": 1},
    "up-to-seq": {"seq": 2, "up_to_seq": 3},
    "max-bytes": {"seq": 2, "max_bytes": 1},
    "max-bytes-no-batch": {"seq": 2, "batch": 0, "max_bytes": 100, "next_by_subj": "t.*"},
    "batch-0": {"seq": 2, "batch": 0},
    "batch-only": {"batch": 3},
    "batch-negative": {"seq": 2, "batch": -1},
    "batch-last": {"last_by_subj": "t.a", "batch": 2},
    "multi-empty": {"multi_last": []},
    "multi-seq": {"multi_last": ["t.a"], "seq": 3},
    "multi-last": {"multi_last": ["t.a"], "last_by_subj": "t.a"},
    "multi-next": {"multi_last": ["t.a"], "next_by_subj": "t.a"},
    "multi-up-to-both": {
        "multi_last": ["t.a"],
        "up_to_seq": 5,
        "up_to_time": "2020-01-01T00:00:00Z",
    },
    "multi-none": {"multi_last": ["t.nothing"]},
    "up-to-time-before-all": {"multi_last": ["t.>"], "up_to_time": "2020-01-01T00:00:00Z"},
}

# A series of replies that ends with a status.
SERIES: dict[str, Body] = {
    "batch-3": {"seq": 2, "batch": 3},
    "batch-1": {"seq": 2, "batch": 1},
    "batch-all": {"seq": 1, "batch": 100},
    "batch-over-the-end": {"seq": 10, "batch": 100},
    "batch-exact-end": {"seq": 10, "batch": 2},
    "batch-beyond": {"seq": 13, "batch": 2},
    "batch-next": {"seq": 1, "next_by_subj": "t.b", "batch": 2},
    "batch-next-no-seq": {"next_by_subj": "t.b", "batch": 2},
    "batch-next-all": {"seq": 1, "next_by_subj": "t.b", "batch": 50},
    "batch-next-wildcard": {"seq": 3, "next_by_subj": "t.*", "batch": 4},
    "batch-next-none": {"seq": 1, "next_by_subj": "t.nothing", "batch": 2},
    "batch-no-headers": {"seq": 2, "batch": 2, "no_hdr": True},
    "batch-time": {"start_time": "2020-01-01T00:00:00Z", "batch": 3},
    "batch-time-next": {"start_time": "2020-01-01T00:00:00Z", "next_by_subj": "t.a", "batch": 3},
    "batch-max-bytes": {"seq": 2, "batch": 10, "max_bytes": 100},
    "batch-max-bytes-1": {"seq": 2, "batch": 10, "max_bytes": 1},
    "multi-one": {"multi_last": ["t.a"]},
    "multi-two": {"multi_last": ["t.a", "t.b"]},
    "multi-order": {"multi_last": ["t.b", "t.a"]},
    "multi-twice": {"multi_last": ["t.a", "t.a", "t.*"]},
    "multi-wildcard": {"multi_last": ["t.>"]},
    "multi-batch": {"multi_last": ["t.>"], "batch": 2},
    "multi-max-bytes": {"multi_last": ["t.>"], "max_bytes": 60},
    "multi-up-to-seq": {"multi_last": ["t.>"], "up_to_seq": 5},
    "multi-up-to-seq-4": {"multi_last": ["t.>"], "up_to_seq": 4},
    "multi-up-to-seq-1": {"multi_last": ["t.>"], "up_to_seq": 1},
    "multi-up-to-far": {"multi_last": ["t.>"], "up_to_seq": 1000},
    "multi-up-to-time-ahead": {"multi_last": ["t.>"], "up_to_time": "2100-01-01T00:00:00Z"},
    "multi-no-headers": {"multi_last": ["t.b"], "no_hdr": True},
    "multi-part-none": {"multi_last": ["t.nothing", "t.a"]},
}

SUBJECT_FORMS: dict[str, tuple[str, Body]] = {
    "literal": ("t.a", b""),
    "deep": ("t.c.d", b""),
    "with-headers": ("t.b", b""),
    "none": ("t.nothing", b""),
    "foreign": ("u", b""),
    "first-token": ("t", b""),
    "body": ("t.a", b"{}"),
    "body-text": ("t.a", b"x"),
    "body-no-headers": ("t.b", b'{"no_hdr":true}'),
    "body-seq": ("t.b", b'{"seq":2}'),
    "own-name": ("S", b""),
}

_DIRECT = f"{API}DIRECT.GET.S"

CASES: list[Case] = [
    *[
        case(f"direct-{label}", _stream(), Request(_DIRECT, body), api("INFO"))
        for label, body in SINGLE.items()
    ],
    *[
        case(f"direct-{label}", _stream(), Request(_DIRECT, body, replies="all"), api("INFO"))
        for label, body in SERIES.items()
    ],
    *[
        case(
            f"direct-memory-{label}",
            _stream(storage="memory"),
            Request(_DIRECT, body, replies="all"),
        )
        for label, body in SERIES.items()
        if label.startswith(("batch-next", "multi"))
    ],
    *[
        case(f"direct-subject-{label}", _stream(), Request(f"{_DIRECT}.{subject}", body))
        for label, (subject, body) in SUBJECT_FORMS.items()
    ],
    case("direct-unknown-stream", Request(_DIRECT, {"seq": 1}), Request(f"{_DIRECT}.a")),
    case(
        "direct-not-allowed",
        create("S"),
        pub("S"),
        Request(_DIRECT, {"seq": 1}),
        Request(f"{_DIRECT}.S"),
        Request(_DIRECT),
    ),
    case(
        "direct-switched-on-and-off",
        create("S"),
        pub("S"),
        Request(_DIRECT, {"seq": 1}),
        api("STREAM.UPDATE.S", {"name": "S", "allow_direct": True}),
        Request(_DIRECT, {"seq": 1}),
        Request(f"{_DIRECT}.S"),
        api("STREAM.UPDATE.S", {"name": "S", "allow_direct": False}),
        Request(_DIRECT, {"seq": 1}),
        Request(f"{_DIRECT}.S"),
    ),
    case("direct-after-delete", _stream(), api("STREAM.DELETE.S"), Request(_DIRECT, {"seq": 2})),
    case(
        "direct-empty-stream",
        create("S", allow_direct=True),
        Request(_DIRECT, {"seq": 1}),
        Request(f"{_DIRECT}.S"),
        Request(_DIRECT, {"seq": 1, "batch": 2}),
        Request(_DIRECT, {"multi_last": [">"]}),
    ),
    case(
        "direct-empty-payload",
        create("S", allow_direct=True),
        pub("S", b""),
        Request(_DIRECT, {"seq": 1}),
    ),
    case(
        "direct-level-too-high",
        _stream(),
        Request(_DIRECT, {"seq": 2}, {"Nats-Required-Api-Level": "9"}),
        Request(f"{_DIRECT}.t.a", b"", {"Nats-Required-Api-Level": "9"}),
    ),
    case(
        "direct-level-fits",
        _stream(),
        Request(_DIRECT, {"seq": 2}, {"Nats-Required-Api-Level": "1"}),
    ),
    case(
        "direct-by-time",
        create("S", subjects=["t.*"], allow_direct=True),
        *fill(6, "t.a", "t.b"),
        api("STREAM.MSG.GET.S", {"seq": 3}, save={"time": "message.time"}),
        Request(_DIRECT, '{"start_time":"${time}"}'),
        Request(_DIRECT, '{"start_time":"${time}","batch":2}', replies="all"),
        Request(_DIRECT, '{"start_time":"${time}","next_by_subj":"t.b"}'),
        Request(_DIRECT, '{"multi_last":["t.*"],"up_to_time":"${time}"}', replies="all"),
    ),
    case(
        "direct-many-subjects",
        create("S", subjects=["t.*"], allow_direct=True, storage="memory"),
        *fill(1025, "t.{0}"),
        Request(_DIRECT, {"multi_last": ["t.*"]}),
        Request(_DIRECT, {"multi_last": ["t.*"], "batch": 2}, replies="all"),
        api("STREAM.PURGE.S", {"filter": "t.5"}),
        Request(_DIRECT, {"multi_last": ["t.*"]}, replies="all"),
    ),
    case(
        "direct-domain",
        _stream(),
        Request(_DIRECT, {"seq": 2}),
        Request("$JS.hub.API.DIRECT.GET.S", {"seq": 2}),
        Request("$JS.hub.API.DIRECT.GET.S.t.a"),
        server="domain",
    ),
    case(
        "direct-counts-in-api",
        _stream(),
        api("INFO"),
        Request(_DIRECT, {"seq": 2}),
        Request(_DIRECT, b"{"),
        api("INFO"),
    ),
]
