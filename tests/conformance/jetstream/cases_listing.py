"""STREAM.NAMES, STREAM.LIST and STREAM.INFO: filters, pages, details; unknown API subjects."""

from __future__ import annotations

from typing import Any

from tests.conformance.jetstream.case import (
    API,
    Body,
    Case,
    Request,
    Send,
    Step,
    api,
    case,
    create,
    fill,
    info,
)

_SEVERAL: list[Step] = [
    create("ORDERS", subjects=["orders.>"], storage="memory"),
    create("EVENTS", subjects=["events.*", "audit.*.done"], storage="memory"),
    create("alpha", subjects=["alpha"], storage="memory"),
    create("B", subjects=["b.c.d", "b.*.e"], storage="memory"),
]

# Bodies for both listings, on an account with several streams.
LISTS: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "offset-0": {"offset": 0},
    "offset-1": {"offset": 1},
    "offset-last": {"offset": 3},
    "offset-end": {"offset": 4},
    "offset-beyond": {"offset": 5000},
    "offset-negative": {"offset": -1},
    "offset-text": {"offset": "1"},
    "limit-unknown": {"limit": 1},
    "filter-literal": {"subject": "orders.new"},
    "filter-exact-wildcard": {"subject": "orders.>"},
    "filter-star": {"subject": "events.*"},
    "filter-all": {"subject": ">"},
    "filter-first-star": {"subject": "*.c.d"},
    "filter-middle": {"subject": "audit.x.done"},
    "filter-middle-wild": {"subject": "audit.*.*"},
    "filter-none": {"subject": "nothing.here"},
    "filter-empty": {"subject": ""},
    "filter-invalid": {"subject": "a..b"},
    "filter-blank": {"subject": "a b"},
    "filter-number": {"subject": 1},
    "filter-offset": {"subject": ">", "offset": 2},
    "filter-offset-beyond": {"subject": "orders.>", "offset": 2},
    "filter-name": {"subject": "ORDERS"},
    "consumer-unknown": {"consumer": "x"},
    "text": b"nonsense",
    "null": b"null",
    "array": b"[]",
    "blank": b" ",
}

# Bodies of STREAM.INFO on a stream with deleted messages and several subjects.
INFOS: dict[str, Body] = {
    "empty": b"",
    "object": {},
    "null": b"null",
    "deleted": {"deleted_details": True},
    "deleted-false": {"deleted_details": False},
    "deleted-text": {"deleted_details": "yes"},
    "subjects-all": {"subjects_filter": ">"},
    "subjects-star": {"subjects_filter": "t.*"},
    "subjects-literal": {"subjects_filter": "t.a"},
    "subjects-deep": {"subjects_filter": "t.deep.>"},
    "subjects-middle": {"subjects_filter": "t.*.x"},
    "subjects-none": {"subjects_filter": "t.nothing"},
    "subjects-other": {"subjects_filter": "u.>"},
    "subjects-empty": {"subjects_filter": ""},
    "subjects-invalid": {"subjects_filter": "t..a"},
    "subjects-deleted": {"subjects_filter": ">", "deleted_details": True},
    "subjects-gone": {"subjects_filter": "t.gone"},
    "offset-1": {"subjects_filter": ">", "offset": 1},
    "offset-beyond": {"subjects_filter": ">", "offset": 1000},
    "offset-negative": {"subjects_filter": ">", "offset": -1},
    "offset-only": {"offset": 2},
    "unknown-field": {"subject_filter": ">"},
    "bad-json": b"{",
    "text": b"nonsense",
    "blank": b" ",
}


def _holes() -> list[Step]:
    """A stream of twelve messages with holes; subject t.gone has lost all of its messages."""
    return [
        create("S", subjects=["t.>"]),
        *fill(12, "t.a", "t.b", "t.deep.x", "t.gone"),
        *(api("STREAM.MSG.DELETE.S", {"seq": seq}) for seq in (4, 6, 7, 8, 12)),
    ]


# Subjects below $JS.API. that are no endpoint of an unclustered server's account, or whose
# number of tokens is wrong. Nobody answers most of them.
ODD_SUBJECTS: list[str] = [
    "STREAM",
    "STREAM.CREATE",
    "STREAM.CREATE.S.T",
    "STREAM.UPDATE",
    "STREAM.UPDATE.S.T",
    "STREAM.INFO",
    "STREAM.INFO.S.T",
    "STREAM.NAMES.S",
    "STREAM.LIST.S",
    "STREAM.DELETE",
    "STREAM.DELETE.S.T",
    "STREAM.PURGE",
    "STREAM.PURGE.S.T",
    "STREAM.MSG",
    "STREAM.MSG.GET",
    "STREAM.MSG.GET.S.T",
    "STREAM.MSG.DELETE",
    "STREAM.MSG.PUT.S",
    "STREAM.SNAPSHOT",
    "STREAM.RESTORE",
    "STREAM.NOTHING.S",
    "stream.names",
    "NOTHING",
    "INFO.S",
    "INFOS",
    "DIRECT.GET",
    "DIRECT",
    "ACCOUNT.PURGE.X",
    "META.LEADER.STEPDOWN",
    "SERVER.REMOVE",
    "CONSUMER.NAMES",
    "CONSUMER.NOTHING.S.C",
    "STREAM.TEMPLATE.NAMES",
    "STREAM.TEMPLATE.CREATE.T",
    "STREAM.PEER.REMOVE.S",
    "STREAM.LEADER.STEPDOWN.S",
    "STREAM.CANCEL_MOVE.S",
    "STREAM.PEER.EVACUATE.S",
]


