"""Purging, reading and deleting messages, and what the stream's state says afterwards."""

from __future__ import annotations

from typing import Any

from tests.conformance.jetstream.case import Body, Case, Step, api, case, create, fill, info, pub

# Bodies of STREAM.PURGE on twelve messages: t.a 1,4,7,10  t.b 2,5,8,11  t.c.d 3,6,9,12.
PURGES: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "seq-1": {"seq": 1},
    "seq-5": {"seq": 5},
    "seq-12": {"seq": 12},
    "seq-13": {"seq": 13},
    "seq-100": {"seq": 100},
    "seq-0": {"seq": 0},
    "seq-negative": {"seq": -1},
    "keep-1": {"keep": 1},
    "keep-3": {"keep": 3},
    "keep-12": {"keep": 12},
    "keep-100": {"keep": 100},
    "keep-0": {"keep": 0},
    "filter-literal": {"filter": "t.a"},
    "filter-star": {"filter": "t.*"},
    "filter-all": {"filter": ">"},
    "filter-own": {"filter": "t.>"},
    "filter-none": {"filter": "t.nothing"},
    "filter-other": {"filter": "u.>"},
    "filter-empty": {"filter": ""},
    "filter-invalid": {"filter": "t..a"},
    "filter-blank": {"filter": "t a"},
    "filter-seq": {"filter": "t.a", "seq": 7},
    "filter-seq-8": {"filter": "t.a", "seq": 8},
    "filter-seq-beyond": {"filter": "t.b", "seq": 100},
    "filter-keep": {"filter": "t.b", "keep": 1},
    "filter-keep-2": {"filter": "t.*", "keep": 2},
    "filter-keep-all": {"filter": "t.b", "keep": 4},
    "filter-keep-more": {"filter": "t.b", "keep": 40},
    "seq-keep": {"seq": 5, "keep": 1},
    "filter-seq-keep": {"filter": "t.a", "seq": 5, "keep": 1},
    "seq-text": {"seq": "5"},
    "unknown-field": {"subject": "t.a"},
    "bad-json": b"{",
    "text": b"nonsense",
    "null": b"null",
    "array": b"[]",
    "blank": b"  ",
}

# Bodies of STREAM.MSG.GET on the same messages without 1, 5 and 12.
GETS: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "seq-0": {"seq": 0},
    "seq-2": {"seq": 2},
    "seq-deleted": {"seq": 5},
    "seq-first-deleted": {"seq": 1},
    "seq-last-deleted": {"seq": 12},
    "seq-beyond": {"seq": 13},
    "seq-huge": {"seq": 18446744073709551615},
    "seq-over": {"seq": 18446744073709551616},
    "seq-negative": {"seq": -1},
    "seq-text": {"seq": "2"},
    "seq-no-headers": {"seq": 2, "no_hdr": True},
    "last": {"last_by_subj": "t.a"},
    "last-of-deleted": {"last_by_subj": "t.c.d"},
    "last-wildcard": {"last_by_subj": "t.*"},
    "last-all": {"last_by_subj": ">"},
    "last-none": {"last_by_subj": "t.nothing"},
    "last-invalid": {"last_by_subj": "t..a"},
    "last-no-headers": {"last_by_subj": "t.b", "no_hdr": True},
    "last-seq": {"last_by_subj": "t.a", "seq": 4},
    "next": {"next_by_subj": "t.b"},
    "next-seq": {"next_by_subj": "t.b", "seq": 3},
    "next-seq-exact": {"next_by_subj": "t.b", "seq": 8},
    "next-seq-beyond": {"next_by_subj": "t.b", "seq": 12},
    "next-seq-far": {"next_by_subj": "t.b", "seq": 1000},
    "next-wildcard": {"next_by_subj": "t.*", "seq": 3},
    "next-all": {"next_by_subj": ">", "seq": 5},
    "next-none": {"next_by_subj": "t.nothing"},
    "next-first-deleted": {"next_by_subj": "t.a"},
    "next-last": {"next_by_subj": "t.a", "last_by_subj": "t.a"},
    "next-empty": {"next_by_subj": ""},
    "time-ago": {"start_time": "2020-01-01T00:00:00Z"},
    "time-ahead": {"start_time": "2100-01-01T00:00:00Z"},
    "time-zero": {"start_time": "0001-01-01T00:00:00Z"},
    "time-zone": {"start_time": "2020-01-01T02:00:00.5+02:00"},
    "time-bad": {"start_time": "yesterday"},
    "time-number": {"start_time": 1},
    "time-null": {"start_time": None},
    "time-seq": {"start_time": "2020-01-01T00:00:00Z", "seq": 2},
    "time-next": {"start_time": "2020-01-01T00:00:00Z", "next_by_subj": "t.b"},
    "time-last": {"start_time": "2020-01-01T00:00:00Z", "last_by_subj": "t.b"},
    "batch": {"seq": 2, "batch": 2},
    "batch-only": {"batch": 2},
    "multi": {"multi_last": ["t.a"]},
    "multi-batch": {"multi_last": ["t.a"], "batch": 1},
    "up-to-seq": {"seq": 2, "up_to_seq": 3},
    "max-bytes": {"seq": 2, "max_bytes": 10},
    "no-headers-only": {"no_hdr": True},
    "unknown-field": {"sequence": 2},
    "bad-json": b"{",
    "text": b"nonsense",
    "null": b"null",
    "array": b"[]",
    "blank": b" ",
}

