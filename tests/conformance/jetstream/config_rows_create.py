"""STREAM.CREATE requests: every rule hit, and just not hit."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

from tests.conformance.jetstream.config_cases import Case, create
from tests.support.fake_account import Json

MS = 1_000_000
SECOND = 1000 * MS
MINUTE = 60 * SECOND

_LONG = "n" * 255
_BAD_SUBJECTS = (
    "", " ", ".", "..", ".a", "a.", "a..b", "a b", "a\tb", "a\nb", "a\rb", "a\fb", "a\vb", "a\x00b", "\x00", "\t", ">.a", "a.>.b", "a>b", "a.>b", "*a", "a*",
    "a.*b.c", "**", ">>", "*>", "é.ü", "日本.語", "😀", "\u00a0", "\u2028", "a\u200bb", "\ufffd", "\x7f", "$", "$JS", "$JS.", "_INBOX.x", "a" * 5000,
    ".".join("a" * 400),
)  # fmt: skip
_RESERVED = (
    ">", "*", "*.>", "*.*", "$JS.>", "$JS.API.>", "$JS.API", "$JS.EVENT.>", "$JS.EVENT", "$JS.EVENT.ADVISORY.>", "$JS.*.x", "$JS.*.>", "$JSC.>", "$JSC.a", "$JSC",
    "$NRG.>", "$NRG.a.b", "$NRG", "$SYS.>", "$SYS.ACCOUNT.>", "$SYS.ACCOUNT.a.CONNECT", "$SYS.ACCOUNT", "$SYS.REQ.>", "$SYS.*.x", "$KV.b.>", "$O.b.C.>", "*.API.>", "$MQTT.>",
)  # fmt: skip
_PAIRS = (
    ("a", "a"), ("a.*", "a.b"), ("a.>", "a.b.c"), ("a.>", "a"), ("a.*", "*.b"), ("a.*.c", "a.b.*"), ("a.*.c", "a.b.d"), (">", "a"), ("a", "A"), ("a.*", "a.*.b"),
    ("a.*.>", "*.b"), ("*", "a.>"), ("*a.*", "b.*"), ("a*.>", "b.>"), ("*x", "*"), ("a.b", "a.b.c"), ("a.>", "b.>"), ("*.a", "b.*"), (">x.*", "y.*"), ('a"b', 'a"b'),
    ('a"\\é.*', 'a"\\é.b'), ("a.*b", "a.*b.>"), ("é", "e\u0301"),
)  # fmt: skip
_NAMES = (
    _LONG, _LONG + "n", "é" * 127, "é" * 128, "日本語", "😀", "a b", "a\tb", "a\nb", "a\rb", "a\fb", "a\vb", "a\x00b", "\x00", "a.b", "a*b", "a>b", "a/b", "a\\b", "/", "..", "../x",
    "", "-", "a:b", 'a"b', "a'b", "a%b", "a?b", "con", "a\u00a0b", "a\u2028b", "~",
)  # fmt: skip
_EDGES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("max_msgs", (-(2**63), -2, -1, 0, 1, 2**63 - 1)),
    ("max_msgs_per_subject", (-(2**63), -2, -1, 0, 1, 2**63 - 1)),
    ("max_bytes", (-(2**63), -2, -1, 0, 1, 1024)),
    ("max_msg_size", (-(2**31), -2, -1, 0, 1, 2**31 - 1)),
    ("max_consumers", (-(2**63), -2, -1, 0, 1, 2**63 - 1)),
    ("max_age", (-1, 0, 1, 100 * MS - 1, 100 * MS, MINUTE, 2 * MINUTE - 1, 2 * MINUTE, 2**63 - 1)),
    ("duplicate_window", (-1, 0, 1, 100 * MS - 1, 100 * MS, 2 * MINUTE, 2**63 - 1)),
    ("num_replicas", (-1, 0, 1, 2, 3, 5, 6, 2**63 - 1)),
    ("first_seq", (0, 1, 2, 2**63, 2**64 - 1)),
    ("subject_delete_marker_ttl", (-1, 0, 1, SECOND - 1, SECOND, SECOND + 1, 2**63 - 1)),
)  # fmt: skip
_DESTINATIONS = (
    ("a.*", "b.$1"), ("a.*", "b"), ("a.*", "b.*"), ("a.*", "b.$2"), ("a.*", "b.{{wildcard(1)}}"), ("a.*", "b.{{wildcard(2)}}"), ("a.*", "b.{{Foo(1)}}"), ("a.*", "b.{{wildcard()}}"),
    ("a.*", "b.{{partition(5,1)}}"), ("a.>", "b.>"), ("a.>", "b"), ("a", "b.>"), ("a", "b"), ("", "b.>"), ("", "b"), ("", ""), ("a", ""), ("a..b", "c"), ("a..b", ""), ("a b", "c"), ("a", "b..c"),
    ("a", "b c"), ("a", ".b"), (">", ">"), ("a.*", "b.{{left(1,2)}}"), ("a.*", "b.{{split(1)}}"), ("a.*", "b.{{random(3)}}"), ("a.>", "b.>.c"), ("*", "b.$1"), ("*", "$JS.API.$1"),
)  # fmt: skip


def _id(text: object) -> str:
    shown = ascii(text)
    return shown if len(shown) < 50 else f"{shown[:46]}… {len(shown)}"


def _labels() -> list[Case]:
    cases = [
        Case(f"create name {_id(name)}", json.dumps({"name": name}).encode(), name="S")
        for name in _NAMES
    ]
    # The same where the API subject can carry the name; a subject with white space cannot be sent.
    cases += [
        create(f"subject name {_id(name)}", name=name, subjects=["q"])
        for name in _NAMES
        if name and not any(char in name for char in " \t\n\r\f*>.")
    ]
    for size in (4096, 4097):
        cases.append(create(f"description {size}", description="d" * size))
        cases.append(
            create(f"description é {size}", description="é" * (size // 2) + "d" * (size % 2))
        )
    own = len("_nats.req.level") + 1
    for size in (128 * 1024 - own, 128 * 1024 - own + 1, 128 * 1024 + 1):
        cases.append(create(f"metadata {size}", metadata={"k": "v" * (size - 1)}))
    for pairs in (
        {"a": "b"}, {"": ""}, {"_nats.req.level": "99"}, {"_nats.ver": "x", "_nats.level": "y"}, {"_nats.other": "z"},
        {"_NATS.VER": "x"}, {"é\x00": "\u2028"},
    ):  # fmt: skip
        cases.append(create(f"metadata {_id(pairs)}", metadata=pairs))
    return cases


def _numbers() -> list[Case]:
    return [
        create(f"{field} {value}{' pedantic' * pedantic}", **{field: value}, **_flag(pedantic))
        for field, values in _EDGES
        for value in values
        for pedantic in (False, True)
    ]


def _flag(pedantic: bool) -> Json:
    return {"pedantic": True} if pedantic else {}


def _both(id: str, *given: Json, **config: Any) -> list[Case]:
    """The request as it is, and in pedantic mode."""
    return [
        create(id, *given, **config),
        create(f"{id} pedantic", *given, **config, pedantic=True),
    ]


def _combinations() -> list[Case]:
    cases: list[Case] = []
    for age, window in (
        (MINUTE, 0),
        (MINUTE, MINUTE),
        (MINUTE, MINUTE + 1),
        (100 * MS, 0),
        (3 * MINUTE, 0),
    ):
        cases += _both(f"age {age} window {window}", max_age=age, duplicate_window=window)
    cases.append(create("deny purge with roll-up", deny_purge=True, allow_rollup_hdrs=True))
    cases.append(create("deny purge", deny_purge=True, deny_delete=True))
    cases.append(create("roll-up", allow_rollup_hdrs=True))
    counter = {"allow_msg_counter": True}
    cases.append(create("counter", **counter))
    for clash in (
        {"discard": "new"}, {"allow_msg_ttl": True}, {"allow_msg_schedules": True}, {"retention": "interest"}, {"retention": "workqueue"},
        {"subject_delete_marker_ttl": SECOND}, {"allow_rollup_hdrs": True}, {"allow_atomic": True}, {"allow_batched": True}, {"max_msgs": 1},
    ):  # fmt: skip
        cases += _both(f"counter {clash}", **counter, **clash)
    per = {"discard_new_per_subject": True}
    for more in (
        {},
        {"discard": "new"},
        {"max_msgs_per_subject": 1},
        {"discard": "new", "max_msgs_per_subject": 1},
        {"discard": "new", "max_msgs_per_subject": 0},
    ):
        cases.append(create(f"discard new per subject {more}", **per, **more))
    marker = {"subject_delete_marker_ttl": SECOND}
    for more in (
        {}, {"allow_msg_ttl": True}, {"allow_rollup_hdrs": True}, {"allow_msg_ttl": True, "allow_rollup_hdrs": True}, {"deny_purge": True},
        {"deny_purge": True, "allow_msg_ttl": True}, {"sources": [{"name": "O"}]},
    ):  # fmt: skip
        cases += _both(f"marker {more}", **marker, **more)
    schedules = {"allow_msg_schedules": True}
    for more in (
        {},
        {"allow_rollup_hdrs": True},
        {"discard": "new"},
        {"deny_purge": True},
        {"sources": [{"name": "O"}]},
        {"retention": "workqueue"},
    ):
        cases += _both(f"schedules {more}", **schedules, **more)
    for more in (
        {}, {"storage": "memory"}, {"num_replicas": 2}, {"allow_atomic": True}, {"allow_batched": True}, {"storage": "memory", "num_replicas": 2},
    ):  # fmt: skip
        cases.append(create(f"async {more}", persist_mode="async", **more))
    for field in (
        "allow_msg_ttl",
        "allow_atomic",
        "allow_batched",
        "allow_direct",
        "no_ack",
        "sealed",
        "mirror_direct",
        "deny_delete",
    ):
        cases += _both(field, **{field: True})
    for field, words in (
        ("retention", ("limits", "interest", "workqueue")), ("discard", ("old", "new")), ("storage", ("file", "memory")), ("compression", ("none", "s2")),
    ):  # fmt: skip
        cases += [create(f"{field} {word}", **{field: word}) for word in words]
    for limits in (
        {"inactive_threshold": -1},
        {"max_ack_pending": -1},
        {"inactive_threshold": 1, "max_ack_pending": 2},
        {},
    ):
        cases.append(create(f"consumer limits {limits}", consumer_limits=limits))
    for placement in (
        {},
        {"cluster": "c"},
        {"cluster": ""},
        {"tags": ["t"]},
        {"preferred": "p"},
        {"cluster": "c", "tags": ["!a"], "preferred": "p"},
    ):
        cases += _both(f"placement {placement}", placement=placement)
    return cases


def _subjects() -> list[Case]:
    cases = [create(f"subject {_id(text)}", subjects=[text]) for text in _BAD_SUBJECTS]
    for text in _RESERVED:
        for no_ack in (False, True):
            cases.append(create(f"reserved {text} no_ack {no_ack}", subjects=[text], no_ack=no_ack))
    cases.append(create("all with replicas", subjects=[">"], no_ack=True, num_replicas=3))
    cases.append(create("all and one", subjects=[">", "a"], no_ack=True))
    cases.append(create("thousand", subjects=[f"a.{number}" for number in range(1000)]))
    cases.append(create("bad after overlap", subjects=["a", "a.*", "a.b", ".."]))
    for one, two in _PAIRS:
        cases.append(create(f"overlap in itself {one} {two}", subjects=[one, two]))
        cases.append(create(f"overlap in itself {two} {one}", subjects=[two, one]))
        other = {"name": "OTHER", "subjects": [one], "no_ack": True}
        cases.append(create(f"overlap of streams {one} {two}", other, subjects=[two], no_ack=True))
    cases.append(create("overlap by name", {"name": "OTHER", "subjects": ["S"]}))
    cases.append(
        create("no overlap with mirror", {"name": "O"}, {"name": "M", "mirror": {"name": "O"}})
    )
    return cases


def _transforms() -> list[Case]:
    cases: list[Case] = []
    for src, dest in _DESTINATIONS:
        pair = {"src": src, "dest": dest}
        id = f"{src} to {dest}"
        cases.append(create(f"transform {id}", subject_transform=pair))
        cases.append(
            create(f"mirror transform {id}", mirror={"name": "O", "subject_transforms": [pair]})
        )
        cases.append(
            create(f"source transform {id}", sources=[{"name": "O", "subject_transforms": [pair]}])
        )
        cases += _both(f"republish {id}", subjects=["q"], republish=pair)
    for subjects, republish in (
        (["a"], {"src": "a", "dest": "a"}), (["a"], {"src": "a", "dest": "b"}), (["a.>"], {"src": "a.>", "dest": "a.b.>"}), (["a.>"], {"src": "a.>", "dest": "b.>"}),
        (["a"], {"src": ">", "dest": ">"}), (["a"], {"dest": "b"}), (["a"], {"dest": "b.>"}), (["a"], {"src": "z", "dest": "b"}), (["a"], {"dest": ""}), (["a"], {}),
        (["a"], {"src": "a", "dest": "b", "headers_only": True}), (["a"], {"dest": "*"}), (["a.b"], {"dest": "*.>"}), (["a"], {"dest": "a..b"}),
    ):  # fmt: skip
        cases += _both(
            f"republish cycle {subjects} {republish}", subjects=subjects, republish=republish
        )
    moved = {"src": "a.>", "dest": "b.>"}
    for subjects, transform, republish in (
        (["a.>"], moved, {"src": ">", "dest": ">"}), (["a.>"], moved, {"dest": ">"}), (["a.>", "c"], moved, {"src": ">", "dest": ">"}),
        (["a.b.>"], moved, {"src": ">", "dest": ">"}), (["a.>"], {"src": "a.>", "dest": "a.b.>"}, {"src": ">", "dest": ">"}), (["a.>"], moved, {"src": ">", "dest": "x.>"}),
        (["a.*"], {"src": "a.*", "dest": "b.$1"}, {"src": ">", "dest": ">"}),
    ):  # fmt: skip
        cases += _both(
            f"implicit republish {subjects} {transform} {republish}",
            subjects=subjects, subject_transform=transform, republish=republish,
        )  # fmt: skip
    return cases


def _copies() -> list[Case]:
    """What holds for mirrors and for sources."""
    origin = {"name": "O", "subjects": ["o.>"]}
    pairs = {
        "apart": [{"src": "a", "dest": ""}, {"src": "b", "dest": ""}],
        "same": [{"src": "a", "dest": "b"}, {"src": "a", "dest": "c"}],
        "wide and narrow": [{"src": "a.*", "dest": "b.$1"}, {"src": "a.x", "dest": "c"}],
        "narrow and wide": [{"src": "a.x", "dest": "c"}, {"src": "a.*", "dest": "b.$1"}],
        "crossing": [{"src": "a.*", "dest": "b.$1"}, {"src": "*.x", "dest": "c.$1"}],
        "all twice": [{"src": "", "dest": ""}, {"src": "", "dest": ""}],
        "all and one": [{"src": ">", "dest": ">"}, {"src": "a", "dest": "b"}],
    }
    durable = {"name": "d", "deliver_subject": "in.d"}
    copied: dict[str, Json] = {
        "plain": {"name": "O"},
        "unknown": {"name": "NOBODY"},
        "no name": {},
        "bad name": {"name": "a.b"},
        "long name": {"name": _LONG + "n"},
        "filter": {"name": "O", "filter_subject": "o.x"},
        "foreign filter": {"name": "O", "filter_subject": "zzz"},
        "bad filter": {"name": "O", "filter_subject": "o..x"},
        "spaced filter": {"name": "O", "filter_subject": "o x"},
        "start seq": {"name": "O", "opt_start_seq": 7},
        "start time": {"name": "O", "opt_start_time": "2020-01-01T00:00:00Z"},
        "both starts": {"name": "O", "opt_start_seq": 7, "opt_start_time": "2020-01-01T00:00:00Z"},
        "filter and transform": {"name": "O", "filter_subject": "a", "subject_transforms": [{"src": "a", "dest": "b"}]},
        "durable": {"name": "O", "consumer": durable},
        "durable without name": {"name": "O", "consumer": {**durable, "name": ""}},
        "durable with bad name": {"name": "O", "consumer": {**durable, "name": "a.b"}},
        "durable with long name": {"name": "O", "consumer": {**durable, "name": _LONG + "n"}},
        "durable without subject": {"name": "O", "consumer": {"name": "d"}},
        "durable with wildcard": {"name": "O", "consumer": {**durable, "deliver_subject": "in.*"}},
        "durable with bad subject": {"name": "O", "consumer": {**durable, "deliver_subject": "in..d"}},
        "durable with start": {"name": "O", "consumer": durable, "opt_start_seq": 1},
        "durable with time": {"name": "O", "consumer": durable, "opt_start_time": "2020-01-01T00:00:00Z"},
        "durable with filter": {"name": "O", "consumer": durable, "filter_subject": "o.x"},
        "durable with transform": {"name": "O", "consumer": durable, "subject_transforms": pairs["apart"]},
        "external": {"name": "O", "external": {"api": "js.api", "deliver": "in"}},
        "external empty": {"name": "O", "external": {}},
        "external without deliver": {"name": "O", "external": {"api": "js.api"}},
        "external unnamed": {"external": {"api": "js.api"}},
        "external badly named": {"name": "a.b", "external": {"api": "js.api"}},
        "external wild api": {"name": "O", "external": {"api": "js.*"}},
        "external bad api": {"name": "O", "external": {"api": 'js..é"\x00'}},
        "external own api": {"name": "O", "external": {"api": "$JS.API"}},
        "external beneath api": {"name": "O", "external": {"api": "$JS.API.x"}},
        "external domain": {"name": "O", "external": {"api": "$JS.hub.API"}},
        "external wild deliver": {"name": "O", "external": {"api": "js.api", "deliver": "in.>"}},
        "external bad deliver": {"name": "O", "external": {"api": "js.api", "deliver": "in."}},
        "external both bad": {"name": "O", "external": {"api": "js.>", "deliver": "in.>"}},
        **{f"transforms {name}": {"name": "O", "subject_transforms": each} for name, each in pairs.items()},
    }  # fmt: skip
    cases: list[Case] = []
    for id, each in copied.items():
        cases += _both(f"mirror {id}", origin, mirror=each)
        cases.append(create(f"source {id}", origin, sources=[each]))
    return cases


def _mirrors() -> list[Case]:
    cases: list[Case] = []
    mirror = {"mirror": {"name": "O"}}
    for more in (
        {"subjects": ["a"]}, {"sources": [{"name": "O"}]}, {"first_seq": 1}, {"first_seq": 0}, {"allow_msg_counter": True}, {"allow_atomic": True}, {"allow_batched": True},
        {"allow_msg_schedules": True}, {"subject_delete_marker_ttl": SECOND}, {"allow_msg_ttl": True}, {"mirror_direct": True}, {"allow_direct": True},
        {"duplicate_window": MINUTE}, {"max_age": MINUTE}, {"retention": "workqueue"}, {"subject_transform": {"src": "a", "dest": "b"}}, {"republish": {"dest": "x.>"}},
        {"first_seq": 1, "subjects": ["a"]}, {"subjects": ["a"], "sources": [{"name": "O"}]}, {"discard": "new"}, {"allow_rollup_hdrs": True},
    ):  # fmt: skip
        cases += _both(f"mirror with {more}", **mirror, **more)
    for direct in (False, True):
        for asked in (False, True):
            cases += _both(
                f"mirror direct {asked} of {direct}",
                {"name": "O", "allow_direct": direct},
                **mirror,
                mirror_direct=asked,
            )
            cases += _both(f"mirror direct {asked} of nothing", mirror_direct=asked, **mirror)
    for size, of in ((10, 11), (11, 11), (12, 11), (-1, 11), (10, -1), (0, 11)):
        origin = {"name": "O", "max_msg_size": of}
        cases.append(create(f"mirror size {size} of {of}", origin, **mirror, max_msg_size=size))
        cases.append(
            create(
                f"source size {size} of {of}", origin, sources=[{"name": "O"}], max_msg_size=size
            )
        )
        far = {"name": "O", "external": {"api": "x"}}
        cases.append(
            create(f"external size {size} of {of}", origin, sources=[far], max_msg_size=size)
        )
    return cases


def _copying(name: str, *copied: str) -> dict[str, Any]:
    """A stream that copies: `N` a stream of that name, `N:f` with a filter, and `=N` is a mirror of
    it. In small letters it is a subject of its own."""
    subjects = [each for each in copied if each.islower()]
    mirror = [each[1:] for each in copied if each.startswith("=")]
    sources = [each.split(":") for each in copied if each[0].isupper()]
    made: dict[str, Any] = {"subjects": subjects or [name.lower()]}
    if mirror:
        made = {"mirror": {"name": mirror[0]}}
    if sources:
        made["sources"] = [
            {"name": source, **({"filter_subject": filters[0]} if filters else {})}
            for source, *filters in sources
        ]
    return made if name == "S" else {"name": name, **made}


def _sources() -> list[Case]:
    far = {"api": "a.b", "deliver": "c.d"}
    cases = [
        create(f"sources {id}", sources=sources)
        for id, sources in {
            "twice": [{"name": "A"}, {"name": "A"}],
            "twice, filters": [{"name": "A", "filter_subject": "a"}, {"name": "A", "filter_subject": "b"}],
            "twice, all": [{"name": "A", "filter_subject": ">"}, {"name": "A"}],
            "twice, starts": [{"name": "A", "opt_start_seq": 1}, {"name": "A", "opt_start_seq": 2}],
            "twice, external": [{"name": "A"}, {"name": "A", "external": far}],
            "twice, externals": [{"name": "A", "external": {"api": "x"}}, {"name": "A", "external": {"api": "y"}}],
            "twice, same external": [{"name": "A", "external": far}, {"name": "A", "external": {**far, "deliver": "z"}}],
            "twice, durables": [{"name": "A", "consumer": {"name": n, "deliver_subject": f"in.{n}"}} for n in "xy"],
            "twice, same durable": [{"name": "A", "consumer": {"name": "x", "deliver_subject": f"in.{n}"}} for n in "xy"],
            "same durable, transforms": [
                {"name": "A", "consumer": {"name": "x", "deliver_subject": "in.x"}, "subject_transforms": [{"src": n, "dest": n}]} for n in "ab"
            ],
            "same durable, streams": [{"name": n, "consumer": {"name": "x", "deliver_subject": "in.x"}} for n in "AB"],
            "twice, transforms": [{"name": "A", "subject_transforms": [{"src": "a", "dest": n}]} for n in "xy"],
            "twice, same transform": [{"name": "A", "subject_transforms": [{"src": "a", "dest": "x"}]} for _ in "xy"],
            "filter and transform of it": [{"name": "A", "filter_subject": "a"}, {"name": "A", "subject_transforms": [{"src": "a", "dest": ""}]}],
            "second bad": [{"name": "A"}, {"name": "a.b"}],
            "many": [{"name": f"A{number}"} for number in range(50)],
            "itself": [{"name": "S"}],
            "itself filtered": [{"name": "S", "filter_subject": "x"}],
            "none": [],
        }.items()
    ]  # fmt: skip
    cases += [
        create("source itself, other subjects", subjects=["a"], sources=[{"name": "S", "filter_subject": "b"}]),
        create("source itself, own subjects", subjects=["a.*"], sources=[{"name": "S", "filter_subject": "a.b"}]),
        create("mirror itself", mirror={"name": "S"}),
        create("source and subjects", {"name": "O", "subjects": ["o"]}, subjects=["a"], sources=[{"name": "O"}]),
        create("source cycle of two", {"name": "A", "sources": [{"name": "S"}]}, sources=[{"name": "A"}]),
        create("source cycle filtered away", {"name": "A", "subjects": ["a"], "sources": [{"name": "S", "filter_subject": "zz"}]}, sources=[{"name": "A"}]),
        create("source cycle filtered in", {"name": "A", "subjects": ["a"], "sources": [{"name": "S", "filter_subject": "a"}]}, sources=[{"name": "A"}]),
        create("source cycle of three", {"name": "A", "sources": [{"name": "B"}]}, {"name": "B", "sources": [{"name": "S"}]}, sources=[{"name": "A"}]),
        create("mirror cycle", {"name": "A", "mirror": {"name": "S"}}, mirror={"name": "A"}),
        create("cycle over a mirror", {"name": "A", "mirror": {"name": "S"}}, sources=[{"name": "A"}]),
        create("cycle over a source", {"name": "A", "sources": [{"name": "S"}]}, mirror={"name": "A"}),
        create("no cycle over another account", {"name": "A", "sources": [{"name": "S", "external": far}]}, sources=[{"name": "A"}]),
        create("two ways to one stream", {"name": "A"}, {"name": "B", "sources": [{"name": "A"}]}, sources=[{"name": "A"}, {"name": "B"}]),
        create("two ways to one stream, long first", {"name": "A"}, {"name": "B", "sources": [{"name": "A"}]}, sources=[{"name": "B"}, {"name": "A"}]),
        create("diamond", {"name": "A"}, {"name": "B", "sources": [{"name": "A"}]}, {"name": "C", "sources": [{"name": "A"}]}, sources=[{"name": "B"}, {"name": "C"}]),
        # A source or mirror of a stream that was looked at before is a cycle, too; the order counts.
        *(
            create(f"ways {id}", *(_copying(*each.split()) for each in others), **_copying("S", *copied.split()))
            for id, others, copied in (
                ("stream and its mirror", ("A", "M =A"), "A M"),
                ("mirror and its stream", ("A", "M =A"), "M A"),
                ("stream and its mirror, filtered", ("A a", "M =A"), "A:q M:q"),
                ("two mirrors", ("A", "M =A", "N =A"), "M N"),
                ("two mirrors of nothing", ("M =A", "N =A"), "M N"),
                ("stream that is to come and its mirror", ("M =A",), "A M"),
                ("mirror of a mirror", ("A", "M =A", "N =M"), "M N"),
                ("stream and the mirror of its mirror", ("A", "M =A", "N =M"), "A N"),
                ("stream and a source of it, filtered out", ("A a", "B b A:q"), "A B"),
                ("stream and a source of it, filtered in", ("A a", "B b A:b"), "A B"),
                ("long way and short one", ("A", "B A", "C B"), "A C"),
                ("long way and two short ones", ("A", "B A", "C B"), "C A B"),
                ("the same source twice", ("A a", "B b A:a A:q"), "A B"),
                ("behind its own filter", ("A a S:a",), "S:x A:s"),
                ("cycle of others", ("A a B:q", "B b A:q"), "A"),
                ("cycle of others filtered in", ("A a B:q", "B b A:q"), "A B:x"),
            )
        ),
        create("deliver prefix over subjects", {"name": "O", "subjects": [">"], "no_ack": True}, sources=[{"name": "O"}, {"name": "X", "external": {"api": "a", "deliver": "p"}}]),
        create("deliver prefix in subjects", {"name": "O", "subjects": ["*.o"], "no_ack": True}, sources=[{"name": "O"}, {"name": "X", "external": {"api": "a", "deliver": "p"}}]),
        create("deliver prefix apart", {"name": "O", "subjects": ["o.*"]}, sources=[{"name": "O"}, {"name": "X", "external": {"api": "a", "deliver": "o"}}]),
        create("deliver prefix swallowed", {"name": "O", "subjects": ["o.>"]}, sources=[{"name": "O"}, {"name": "X", "external": {"api": "a", "deliver": "o"}}]),
    ]  # fmt: skip
    return cases


def _repeats() -> list[Case]:
    """A stream of that name exists."""
    cases: list[Case] = []
    for id, first, second in (
        ("same", {}, {}),
        ("spelled out", {}, {"subjects": ["S"], "max_msgs": -1, "storage": "file", "num_replicas": 1, "duplicate_window": 2 * MINUTE}),
        ("other limit", {}, {"max_msgs": 5}),
        ("other subjects", {"subjects": ["a", "b"]}, {"subjects": ["b", "a"]}),
        ("other description", {"description": "a"}, {"description": "b"}),
        ("other metadata", {"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}),
        ("dropped metadata", {"metadata": {"a": "1"}}, {}),
        ("answered metadata", {}, {"metadata": {"_nats.ver": "1", "_nats.level": "2", "_nats.req.level": "7"}}),
        ("other storage", {}, {"storage": "memory"}),
        ("implied ttl", {"subject_delete_marker_ttl": SECOND}, {"subject_delete_marker_ttl": SECOND, "allow_msg_ttl": True, "allow_rollup_hdrs": True}),
        ("sources", {"sources": [{"name": "A"}]}, {"sources": [{"name": "A"}]}),
        ("other sources", {"sources": [{"name": "A"}]}, {"sources": [{"name": "B"}]}),
        ("mirror", {"mirror": {"name": "A", "opt_start_seq": 1}}, {"mirror": {"name": "A", "opt_start_seq": 1}}),
        ("pedantic", {}, {"pedantic": True}),
        ("republish default", {"republish": {"dest": "x.>"}}, {"republish": {"src": ">", "dest": "x.>"}}),
        ("sealed", {}, {"sealed": True}),
        ("replicas", {}, {"num_replicas": 3}),
        ("empty placement tags", {}, {"placement": {"tags": []}}),
        ("empty placement", {}, {"placement": {}}),
        ("empty sources", {}, {"sources": []}),
        ("overlapping", {}, {"subjects": ["other"]}),
        ("bad filter", {"sources": [{"name": "A"}]}, {"sources": [{"name": "A", "filter_subject": ".."}]}),
    ):  # fmt: skip
        given = ({"name": "OTHER", "subjects": ["other"]}, {"name": "S", **first})
        cases.append(create(f"again {id}", *given, **second))
    return cases


CREATE_CASES = (
    *_labels(), *_numbers(), *_combinations(), *_subjects(), *_transforms(), *_copies(), *_mirrors(), *_sources(), *_repeats(),
)  # fmt: skip