def _paging(storage: str, count: int) -> list[Step]:
    return [create(f"S{index:04d}", storage=storage) for index in range(count)]


def _request(label: str, verb: str, body: Body, before: list[Step]) -> Case:
    return case(f"{label}", before, api(verb, body), api("INFO"))


def _page(offset: int) -> dict[str, Any]:
    return {"offset": offset}


CASES: list[Case] = [
    case("names-of-none", api("STREAM.NAMES"), api("STREAM.LIST"), api("STREAM.LIST", _page(1))),
    *[_request(f"names-{label}", "STREAM.NAMES", body, _SEVERAL) for label, body in LISTS.items()],
    *[_request(f"list-{label}", "STREAM.LIST", body, _SEVERAL) for label, body in LISTS.items()],
    *[_request(f"info-{label}", "STREAM.INFO.S", body, _holes()) for label, body in INFOS.items()],
    case(
        "consumers-of-none",
        create("S", storage="memory"),
        *[api(f"CONSUMER.{verb}.{name}") for verb in ("NAMES", "LIST") for name in ("S", "NONE")],
        *[
            api(f"CONSUMER.{verb}.{name}.C")
            for verb in ("INFO", "DELETE", "PAUSE", "LEADER.STEPDOWN", "MSG.NEXT")
            for name in ("S", "NONE")
        ],
        api("CONSUMER.INFO.S.C", b"x"),
        api("CONSUMER.UNPIN.S.C", {"group": "g"}),
    ),
    case(
        "consumer-create",
        create("S", storage="memory"),
        api("CONSUMER.CREATE.S.C", {"stream_name": "S", "config": {"name": "C"}}),
    ),
    case(
        "list-after-changes",
        _SEVERAL,
        *fill(5, "orders.1", "alpha", "b.c.d"),
        api("STREAM.DELETE.alpha"),
        api("STREAM.PURGE.B"),
        api("STREAM.LIST"),
        api("STREAM.NAMES"),
    ),
    case(
        "list-pages-of-256",
        _paging("memory", 260),
        api("STREAM.LIST", _page(0)),
        api("STREAM.LIST", _page(256)),
        api("STREAM.LIST", _page(259)),
        api("STREAM.LIST", _page(260)),
        api("STREAM.NAMES", _page(256)),
    ),
    case(
        "names-pages-of-1024",
        _paging("memory", 1030),
        api("STREAM.NAMES", _page(0)),
        api("STREAM.NAMES", _page(1024)),
        api("STREAM.NAMES", _page(1029)),
        api("STREAM.NAMES", {"offset": 1000, "subject": ">"}),
    ),
    case(
        "info-subjects-of-transformed",
        create(
            "S", subjects=["in.*"], subject_transform={"src": "in.*", "dest": "out.{{wildcard(1)}}"}
        ),
        *fill(4, "in.a", "in.b"),
        info("S", subjects_filter=">"),
        info("S", subjects_filter="in.*"),
        info("S", subjects_filter="out.a"),
        api("STREAM.NAMES", {"subject": "out.a"}),
    ),
    case(
        "info-many-subjects",
        create("S", subjects=["t.*"], storage="memory"),
        *fill(300, "t.{0}"),
        info("S", subjects_filter="t.*"),
        info("S", subjects_filter="t.*", offset=290),
        info("S", subjects_filter="t.1*"),
    ),
    *[
        case(
            f"odd-subject-{index:02d}-{subject}",
            create("S"),
            Request(API + subject, replies="none"),
            api("INFO"),
        )
        for index, subject in enumerate(ODD_SUBJECTS)
    ],
    case("odd-subject-only-prefix", Request("$JS.API", replies="none"), api("INFO")),
    case("other-domain", Request("$JS.hub.API.INFO", replies="none"), api("INFO")),
    case(
        "own-domain",
        create("S"),
        Request("$JS.hub.API.INFO"),
        Request("$JS.hub.API.STREAM.INFO.S"),
        Request("$JS.other.API.INFO", replies="none"),
        server="domain",
    ),
    case(
        "no-reply-does-not-disturb",
        Send(API + "INFO"),
        Send(API + "STREAM.NAMES"),
        Send(API + "STREAM.INFO.S"),
        Send(API + "NOTHING"),
        api("INFO"),
    ),
    *[
        case(
            f"info-level-{label}",
            create("S"),
            api("STREAM.INFO.S", headers={"Nats-Required-Api-Level": level}),
            api("INFO", headers={"Nats-Required-Api-Level": level}),
            api("STREAM.NAMES", headers={"Nats-Required-Api-Level": level}),
            api("INFO"),
        )
        for label, level in {
            "0": "0",
            "5": "5",
            "6": "6",
            "text": "x",
            "negative": "-1",
            "empty": "",
        }.items()
    ],
    case(
        "not-enabled",
        api("INFO"),
        api("STREAM.NAMES"),
        api("STREAM.CREATE.S", {"name": "S"}),
        account="disabled",
    ),
]
