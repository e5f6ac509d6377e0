"""Requests about consumers that are there already: the same again, and changes."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

from tests.conformance.jetstream.consumer_config.case import (
    DURABLE,
    FLOW,
    PULL,
    PUSH,
    Case,
    Json,
    ask,
    told,
)

SECOND = 1_000_000_000
_START = "2020-01-01T00:00:00Z"
_CHANGES: tuple[Json, ...] = (
    {}, {"description": "x"}, {"deliver_policy": "last"}, {"deliver_policy": "new"}, {"deliver_policy": "by_start_sequence", "opt_start_seq": 1}, {"deliver_policy": "by_start_sequence", "opt_start_seq": 2},
    {"deliver_policy": "by_start_time", "opt_start_time": _START}, {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T01:00:00+01:00"}, {"deliver_policy": "by_start_time", "opt_start_time": "2021-01-01T00:00:00Z"},
    {"opt_start_seq": 1}, {"opt_start_time": _START}, {"ack_policy": "none"}, {"ack_policy": "all"}, {"ack_policy": "explicit"}, {"ack_policy": "flow_control"}, {"ack_wait": SECOND}, {"ack_wait": -1},
    {"max_deliver": 3}, {"max_deliver": 1, "backoff": [1, 2]}, {"backoff": [1, 2]}, {"filter_subject": "s.a"}, {"filter_subject": "s.b"}, {"filter_subjects": ["s.a"]}, {"filter_subjects": ["s.a", "s.b"]}, {"filter_subjects": ["s.a", "s.a"]},
    {"replay_policy": "original"}, {"rate_limit_bps": 1000}, {"sample_freq": "50"}, {"sample_freq": "x"}, {"max_waiting": 5}, {"max_ack_pending": 5}, {"max_ack_pending": -1}, {"flow_control": True}, {"flow_control": True, "idle_heartbeat": SECOND},
    {"headers_only": True}, {"max_batch": 5}, {"max_expires": SECOND}, {"max_bytes": 5}, {"deliver_subject": "d"}, {"deliver_subject": "e"}, {"deliver_subject": "s.a"}, {"deliver_group": "g"}, {"idle_heartbeat": SECOND},
    {"inactive_threshold": SECOND}, {"inactive_threshold": 0}, {"num_replicas": 1}, {"num_replicas": 3}, {"mem_storage": True}, {"direct": True}, {"sourcing": True}, {"metadata": {"a": "1"}}, {"metadata": {"_nats.ver": "1"}},
    {"pause_until": "2100-01-01T00:00:00Z"}, {"priority_groups": ["g"], "priority_policy": "overflow"}, {"priority_groups": ["g"], "priority_policy": "pinned_client"}, {"priority_groups": ["h"], "priority_policy": "prioritized"},
    {"priority_groups": ["g"], "priority_policy": "pinned_client", "priority_timeout": SECOND},
)  # fmt: skip
_OLD: dict[str, Json] = {
    "durable": {**DURABLE, **PULL},
    "push": {**DURABLE, **PUSH},
    "plain": DURABLE,
    "flow": {**DURABLE, **FLOW},
    "steady push": {**DURABLE, **PUSH, "flow_control": True, "idle_heartbeat": SECOND},
    "start": {**DURABLE, "deliver_policy": "by_start_sequence", "opt_start_seq": 1},
    "time": {**DURABLE, "deliver_policy": "by_start_time", "opt_start_time": _START},
    "paused": {**DURABLE, "pause_until": "2099-01-01T00:00:00+01:00"},
    "pinned": {**DURABLE, **PULL, "priority_groups": ["g"], "priority_policy": "pinned_client"},
    "backoff": {**DURABLE, **PULL, "backoff": [1, 2, 3], "max_deliver": 5},
}


def _update(kind: str, action: str, heard: bool) -> Case:
    """The consumer is as it was before each change. What comes back to it, is an update, too."""
    old = _OLD[kind]
    steps = [ask(old)]
    for change in _CHANGES:
        steps += [ask({**old, **change}, action=action), ask(old)]
    listened = " heard" if heard else ""
    return Case(f"{kind} {action}{listened}", tuple(steps), heard=("d", "e") if heard else ())


_FOREVER = (
    "the real server gives a consumer that is made durable the few seconds that others live unused"
)
_RETRIED = (
    "to create what is there, and the same, is no error: the answer before may have been lost"
)
_READER = "what reads for a mirror may stand beside consumers of users, also when it asks again"
_UNFILTERED = "the real server lets a consumer of a work queue want all that others get, if only it wanted less before"


def _forms() -> list[Case]:
    """Durable or not."""
    durable = '{"durable_name":"C","without":["inactive_threshold"]}'
    return [
        Case("durable later", (ask({}), ask(DURABLE, ours=durable, why=_FOREVER), ask(DURABLE), ask({}), ask({}), ask({}, action="create"), ask({"inactive_threshold": 7 * SECOND}), ask({}))),
        Case("durable no more", (ask(DURABLE), ask({}), ask({}), ask({}, action="create"), ask({"inactive_threshold": 7 * SECOND}), ask({}), ask(DURABLE, ours=durable, why=_FOREVER))),
        Case("durable with a threshold", (ask({**DURABLE, "inactive_threshold": 7 * SECOND}), ask({}), ask({**DURABLE, "inactive_threshold": 7 * SECOND}), ask(DURABLE), ask(DURABLE, action="create"))),
        Case("by another subject", (
            ask(DURABLE, "DURABLE.CREATE.S.C"), ask(DURABLE, action="create"), ask({"durable_name": "C"}, "DURABLE.CREATE.S.C", action="create"), ask({"name": "C"}, "CREATE.S", action="create"), ask({"name": "C"}, "CREATE.S"),
        )),
        Case("create twice", (
            ask({}, action="create"), ask({}, action="create", ours="{}", why=_RETRIED), ask({"inactive_threshold": 5 * SECOND}, action="create"), ask({"inactive_threshold": 6 * SECOND}, action="create"), ask({}, action="update"),
        )),
        Case("defaults spelled out", (
            ask({**DURABLE, **PULL}, action="create"), ask({**DURABLE, **PULL, "ack_wait": 30 * SECOND, "max_deliver": -1, "max_waiting": 512, "max_ack_pending": 1000, "deliver_policy": "all", "replay_policy": "instant"}, action="create"),
            ask({**DURABLE, **PULL, "max_deliver": -5}, action="create"), ask({**DURABLE, **PULL, "metadata": {}}, action="create"), ask({**DURABLE, **PULL, "metadata": {"_nats.ver": "x", "_nats.req.level": "3"}}, action="create"),
            ask({**DURABLE, **PULL, "metadata": {"a": "b"}}, action="create"), ask({**DURABLE, **PULL, "filter_subject": ""}, action="create"), ask({**DURABLE, **PULL, "pause_until": "2100-01-01T00:00:00Z"}, action="create"),
            ask({**DURABLE, **PULL, "priority_policy": "none"}, action="create"), ask({**DURABLE, **PULL, "sample_freq": "0"}, action="create"),
        )),
        Case("filters in other words", (
            ask({**DURABLE, "filter_subject": "s.a"}, action="create"), ask({**DURABLE, "filter_subjects": ["s.a"]}, action="create"), ask({**DURABLE, "filter_subjects": ["s.a"]}), ask({**DURABLE, "filter_subject": "s.a"}, action="create"),
            ask({**DURABLE, "filter_subjects": ["s.b", "s.a"]}), ask({**DURABLE, "filter_subjects": ["s.a", "s.b"]}, action="create"), ask({**DURABLE, "filter_subjects": ["s.a", "s.b"]}),
        )),
        Case("missing", (ask({}, action="update"), ask(DURABLE, action="update"), ask({"max_deliver": 1, "backoff": [1, 2]}, action="update"), ask({"deliver_policy": "new"}, action="update"), ask({}, "CREATE.S", action="update"), ask({"name": "X"}, "CREATE.S", action="update"))),
        Case("pauses stay", (
            ask({**DURABLE, "pause_until": "2099-01-01T00:00:00+01:00"}), ask(DURABLE, action="create"), ask(DURABLE), ask(DURABLE, action="create"), ask({**DURABLE, "pause_until": "0001-01-01T00:00:00Z"}), ask({**DURABLE, "description": "x"}, action="update"),
        )),
        Case("pauses are not set", (ask(DURABLE), ask({**DURABLE, "pause_until": "2099-01-01T00:00:00Z"}), ask({**DURABLE, "pause_until": "2099-01-01T00:00:00Z"}, action="create"))),
    ]  # fmt: skip


def _queues() -> list[Case]:
    """The rules of work queues."""

    def a(to: str, *filters: str, **more: object) -> Json:
        config: Json = {**PULL, **more}
        if len(filters) == 1:
            config["filter_subject"] = filters[0]
        elif filters:
            config["filter_subjects"] = list(filters)
        return config

    unfiltered = told(400, 10099, "multiple non-filtered consumers not allowed on workqueue stream")
    one = [
        ask(a("A", "s.a"), "CREATE.S.A"),
        ask(a("B", "s.a"), "CREATE.S.B"),
        ask(a("B", "s.*"), "CREATE.S.B"),
        ask(a("B", "s.>"), "CREATE.S.B"),
        ask(a("B", ">"), "CREATE.S.B"),
        ask(a("B"), "CREATE.S.B"),
        ask(a("B", "s.b"), "CREATE.S.B"),
        ask(a("D", "s.c", "s.a"), "CREATE.S.D"),
        ask(a("D", "s.c", "s.d"), "CREATE.S.D"),
        ask(a("A", "s.b"), "CREATE.S.A"),
        ask(a("A", "s.x"), "CREATE.S.A"),
        ask(a("B", "s.a"), "CREATE.S.B"),
        ask(a("B", "s.a", "s.b"), "CREATE.S.B"),
        ask(a("B", "s.*"), "CREATE.S.B"),
        ask(a("D", "s.c"), "CREATE.S.D"),
        ask(a("E", "s.d", durable_name="E"), "CREATE.S.E"),
        ask(a("E", "s.d", durable_name="E"), "CREATE.S.E", action="create"),
        ask(a("E", "s.d", "s.c", durable_name="E"), "CREATE.S.E", action="create"),
        ask(a("F", "other"), "CREATE.S.F"),
        ask({"deliver_subject": "d", "filter_subject": "s.f"}, "CREATE.S.G"),
        ask({"deliver_subject": "d", "filter_subject": "s.f", "ack_policy": "all"}, "CREATE.S.G"),
        ask({**FLOW, "filter_subject": "s.f"}, "CREATE.S.G"),
        ask({**PULL, "filter_subject": "s.h", "deliver_policy": "new"}, "CREATE.S.H"),
        ask(
            {
                **PULL,
                "filter_subject": "s.h",
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": 1,
            },
            "CREATE.S.H",
        ),
        ask({"filter_subject": "s.h"}, "CREATE.S.H"),
        ask({"filter_subject": "s.h", "ack_policy": "all"}, "CREATE.S.H"),
    ]
    wider = [
        ask(a("A", "s.a"), "CREATE.S.A"),
        ask(a("B", "s.b"), "CREATE.S.B"),
        ask(a("B"), "CREATE.S.B", ours=unfiltered, why=_UNFILTERED),
    ]
    all_first = [
        ask(a("A"), "CREATE.S.A"),
        ask(a("A"), "CREATE.S.A"),
        ask(a("A"), "CREATE.S.A", action="update"),
        ask(a("B"), "CREATE.S.B"),
        ask(a("B", "s.b"), "CREATE.S.B"),
        ask(a("B", "other"), "CREATE.S.B"),
        ask(a("A", "s.a"), "CREATE.S.A"),
        ask(a("B", "s.b"), "CREATE.S.B"),
        ask(a("A", ">"), "CREATE.S.A"),
        ask(a("A", "s.a", "s.c"), "CREATE.S.A"),
        ask(a("A", "s.a", "s.b"), "CREATE.S.A"),
        ask(PULL, "CREATE.S"),
        ask({**PULL, "filter_subject": "s.z"}, "CREATE.S"),
    ]
    origin: Json = {"deliver_subject": "m", "direct": True, "sourcing": True}
    reader = '{"durable_name":"M","name":"M","ack_policy":"flow_control","filter_subject":"s.a","max_ack_pending":1000,"flow_control":true,"deliver_subject":"m","idle_heartbeat":1000000000,"sourcing":true,"metadata":{"_nats.level":"5","_nats.req.level":"4","_nats.ver":"2.15.1"},"without":["inactive_threshold","max_waiting"]}'
    with_origin = [
        ask(origin, "CREATE.S.M"),
        ask(a("A"), "CREATE.S.A"),
        ask(a("B"), "CREATE.S.B"),
        ask(origin, "CREATE.S.N"),
        ask(a("A", "s.a"), "CREATE.S.A"),
        ask(a("B", "s.b"), "CREATE.S.B"),
        ask({**origin, "filter_subject": "s.a"}, "CREATE.S.M", ours=reader, why=_READER),
        ask({**FLOW, "sourcing": True}, "CREATE.S.P"),
        ask({**PUSH, "sourcing": True, "filter_subject": "s.a"}, "CREATE.S.Q"),
        ask({**PUSH, "direct": True}, "CREATE.S.R"),
        ask({"deliver_subject": "r", "direct": True, "deliver_policy": "new"}, "CREATE.S.R"),
    ]
    return [
        Case("work queue", tuple(one), stream={"retention": "workqueue"}),
        Case("work queue for one", tuple(wider), stream={"retention": "workqueue"}),
        Case("work queue of one", tuple(all_first), stream={"retention": "workqueue"}),
        Case("work queue with origins", tuple(with_origin), stream={"retention": "workqueue"}),
        Case("interest", tuple(one[:17]), stream={"retention": "interest"}),
    ]  # fmt: skip


def _counts() -> list[Case]:
    steps = [
        ask({}, "CREATE.S.A"),
        ask(DURABLE, "CREATE.S.C"),
        ask({}, "CREATE.S.D"),
        ask({}, "CREATE.S"),
        ask({"description": "x"}, "CREATE.S.A"),
        ask({}, "CREATE.S.D", action="update"),
        ask({"deliver_subject": "m", "direct": True, "sourcing": True}, "CREATE.S.M"),
        ask({"deliver_subject": "m", "direct": True}, "CREATE.S.O"),
        ask({"deliver_subject": "m", "sourcing": True}, "CREATE.S.P"),
        ask({}, "CREATE.S.D"),
    ]
    return [
        Case(f"max_consumers {most}", tuple(steps), stream={"max_consumers": most})
        for most in (1, 2, 3)
    ]  # fmt: skip


UPDATE_CASES = (
    *(_update(kind, action, False) for kind in _OLD for action in ("",)),
    *(
        _update(kind, action, False)
        for kind in ("durable", "push")
        for action in ("update", "create")
    ),
    *(_update(kind, "", True) for kind in ("push", "steady push", "flow")),
    *_forms(),
    *_queues(),
    *_counts(),
)
