"""CONSUMER.*: all requests about consumers but those for messages, and what they tell others."""

from __future__ import annotations

from typing import Any

from tests.conformance.jetstream.case import (
    API,
    Body,
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
    update,
)

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
FAR = "2099-01-01T00:00:00.123456789Z"
IDENTITY = "Nats-Stream-Identity"
ADVISORIES = "$JS.EVENT.ADVISORY.CONSUMER.>"
EVENTS = "$JS.EVENT.ADVISORY.*.*.>"  # without the audit
PLAIN = {"durable_name": "C", "ack_policy": "explicit"}
STREAM = create("S", subjects=["s.>"])


def consumer(name: str, stream: str = "S", action: str = "", **config: Any) -> Request:
    """Create or update the durable consumer of that name; acknowledged explicitly unless told."""
    whole = {"name": name, "durable_name": name, "ack_policy": "explicit", **config}
    return asked(f"CREATE.{stream}.{name}", whole, stream, action)


def asked(
    form: str, config: dict[str, Any], stream: str = "S", action: str = "", **options: Any
) -> Request:
    """A request by one of the subject forms, with just this configuration."""
    body = {"stream_name": stream, "config": config, **({"action": action} if action else {})}
    return api(f"CONSUMER.{form}", body, **options)


def about(verb: str, name: str = "C", body: Body = b"", **options: Any) -> Request:
    """A request about a consumer of S."""
    return api(f"CONSUMER.{verb}.S.{name}", body, **options)


def hidden(name: str, **config: Any) -> Request:
    """A consumer as those of mirrors and sources."""
    whole = {"name": name, "deliver_subject": f"in.{name}", "inactive_threshold": HOUR, **config}
    return asked(f"CREATE.S.{name}", whole)


COUNTS: list[Step] = [info("S"), api("INFO"), api("CONSUMER.NAMES.S")]

