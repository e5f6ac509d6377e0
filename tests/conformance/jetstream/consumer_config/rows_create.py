"""Create requests: every field with values that are allowed, and those that are not."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

from tests.conformance.jetstream.consumer_config.case import (
    DURABLE,
    FLOW,
    PULL,
    PUSH,
    Case,
    Json,
    Step,
    ask,
    told,
)

MS = 1_000_000
SECOND = 1000 * MS
INT_EDGES = (-(2**63), -2, -1, 0, 1, 2**63 - 1)

_BAD_SUBJECTS = (
    "",
    " ",
    ".",
    "..",
    ".a",
    "a.",
    "a..b",
    "a b",
    "a\tb",
    "a\x00b",
    ">.a",
    "a.>.b",
    "a>b",
    "*a",
    "a*",
    "**",
    ">>",
    "é.ü",
    "日本",
    "\x7f",
    "$JS.API.x",
    "_INBOX.x",
    "*",
    ">",
    "a.*",
    "a.>",
)
_GROUPS = ("", "a", "A-b_c/d=9", "n" * 16, "n" * 17, "a b", "a.b", "é", "a\n", "+", ")")
_SAMPLES = (
    "",
    "0",
    "1",
    "100",
    "150",
    "30",
    "30%",
    "%",
    "x",
    "-1",
    "-1%",
    "+5",
    " 5",
    "5 ",
    "5%%",
    "1.5",
    "0x10",
    "1_0",
    "99999999999999999999",
    "-99999999999999999999",
    "٣",
    '"',
    "\xff",
)
_TIMES = (
    "2020-01-01T00:00:00Z",
    "2020-01-01T02:00:00+02:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T02:00:00+02:00",
    "1970-01-01T00:00:00Z",
    "2099-12-31T23:59:59.123456789Z",
    "2020-01-01T00:00:00.10Z",
    "9999-12-31T23:59:59Z",
)

VALUES: dict[str, tuple[Any, ...]] = {
    "description": ("", "x", "d" * 4096, "d" * 4097, "é" * 2048, "é" * 2048 + "d"),
    "ack_policy": ("none", "all", "explicit", "flow_control"),
    "ack_wait": (*INT_EDGES, 30 * SECOND),
    "max_deliver": INT_EDGES,
    "backoff": ([], [0], [1], [5, 3], [-1], [5, -1], [SECOND] * 3),
    "filter_subject": (*_BAD_SUBJECTS, "s.a", "s.*", "other"),
    "filter_subjects": (
        [], [""], ["s.a"], ["s.a", ""], ["s.a", "s.b"], ["s.a", "s.a"], ["s.a", "s.*"], ["s.*", "s.a"], ["s.>", "s.a.b"], ["s.*.x", "s.y.*"], ["a..b"], ["s.a", "a..b"], ["a..b", "s.a", "s.a"],
        ["s.a", "s.a", "a..b"], ["s.a", "a..b", ""], [">", "s.a"], ["a", "b"], [f"s.{n}" for n in range(300)], [*(f"s.{n}" for n in range(300)), "s.7"], [*(f"s.{n}.*" for n in range(40)), "s.*.x"],
        *([subject, "s.q"] for subject in _BAD_SUBJECTS if "\x00" not in subject),
    ),
    "replay_policy": ("instant", "original"),
    "rate_limit_bps": (0, 1, 2**64 - 1),
    "sample_freq": _SAMPLES,
    "max_waiting": (*INT_EDGES, 512),
    "max_ack_pending": (*INT_EDGES, 1000, 1001),
    "flow_control": (False, True),
    "headers_only": (False, True),
    "max_batch": INT_EDGES,
    "max_expires": (*INT_EDGES, MS - 1, MS),
    "max_bytes": INT_EDGES,
    "deliver_group": ("", "g", "a b", "a..b", "*", "g\x00"),
    "idle_heartbeat": (*INT_EDGES, 100 * MS - 1, 100 * MS, SECOND),
    "inactive_threshold": INT_EDGES,
    "num_replicas": (-1, 0, 1, 2, 3, 6),
    "mem_storage": (False, True),
    "direct": (False, True),
    "sourcing": (False, True),
    "metadata": ({}, {"a": "b"}, {"_nats.ver": "x", "_nats.level": "9", "_nats.req.level": "7"}, {"_nats.own": "x"}, {"k": "v" * (128 * 1024 - 17)}, {"k": "v" * (128 * 1024 - 16)}, {"é": "v" * 128 * 1024}),
    "pause_until": _TIMES,
    "priority_groups": ([], *([group] for group in _GROUPS), ["a", "b"], ["a", "a"], ["a", ""]),
    "priority_timeout": INT_EDGES,
}  # fmt: skip

_BASES = {"pull": PULL, "push": PUSH, "flow": FLOW}
# Where the other values of a field matter, besides the plain ones.
_MORE: dict[str, tuple[Json, ...]] = {
    "max_deliver": ({"backoff": [1, 2]},),
    "backoff": ({"max_deliver": 2}, {"ack_wait": 1}, {"ack_wait": 5}, {"max_deliver": -1}),
    "idle_heartbeat": ({"flow_control": True},),
    "filter_subjects": ({"filter_subject": "s.a"},),
    "priority_groups": tuple({"priority_policy": policy} for policy in ("overflow", "pinned_client", "prioritized", "none")),
    "priority_timeout": tuple({"priority_policy": policy, "priority_groups": ["g"]} for policy in ("overflow", "pinned_client", "prioritized")),
}  # fmt: skip

_NUL = "no subject of this broker has null bytes: they would end up in other programs' C strings"


def _ours(name: str, value: Any, pedantic: bool, base: str) -> tuple[str | None, str]:
    """Our answer where it differs on purpose, and why."""
    if name == "filter_subject" and value == "a\x00b" and not (pedantic and base == "flow"):
        return told(500, 10052, "invalid subject"), _NUL
    return None, ""


def _field(base: str, name: str, pedantic: bool) -> Case:
    steps = [
        ask(config, pedantic=pedantic, ours=ours, why=why)
        for more in ({}, *_MORE.get(name, ()))
        for value in VALUES[name]
        for config in [{**_BASES[base], **more, name: value}]
        for ours, why in [_ours(name, value, pedantic, base)]
    ]
    mode = " pedantic" if pedantic else ""
    return Case(f"{base} {name}{mode}", tuple(steps), fresh=True)


def _starts() -> Case:
    fields: tuple[Json, ...] = (
        {},
        {"opt_start_seq": 1},
        {"opt_start_time": _TIMES[0]},
        {"opt_start_seq": 1, "opt_start_time": _TIMES[0]},
    )
    policies = (
        "all",
        "last",
        "new",
        "by_start_sequence",
        "by_start_time",
        "last_per_subject",
        "undefined",
    )
    steps = [
        ask({"deliver_policy": policy, **start, **filters})
        for policy in policies
        for start in fields
        for filters in ({}, {"filter_subject": "s.a"}, {"filter_subjects": ["s.a"]})
    ]
    more = [
        ask({"deliver_policy": "by_start_sequence", "opt_start_seq": seq})
        for seq in (0, 2, 100, 2**64 - 1)
    ]
    more += [ask({"deliver_policy": "by_start_time", "opt_start_time": time}) for time in _TIMES]
    return Case("starts", (*steps, *more), fresh=True)  # fmt: skip


def _deliver_subjects() -> list[Case]:
    streams: tuple[Json, ...] = (
        {},
        {"subjects": ["a", "b.*", "c.>"]},
        {"subjects": [">"], "no_ack": True},
        {"subjects": [], "mirror": {"name": "M"}},
    )
    subjects = (
        *(each for each in _BAD_SUBJECTS if each),
        "d",
        "s",
        "s.a",
        "s.a.b",
        "a",
        "b.c",
        "b",
        "c",
        "c.d.e",
    )
    return [
        Case(f"deliver_subject {place}", tuple(
            ask({"deliver_subject": subject}, ours=told(400, 10112, "invalid push consumer deliver subject"), why=_NUL)
            if "\x00" in subject else ask({"deliver_subject": subject})
            for subject in subjects
        ), fresh=True, stream=stream)
        for place, stream in enumerate(streams)
    ]  # fmt: skip


_LONG = "the real server takes names in memory that no folder can have, or fails to make the folder"
_TOO_LONG = told(400, 10102, "consumer name is too long, maximum allowed is 255")


_NO_STORE = told(500, 10012, "error creating store for consumer")
_STARRED = "the real server takes a token that only begins with a wildcard for one, and so refuses filters that no message can share"
_LATER = "the real server tells first what comes first, also where it overlaps with what comes after another fault"


def _filters() -> Case:
    """Filters that are not what they seem."""

    def two(*filters: str, ours: str | None = None, why: str = "") -> Step:
        return ask({"filter_subjects": list(filters)}, ours=ours, why=why)

    def starred(*filters: str) -> Step:
        body = json.dumps({"filter_subjects": list(filters)}, separators=(",", ":"))
        return two(*filters, ours=body, why=_STARRED)

    return Case("filters that look like wildcards", (
        starred("*a.*", "b.*"), two(">x", "y"), starred("**", "a"), starred("a", "**"), starred("*a", "b"), two("*a", "*a"), two("a.>b", "a.c"), two("*", "*a"), two("*a", "*"), two(">", "*a"), two("*a.>", "*a.b"),
        two("s.a", "a..b", "s.*", ours=told(500, 10052, "invalid subject"), why=_LATER), two("s.a", "s.*", "a..b"), two("a..b", "s.a", "s.*"), two("s.*", "s.a", "a..b"),
    ), fresh=True)  # fmt: skip


def _names() -> list[Case]:
    named = (
        "C",
        "c d",
        "a.b",
        "a*b",
        "*",
        ">",
        "a/b",
        "a\\b",
        "a\tb",
        "a\nb",
        "a\x01b",
        "é",
        "日本",
        "a%b",
        "a:b",
        "con",
        "..",
        "n" * 255,
    )
    by_body = [ask({"name": name}, "CREATE.S") for name in named]
    by_body += [ask({"durable_name": name}, "CREATE.S") for name in named[:3]]
    by_body += [
        ask({"name": "n" * 256}, "CREATE.S", ours=_TOO_LONG, why=_LONG),
        ask({"name": "é" * 128}, "CREATE.S", ours=_TOO_LONG, why=_LONG),
    ]
    by_body += [
        ask({}, "CREATE.S"),
        ask(PULL, "CREATE.S"),
        ask({}, "CREATE.S", action="update"),
        ask({}, "CREATE.S", action="create"),
        ask({"name": ""}, "CREATE.S"),
    ]
    in_subject = [name for name in named if not set(name) & set(" \t\n.*>")]
    by_subject = [ask({}, f"CREATE.S.{name}") for name in in_subject]
    by_subject += [ask({"durable_name": name}, f"CREATE.S.{name}") for name in in_subject]
    by_subject += [ask({"durable_name": name}, f"DURABLE.CREATE.S.{name}") for name in in_subject]
    by_subject += [
        ask({}, f"CREATE.S.{'n' * 256}", ours=_TOO_LONG, why=_LONG),
        *(
            ask({"durable_name": name}, f"{verb}.S.{name}")
            for verb in ("CREATE", "DURABLE.CREATE")
            for name in ("n" * 256, "é" * 128)
        ),
        ask({"name": "X"}),
        ask({"name": "X", "durable_name": "C"}),
        ask({"durable_name": "X"}),
        ask({"name": "a.b"}),
        ask({"durable_name": "a.b"}),
        ask({"name": "C"}, "DURABLE.CREATE.S.C"),
        ask({}, "DURABLE.CREATE.S.C"),
        ask({"durable_name": "X"}, "DURABLE.CREATE.S.C"),
        ask({"durable_name": "C", "name": "X"}, "DURABLE.CREATE.S.C"),
        ask({"durable_name": ""}, "DURABLE.CREATE.S.C"),
    ]
    filters = [
        ask({"filter_subject": "s.a"}, "CREATE.S.C.s.a"),
        ask({"filter_subject": "s.b"}, "CREATE.S.C.s.a"),
        ask({}, "CREATE.S.C.s.a"),
        ask({"filter_subjects": ["s.a"]}, "CREATE.S.C.s.a"),
        ask({"filter_subject": "s.a", "filter_subjects": ["s.a"]}, "CREATE.S.C.s.a"),
        ask({"filter_subject": "s.*"}, "CREATE.S.C.s.*"),
        ask({"filter_subject": "s.>"}, "CREATE.S.C.s.>"),
        ask({"filter_subject": ">"}, "CREATE.S.C.>"),
        ask({"filter_subject": "x"}, "CREATE.S.C.x"),
        ask({"durable_name": "X", "filter_subject": "x"}, "CREATE.S.C.y"),
    ]
    streams = [
        Step(b"", "CREATE.S.C"),
        Step(b"", "CREATE.S"),
        Step(b"{}", "CREATE.S.C"),
        Step(b'{"stream_name":"S"}', "CREATE.S.C"),
        Step(b'{"stream_name":"S"}', "CREATE.S"),
        Step(b'{"stream_name":"S"}', "DURABLE.CREATE.S.C"),
        Step(b'{"stream_name":"T"}', "CREATE.S.C"),
        Step(b'{"stream_name":"T"}', "CREATE.T.C"),
        Step(b'{"stream_name":"T"}', "CREATE.S.a/b"),
        Step(b'{"stream_name":"T","config":{"num_replicas":3}}', "CREATE.T.C"),
        Step(b'{"stream_name":"T","config":{"name":"a.b"}}', "CREATE.T"),
        Step(b'{"stream_name":"s"}', "CREATE.S.C"),
        Step(b'{"stream_name":"S","config":null}', "CREATE.S.C"),
    ]
    return [
        Case("names in bodies", tuple(by_body), fresh=True),
        Case("names in subjects", tuple(by_subject), fresh=True),
        Case("filters in subjects", tuple(filters), fresh=True),
        Case("streams", tuple(streams), fresh=True),
    ]  # fmt: skip


def _replicas() -> list[Case]:
    return [
        Case(f"num_replicas {retention}", tuple(ask({**PULL, **durable, "num_replicas": count}) for durable in ({}, DURABLE) for count in VALUES["num_replicas"]), fresh=True, stream={"retention": retention})
        for retention in ("limits", "interest", "workqueue")
    ]  # fmt: skip


def _stream_limits() -> list[Case]:
    limits: tuple[Json, ...] = (
        {"max_ack_pending": 50},
        {"inactive_threshold": SECOND},
        {"max_ack_pending": 50, "inactive_threshold": SECOND},
        {"max_ack_pending": 2000},
        {"max_ack_pending": -1, "inactive_threshold": -1},
    )
    configs: tuple[Json, ...] = (
        {},
        {"max_ack_pending": 50},
        {"max_ack_pending": 51},
        {"max_ack_pending": -1},
        {"inactive_threshold": SECOND},
        {"inactive_threshold": SECOND + 1},
        {"inactive_threshold": 1, "max_ack_pending": 1},
    )
    return [
        Case(f"consumer_limits {place}", tuple(
            ask({**base, **config}, pedantic=pedantic)
            for pedantic in (False, True) for base in ({}, PULL, {**PULL, **DURABLE}, PUSH, {"deliver_subject": "d"}, FLOW) for config in configs
        ), fresh=True, stream={"consumer_limits": each})
        for place, each in enumerate(limits)
    ]  # fmt: skip


def _sourcing() -> list[Case]:
    base: Json = {"deliver_subject": "d", "direct": True, "sourcing": True}
    plain: Json = {
        "flow_control": True,
        "idle_heartbeat": SECOND,
        "inactive_threshold": 10 * SECOND,
        "ack_wait": 22 * 3600 * SECOND,
        "max_deliver": 1,
    }
    configs: tuple[Json, ...] = (
        base,
        {**base, **plain},
        {**base, "deliver_policy": "by_start_sequence", "opt_start_seq": 5},
        {**base, "ack_policy": "explicit"},
        {**base, "durable_name": "C"},
        {**base, "direct": False},
        {**base, "sourcing": False},
        {"sourcing": True},
        {"direct": True},
        {**base, **FLOW},
    )
    return [
        Case(f"sourcing {retention}", tuple(ask(config, to) for config in configs for to in ("CREATE.S.C", "CREATE.S")), fresh=True, stream={"retention": retention})
        for retention in ("limits", "interest", "workqueue")
    ] + [Case("sourcing again", tuple(
        ask(each) for each in (base, {**base, **plain}, {**base, "deliver_policy": "by_start_sequence", "opt_start_seq": 5}, {**base, "deliver_subject": "e"}, {**FLOW, "sourcing": True}, FLOW)
    ), stream={"retention": "interest"})]  # fmt: skip


CREATE_CASES = (
    *(_field(base, name, False) for base in _BASES for name in VALUES),
    *(_field(base, name, True) for base in ("pull", "push") for name in VALUES if name not in ("metadata", "description", "sample_freq", "filter_subjects")),
    _starts(), _filters(), *_deliver_subjects(), *_names(), *_replicas(), *_stream_limits(), *_sourcing(),
)  # fmt: skip
