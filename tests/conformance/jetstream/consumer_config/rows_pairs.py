"""Two things wrong at once, each with each: which of them is told."""

# ruff: noqa: E501

from __future__ import annotations

from tests.conformance.jetstream.consumer_config.case import PULL, PUSH, Case, Json, ask

# What each rule refuses, on its own or with the fields of the base.
_WRONG: tuple[Json, ...] = (
    {"name": "x"}, {"num_replicas": -1}, {"num_replicas": 2}, {"ack_wait": -1}, {"backoff": [-1]}, {"ack_policy": "flow_control"}, {"max_deliver": 1, "backoff": [1, 2]}, {"max_deliver": -2},
    {"description": "d" * 4097}, {"deliver_subject": "*"}, {"deliver_subject": "a..b"}, {"deliver_subject": "s.a"}, {"deliver_subject": "d"}, {"max_waiting": 1}, {"max_waiting": -1},
    {"max_ack_pending": 1}, {"max_ack_pending": 51}, {"max_ack_pending": -2}, {"idle_heartbeat": 1}, {"idle_heartbeat": -1}, {"ack_policy": "none"}, {"ack_policy": "all"}, {"rate_limit_bps": 1},
    {"flow_control": True}, {"max_batch": 1}, {"max_batch": -1}, {"max_expires": 1}, {"max_expires": -1}, {"max_bytes": -1}, {"inactive_threshold": 2_000_000_000}, {"inactive_threshold": -1}, {"direct": True},
    {"direct": True, "durable_name": "C"}, {"durable_name": "X"}, {"filter_subject": "s.a", "filter_subjects": ["s.b"]}, {"filter_subject": "a..b"}, {"filter_subjects": [""]}, {"filter_subjects": ["a..b"]},
    {"filter_subjects": ["s.a", "s.a"]}, {"opt_start_seq": 1}, {"opt_start_time": "2020-01-01T00:00:00Z"}, {"deliver_policy": "by_start_sequence"}, {"deliver_policy": "by_start_time"},
    {"deliver_policy": "last_per_subject"}, {"deliver_policy": "last"}, {"sample_freq": "x"}, {"metadata": {"k": "v" * 131_072}}, {"priority_policy": "overflow"}, {"priority_groups": ["g"]},
    {"priority_policy": "overflow", "priority_groups": [""]}, {"priority_policy": "overflow", "priority_groups": ["a b"]}, {"priority_timeout": 1}, {"priority_timeout": -1}, {"sourcing": True},
)  # fmt: skip
_STREAM: Json = {"consumer_limits": {"max_ack_pending": 50, "inactive_threshold": 1_000_000_000}}


def _case(place: int, base: str, config: Json, retention: str, pedantic: bool) -> Case:
    first = _WRONG[place]
    steps = [ask({**config, **first, **second}, pedantic=pedantic) for second in _WRONG[place:]]
    name = ", ".join(f"{key} {str(value)[:20]}" for key, value in first.items())
    mode = " pedantic" if pedantic else ""
    stream = {**_STREAM, "retention": retention}
    return Case(f"{base} {retention}{mode}: {name}", tuple(steps), fresh=True, stream=stream)


PAIR_CASES = tuple(
    _case(place, base, config, retention, pedantic)
    for place in range(len(_WRONG))
    for base, config, retention, pedantic in (
        ("pull", PULL, "limits", False),
        ("pull", PULL, "workqueue", True),
        ("push", PUSH, "interest", False),
    )
)