DELETES: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "first": {"seq": 1},
    "middle": {"seq": 5},
    "last": {"seq": 12},
    "no-erase": {"seq": 5, "no_erase": True},
    "no-erase-false": {"seq": 5, "no_erase": False},
    "zero": {"seq": 0},
    "beyond": {"seq": 13},
    "huge": {"seq": 18446744073709551615},
    "negative": {"seq": -1},
    "text-seq": {"seq": "1"},
    "unknown-field": {"seq": 1, "erase": True},
    "bad-json": b"{",
    "text": b"nonsense",
    "null": b"null",
    "blank": b" ",
}

# A stream's settings under which deleting and purging are tried.
PROTECTIONS: dict[str, dict[str, Any]] = {
    "deny-delete": {"deny_delete": True},
    "deny-purge": {"deny_purge": True},
    "memory": {"storage": "memory"},
    "s2": {"compression": "s2"},
    "workqueue": {"retention": "workqueue"},
    "max-one": {"max_msgs_per_subject": 1},
    "first-seq": {"first_seq": 100},
}


def _twelve(**config: Any) -> list[Step]:
    return [create("S", subjects=["t.>"], **config), *fill(12, "t.a", "t.b", "t.c.d")]


def _nine() -> list[Step]:
    """The twelve, two of them with headers, without the first, the last and one between."""
    return [
        create("S", subjects=["t.>"]),
        pub("t.a", "one"),
        pub("t.b", "two", A="b", Other="c"),
        *fill(9, "t.c.d", "t.a", "t.b"),
        pub("t.c.d", ""),
        *(api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (1, 5, 12)),
    ]


def _after() -> list[Step]:
    """What there is to see after a change, and that the stream goes on."""
    return [
        info("S", deleted_details=True, subjects_filter=">"),
        api("STREAM.MSG.GET.S", {"next_by_subj": ">", "seq": 1}),
        pub("t.new"),
        info("S", deleted_details=True, subjects_filter=">"),
        api("INFO"),
    ]