BODIES: dict[str, Body] = {
    "empty": b"",
    "object": b"{}",
    "blank": b" ",
    "blanks-around": b" {} ",
    "text": b"x",
    "array": b"[]",
    "null": b"null",
    "unknown": b'{"foo":1}',
    "broken": b"{",
    "two": b"{}{}",
}
OFFSETS: dict[str, Body] = {
    **BODIES,
    "offset-0": b'{"offset":0}',
    "offset-1": b'{"offset":1}',
    "offset-end": b'{"offset":3}',
    "offset-beyond": b'{"offset":1000}',
    "offset-negative": b'{"offset":-3}',
    "offset-text": b'{"offset":"1"}',
    "offset-float": b'{"offset":1.5}',
    "upper-case": b'{"OFFSET":1}',
    "limit": b'{"limit":1}',
}
PAUSES: dict[str, Body] = {
    **BODIES,
    "null-time": b'{"pause_until":null}',
    "empty-time": b'{"pause_until":""}',
    "zero-time": b'{"pause_until":"0001-01-01T00:00:00Z"}',
    "past": b'{"pause_until":"2020-01-01T00:00:00Z"}',
    "zone": b'{"pause_until":"2099-01-01T00:00:00+02:00"}',
    "number": b'{"pause_until":5}',
    "text-time": b'{"pause_until":"tomorrow"}',
}
RESETS: dict[str, Body] = {
    **BODIES,
    "zero": b'{"seq":0}',
    "one": b'{"seq":1}',
    "middle": b'{"seq":3}',
    "beyond": b'{"seq":100}',
    "negative": b'{"seq":-1}',
    "text-seq": b'{"seq":"1"}',
}
UNPINS: dict[str, Body] = {
    **BODIES,
    "empty-group": b'{"group":""}',
    "group": b'{"group":"g"}',
    "other": b'{"group":"z"}',
    "number": b'{"group":5}',
    "more": b'{"group":"g","foo":1}',
}
CREATES: dict[str, Body] = {
    **BODIES,
    "no-stream": b'{"config":{}}',
    "other-stream": b'{"stream_name":"T","config":{"name":"C","durable_name":"C"}}',
    "no-config": b'{"stream_name":"S"}',
    "null-config": b'{"stream_name":"S","config":null}',
    "unknown-action": b'{"stream_name":"S","config":{},"action":"nope"}',
    "unknown-beside": b'{"stream_name":"S","config":{},"foo":1}',
    "unknown-in-config": b'{"stream_name":"S","config":{"foo":1}}',
    "action-number": b'{"stream_name":"S","config":{},"action":1}',
}
# Subject forms, for consumers that have a name somewhere.
FORMS = ("CREATE.S", "CREATE.S.C", "CREATE.S.C.s.a", "CREATE.S.C.s.>", "DURABLE.CREATE.S.C")
NAMINGS: dict[str, dict[str, Any]] = {
    "name": {"name": "C"},
    "other-name": {"name": "D"},
    "durable": {"durable_name": "C"},
    "other-durable": {"durable_name": "D"},
    "both": {"name": "C", "durable_name": "C"},
    "both-differ": {"name": "C", "durable_name": "D"},
    "filter": {"name": "C", "durable_name": "C", "filter_subject": "s.a"},
    "wide-filter": {"name": "C", "durable_name": "C", "filter_subject": "s.>"},
    "filters": {"name": "C", "durable_name": "C", "filter_subjects": ["s.a", "s.b"]},
    "one-filter": {"name": "C", "filter_subjects": ["s.a"]},
    "bad-name": {"name": "a.b"},
    "bad-durable": {"durable_name": "a.b"},
}
ODD_SUBJECTS = (
    "CREATE", "DURABLE.CREATE", "DURABLE.CREATE.S", "DURABLE.CREATE.S.C.D", "NAMES.S.C", "LIST.S.C",
    "INFO", "INFO.S", "INFO.S.C.D", "DELETE.S", "DELETE.S.C.D", "PAUSE.S", "PAUSE.S.C.D", "UNPIN.S",
    "UNPIN.S.C.D", "RESET.S", "RESET.S.C.D", "LEADER.STEPDOWN.S", "LEADER.STEPDOWN.S.C.D",
    "PEER.REMOVE.S", "PEER.REMOVE.S.C.D", "PEER.EVACUATE.S", "PEER.EVACUATE.S.C.D", "EVACUATE.S.C",
)  # fmt: skip
MISSING = ("INFO", "DELETE", "PAUSE", "UNPIN")
PRIORITY: dict[str, dict[str, Any]] = {
    "pinned": {"priority_groups": ["g", "h"], "priority_policy": "pinned_client"},
    "overflow": {"priority_groups": ["g"], "priority_policy": "overflow"},
    "prioritized": {"priority_groups": ["g"], "priority_policy": "prioritized"},
}
POLICIES: dict[str, dict[str, Any]] = {
    "all": {},
    "new": {"deliver_policy": "new"},
    "last": {"deliver_policy": "last"},
    "last-per-subject": {"deliver_policy": "last_per_subject", "filter_subject": "s.a"},
    "by-sequence": {"deliver_policy": "by_start_sequence", "opt_start_seq": 3},
    "by-past-time": {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T00:00:00Z"},
    "by-future-time": {"deliver_policy": "by_start_time", "opt_start_time": FAR},
    "without-acks": {"ack_policy": "none"},
}
# Configurations beside that of C which a collision brings.
COLLISIONS: dict[str, dict[str, Any]] = {
    "deliver-policy": {"deliver_policy": "new"},
    "ack-policy": {"ack_policy": "none"},
    "replay": {"replay_policy": "original"},
    "storage": {"mem_storage": True},
    "waiting": {"max_waiting": 5},
    "push": {"deliver_subject": "in.c"},
    "start": {"opt_start_seq": 3},
    "replicas": {"num_replicas": 3},
    "backoff": {"backoff": [SECOND, SECOND], "max_deliver": 1},
    "filters-overlap": {"filter_subjects": ["s.a", "s.>"]},
}


def _bodies(verb: str, bodies: dict[str, Body], before: list[Step], after: list[Step]) -> Case:
    """One request with each of the bodies."""
    steps: list[Step] = [*before]
    for body in bodies.values():
        steps += [about(verb, body=body), *after]
    return case(f"consumer-{verb.lower()}-bodies", STREAM, *steps)


CASES: list[Case] = [
    case(
        "consumer-lists",
        STREAM,
        *[consumer(name) for name in ("b", "C", "a")],
        *[
            api(f"CONSUMER.{verb}.{stream}", body)
            for stream in ("S", "NONE")
            for verb in ("NAMES", "LIST")
            for body in OFFSETS.values()
        ],
    ),
    _bodies("INFO", BODIES, [consumer("C")], []),
    _bodies("DELETE", BODIES, [consumer("C")], [about("INFO")]),
    _bodies("PAUSE", PAUSES, [consumer("C")], [about("INFO")]),
    _bodies("RESET", RESETS, [*fill(5, "s.a"), consumer("C")], []),
    _bodies("UNPIN", UNPINS, [consumer("C")], []),
    *[
        case(
            f"consumer-unpin-{label}",
            STREAM,
            consumer("C", **config),
            Watch(ADVISORIES),
            *[about("UNPIN", body=body) for body in UNPINS.values()],
            Seen(ADVISORIES, 2),
            about("INFO"),
        )
        for label, config in PRIORITY.items()
    ],
    *[
        case(
            f"consumer-{verb.lower()}-of-none",
            STREAM,
            *[
                api(f"CONSUMER.{verb}.{name}", body)
                for name in ("S.NONE", "NONE.C")
                for body in (*BODIES.values(), b'{"group":"g"}')
            ],
        )
        for verb in MISSING
    ],
    case(
        "consumer-reset-of-none",
        STREAM,
        *[
            Request(f"{API}CONSUMER.RESET.{name}", body, replies="none")
            for name in ("S.NONE", "NONE.C")
            for body in (b"", b"x")
        ],
        api("INFO"),
    ),
    *[
        case(
            f"consumer-reset-{label}",
            STREAM,
            *fill(5, "s.a"),
            consumer("C", **config),
            *[about("RESET", body={"seq": seq}) for seq in (0, 1, 2, 3, 5, 6, 100, 0)],
            about("INFO"),
        )
        for label, config in POLICIES.items()
    ],
    case(
        "consumer-odd-subjects",
        STREAM,
        consumer("C"),
        *[Request(f"{API}CONSUMER.{subject}", replies="none") for subject in ODD_SUBJECTS],
        api("INFO"),
    ),
    case(
        "consumer-peers",
        STREAM,
        consumer("C"),
        *[
            api(f"CONSUMER.{verb}.{name}", body)
            for verb in ("LEADER.STEPDOWN", "PEER.REMOVE", "PEER.EVACUATE")
            for name in ("S.C", "S.NONE", "NONE.C")
            for body in (b"", {"peer": "x"}, b"x")
        ],
        api("INFO"),
    ),
    *[
        case(
            f"consumer-create-form-{number}",
            STREAM,
            *[
                step
                for config in NAMINGS.values()
                for step in (
                    asked(form, {"ack_policy": "explicit", **config}),
                    about("DELETE", "C"),
                    about("DELETE", "D"),
                )
            ],
            *COUNTS,
        )
        for number, form in enumerate(FORMS, 1)
    ],
    *[
        case(
            f"consumer-create-bodies-{number}",
            STREAM,
            *[
                step
                for body in CREATES.values()
                for step in (api(f"CONSUMER.{form}", body), about("DELETE", "C"))
            ],
            *[api(f"CONSUMER.{form.replace('.S', '.NONE', 1)}", body) for body in CREATES.values()],
            *[asked(form.replace(".S", ".NONE", 1), config, "NONE") for config in NAMINGS.values()],
            *COUNTS,
        )
        for number, form in enumerate(FORMS[1:], 1)
    ],
    case(
        "consumer-actions",
        STREAM,
        consumer("C", action="update"),
        consumer("C", action="create"),
        consumer("C", action="create"),
        consumer("C", action="create", ack_wait=30 * SECOND, max_deliver=-1),
        consumer("C", action="create", ack_wait=5 * SECOND),
        consumer("C", action="update", ack_wait=5 * SECOND),
        consumer("C", ack_wait=6 * SECOND),
        asked("DURABLE.CREATE.S.C", PLAIN, action="create"),
        asked("DURABLE.CREATE.S.C", PLAIN),
        consumer("C", action="create"),
        consumer("C", filter_subject="s.a"),
        consumer("C", action="create", filter_subjects=["s.a"]),
        consumer("C", metadata={"x": "y"}),
        consumer("C", action="create"),
        consumer("C", description="d"),
        *COUNTS,
    ),
    *[
        case(
            f"consumer-collision-{label}",
            STREAM,
            *fill(3, "s.a"),
            consumer("C"),
            about("INFO"),
            consumer("C", **config),
            consumer("C", action="create", **config),
            consumer("C", action="update", **config),
            about("INFO"),
            *COUNTS,
        )
        for label, config in COLLISIONS.items()
    ],
    case(
        "consumer-durable-and-named",
        STREAM,
        consumer("C"),
        asked("CREATE.S.C", {"name": "C", "ack_policy": "explicit", "inactive_threshold": HOUR}),
        about("INFO"),
        consumer("C"),
        about("INFO"),
    ),
    case(
        "consumer-identity",
        STREAM,
        asked("CREATE.S.C", {"name": "C", "durable_name": "C"}, headers={IDENTITY: "other"}),
        asked("CREATE.S.C", {"name": "C", "durable_name": "C"}, headers={IDENTITY: ""}),
        asked("CREATE.S.D", {"direct": True, "deliver_subject": "in.d"}),
        asked("CREATE.S.D", {"direct": True, "deliver_subject": "in.d"}, headers={IDENTITY: ""}),
        asked("CREATE.S.D", {"direct": True, "deliver_subject": "in.d"}, headers={IDENTITY: "x"}),
        asked("CREATE.S.E", {"direct": True}, headers={IDENTITY: "x"}),
        asked("CREATE.S.E", {"sourcing": True, "deliver_subject": "in.e"}, headers={IDENTITY: "x"}),
        asked("CREATE.S.E", {"sourcing": True, "deliver_subject": "in.e"}),
        asked("CREATE.S.E.s.x", {"direct": True}, headers={IDENTITY: "x"}),
        asked("CREATE.S.E", {"direct": True, "ack_policy": "explicit"}, headers={IDENTITY: "x"}),
        asked("CREATE.S.E", {"durable_name": "F", "direct": True}, headers={IDENTITY: "x"}),
        asked("CREATE.NONE.E", {"direct": True}, "NONE", headers={IDENTITY: "x"}),
        *[about(verb, headers={IDENTITY: "x"}) for verb in ("RESET", "INFO", "PAUSE")],
        about("RESET"),
        about("RESET", body=b"x", headers={IDENTITY: "x"}),
        about("RESET", headers={IDENTITY: ""}),
        about("DELETE", headers={IDENTITY: "x"}),
    ),
    case(
        "consumer-hidden",
        create("S", subjects=["s.>"], max_consumers=2),
        hidden("d1", direct=True),
        hidden("s1", sourcing=True),
        *COUNTS,
        consumer("a"),
        consumer("b"),
        consumer("c"),
        hidden("d2", direct=True),
        hidden("s2", sourcing=True),
        *COUNTS,
        api("CONSUMER.LIST.S"),
        about("INFO", "d1"),
        about("DELETE", "d1"),
        about("DELETE", "s1"),
        *COUNTS,
    ),
    case(
        "consumer-limit-of-stream",
        create("S", subjects=["s.>"], max_consumers=2),
        consumer("a"),
        asked("CREATE.S.b", {"name": "b", "inactive_threshold": HOUR}),
        consumer("c"),
        asked("CREATE.S", {}),
        consumer("a", ack_wait=SECOND),
        consumer("c", action="update"),
        update("S", subjects=["s.>"], max_consumers=1),
        consumer("b"),
        consumer("c"),
        about("DELETE", "a"),
        consumer("c"),
        about("DELETE", "b"),
        consumer("c"),
        *COUNTS,
    ),
    case(
        "consumer-limit-of-account",
        create("S", subjects=["s.>"]),
        create("T", subjects=["t.>"]),
        *[consumer(name) for name in "abc"],
        *[consumer(name, "T") for name in "abc"],
        api("INFO"),
        account="{ max_consumers: 2 }",
    ),
    case(
        "consumer-limit-of-server",
        create("S", subjects=["s.>"]),
        create("T", subjects=["t.>"], max_consumers=3),
        *[consumer(name) for name in "abc"],
        *[consumer(name, "T") for name in "abcd"],
        api("INFO"),
        server="few-consumers",
    ),
    case(
        "consumer-advisories",
        Watch(EVENTS),
        STREAM,
        consumer("C"),
        consumer("C"),
        consumer("C", ack_wait=SECOND),
        consumer("C", action="create", ack_wait=2 * SECOND),
        Seen(EVENTS, 2, ordered=False),
        about("PAUSE", body={"pause_until": FAR}),
        Seen(EVENTS, 1),
        about("PAUSE", body={"pause_until": FAR}),
        Seen(EVENTS, 0),
        about("PAUSE"),
        about("PAUSE"),
        about("PAUSE", body={"pause_until": "2020-01-01T00:00:00Z"}),
        Seen(EVENTS, 2),
        consumer("D", pause_until=FAR),
        about("INFO", "D"),
        consumer("D"),
        consumer("D", pause_until="2098-01-01T00:00:00Z"),
        about("INFO", "D"),
        about("RESET", "D"),
        about("DELETE", "D"),
        about("DELETE", "D"),
        Seen(EVENTS, 3, ordered=False),
        consumer("A"),
        api("STREAM.DELETE.S"),
        Seen(EVENTS, 4, ordered=False),
    ),
    case(
        "consumer-restart",
        STREAM,
        create("M", subjects=["m.>"], storage="memory"),
        *fill(3, "s.a"),
        consumer("C", description="kept", metadata={"x": "y"}),
        consumer("m", mem_storage=True),
        consumer("M", "M"),
        asked("CREATE.S.n", {"name": "n", "inactive_threshold": HOUR}),
        consumer("P", pause_until=FAR),
        consumer("Q"),
        about("PAUSE", "Q", {"pause_until": FAR}),
        consumer("gone"),
        about("DELETE", "gone"),
        Restart(),
        info("S"),
        api("CONSUMER.LIST.S"),
        *[about("INFO", name) for name in ("C", "m", "n", "P", "Q", "gone")],
        consumer("C", action="create", description="kept", metadata={"x": "y"}),
        api("INFO"),
    ),
    case(
        "consumer-of-a-deleted-stream",
        STREAM,
        consumer("C"),
        api("STREAM.DELETE.S"),
        about("INFO"),
        api("CONSUMER.NAMES.S"),
        api("INFO"),
        STREAM,
        about("INFO"),
        *COUNTS,
        Restart(),
        about("INFO"),
        *COUNTS,
    ),
    case(
        "consumer-api-level",
        STREAM,
        consumer("C"),
        *[
            api(f"CONSUMER.{verb}.S.C", headers={"Nats-Required-Api-Level": "99"})
            for verb in ("CREATE", "INFO", "PAUSE", "UNPIN", "RESET", "DELETE")
        ],
        api("CONSUMER.NAMES.S", headers={"Nats-Required-Api-Level": "99"}),
        *COUNTS,
    ),
    # Only a subscription to exactly the deliver subject binds a consumer; then all who match get
    # what it delivers.
    case(
        "consumer-push-listeners",
        STREAM,
        *fill(2, "s.a"),
        Watch("d.>"),
        consumer("C", deliver_subject="d.x", ack_policy="none"),
        about("INFO"),
        Seen("d.>", 0),
        Watch("d.x"),
        Seen("d.x", 2),
        Seen("d.>", 2),
        about("INFO", until=("delivered.consumer_seq", 2)),
    ),
    case(
        "consumer-stream-counts",
        STREAM,
        *fill(2, "s.a"),
        consumer("C"),
        consumer("D"),
        api("STREAM.LIST"),
        api("STREAM.PURGE.S"),
        info("S"),
        update("S", subjects=["s.>"], max_msgs=5),
        about("DELETE", "C"),
        api("STREAM.LIST"),
    ),
]  # fmt: skip