CASES: list[Case] = [
    *[
        case(f"purge-{label}", _twelve(), api("STREAM.PURGE.S", body), _after())
        for label, body in PURGES.items()
    ],
    *[
        case(
            f"purge-memory-{label}",
            _twelve(storage="memory"),
            api("STREAM.PURGE.S", body),
            _after(),
        )
        for label, body in PURGES.items()
        if isinstance(body, dict)
    ],
    *[
        case(f"get-{label}", _nine(), api("STREAM.MSG.GET.S", body), api("INFO"))
        for label, body in GETS.items()
    ],
    *[
        case(f"remove-{label}", _twelve(), api("STREAM.MSG.DELETE.S", body), _after())
        for label, body in DELETES.items()
    ],
    *[
        case(
            f"protected-{label}",
            _twelve(**config),
            api("STREAM.MSG.DELETE.S", {"seq": 2}),
            api("STREAM.MSG.DELETE.S", {"seq": 103}),
            api("STREAM.PURGE.S", {"filter": "t.b"}),
            api("STREAM.PURGE.S", {"keep": 2}),
            _after(),
            api("STREAM.DELETE.S"),
        )
        for label, config in PROTECTIONS.items()
    ],
    case("purge-unknown", api("STREAM.PURGE.S"), api("STREAM.PURGE.S", {"seq": 1})),
    case("purge-empty-stream", create("S", subjects=["t.>"]), api("STREAM.PURGE.S"), _after()),
    case(
        "purge-empty-stream-ahead",
        create("S", subjects=["t.>"]),
        api("STREAM.PURGE.S", {"seq": 10}),
        _after(),
    ),
    case("purge-twice", _twelve(), api("STREAM.PURGE.S"), api("STREAM.PURGE.S"), _after()),
    case(
        "purge-then-seq",
        _twelve(),
        api("STREAM.PURGE.S", {"seq": 5}),
        api("STREAM.PURGE.S", {"seq": 3}),
        _after(),
    ),
    case(
        "get-unknown-stream",
        api("STREAM.MSG.GET.S", {"seq": 1}),
        api("STREAM.MSG.GET.S"),
        api("INFO"),
    ),
    case(
        "get-empty-stream",
        create("S"),
        api("STREAM.MSG.GET.S", {"seq": 1}),
        api("STREAM.MSG.GET.S", {"last_by_subj": ">"}),
        api("STREAM.MSG.GET.S", {"start_time": "2020-01-01T00:00:00Z"}),
    ),
    case(
        "get-by-time",
        create("S", subjects=["t.>"]),
        *fill(3, "t.a"),
        api("STREAM.MSG.GET.S", {"seq": 2}, save={"time": "message.time"}),
        api("STREAM.MSG.GET.S", '{"start_time":"${time}"}'),
        api("STREAM.MSG.GET.S", '{"start_time":"${time}","next_by_subj":"t.a"}'),
        api("STREAM.MSG.DELETE.S", {"seq": 2}),
        api("STREAM.MSG.GET.S", '{"start_time":"${time}"}'),
    ),
    case(
        "get-binary",
        create("S"),
        pub("S", bytes(range(256))),
        api("STREAM.MSG.GET.S", {"seq": 1}),
        info("S"),
    ),
    case(
        "get-unicode-subject",
        create("S", subjects=["ü.>"]),
        pub("ü.日本"),
        api("STREAM.MSG.GET.S", {"last_by_subj": "ü.日本"}),
        info("S", subjects_filter=">"),
    ),
    case(
        "get-empty-payload",
        create("S"),
        pub("S", b""),
        api("STREAM.MSG.GET.S", {"seq": 1}),
        info("S"),
    ),
    case(
        "get-headers-only",
        create("S"),
        pub("S", b"", A="b"),
        api("STREAM.MSG.GET.S", {"seq": 1}),
        api("STREAM.MSG.GET.S", {"seq": 1, "no_hdr": True}),
        info("S"),
    ),
    case(
        "remove-unknown-stream",
        api("STREAM.MSG.DELETE.S", {"seq": 1}),
        api("STREAM.MSG.DELETE.S"),
        api("INFO"),
    ),
    case(
        "remove-twice",
        _twelve(),
        api("STREAM.MSG.DELETE.S", {"seq": 3}),
        api("STREAM.MSG.DELETE.S", {"seq": 3}),
        _after(),
    ),
    case(
        "remove-all",
        _twelve(),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in range(1, 13)],
        _after(),
    ),
    case(
        "remove-all-backwards",
        _twelve(),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in range(12, 0, -1)],
        _after(),
    ),
    case(
        "remove-all-memory",
        _twelve(storage="memory"),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in range(1, 13)],
        _after(),
    ),
    case(
        "remove-first-run",
        _twelve(),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (2, 3, 1)],
        _after(),
    ),
    case(
        "remove-last-run",
        _twelve(),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (11, 12)],
        _after(),
    ),
    case(
        "remove-then-purge",
        _twelve(),
        *[api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (2, 5, 9)],
        api("STREAM.PURGE.S", {"seq": 6}),
        _after(),
    ),
    case(
        "sealed-refuses",
        _twelve(),
        api("STREAM.UPDATE.S", {"name": "S", "subjects": ["t.>"], "sealed": True}),
        api("STREAM.PURGE.S"),
        api("STREAM.MSG.DELETE.S", {"seq": 1}),
        pub("t.a"),
        info("S"),
        api("STREAM.UPDATE.S", {"name": "S", "subjects": ["t.>"], "sealed": False}),
        api("STREAM.UPDATE.S", {"name": "S", "subjects": ["t.>"], "sealed": True}),
        api("STREAM.MSG.GET.S", {"seq": 1}),
        api("STREAM.DELETE.S"),
    ),
]
