"""STREAM.UPDATE requests: what may change, and what may not."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Any

from tests.conformance.jetstream.config_cases import Case, update
from tests.support.fake_account import UPDATE, Json

MS = 1_000_000
SECOND = 1000 * MS
MINUTE = 60 * SECOND

# Fields of the stream, and what each of them is changed to.
_CHANGES: tuple[tuple[Json, tuple[Json, ...]], ...] = (
    ({}, (
        {}, {"description": "new"}, {"subjects": ["a", "b"]}, {"subjects": []}, {"subjects": ["a..b"]}, {"subjects": ["$JS.API.>"]}, {"max_msgs": 5}, {"max_msgs": -5},
        {"max_bytes": 1024}, {"max_age": MINUTE}, {"max_age": 1}, {"max_msg_size": 10}, {"max_consumers": 3}, {"max_msgs_per_subject": 2}, {"duplicate_window": MINUTE},
        {"duplicate_window": -1}, {"storage": "memory"}, {"retention": "interest"}, {"retention": "workqueue"}, {"discard": "new"}, {"num_replicas": 3}, {"num_replicas": 6},
        {"num_replicas": -1}, {"sealed": True}, {"sealed": True, "max_age": MINUTE, "allow_rollup_hdrs": True}, {"deny_delete": True}, {"deny_purge": True},
        {"allow_rollup_hdrs": True}, {"allow_rollup_hdrs": True, "deny_purge": True}, {"allow_direct": True}, {"mirror_direct": True}, {"no_ack": True}, {"compression": "s2"},
        {"first_seq": 10}, {"allow_msg_ttl": True}, {"subject_delete_marker_ttl": SECOND}, {"subject_delete_marker_ttl": 1}, {"allow_msg_counter": True}, {"allow_atomic": True},
        {"allow_batched": True}, {"allow_msg_schedules": True}, {"persist_mode": "async"}, {"metadata": {"a": "1"}}, {"metadata": {"_nats.ver": "1", "_nats.level": "2"}},
        {"metadata": {"k": "v" * (128 * 1024)}}, {"mirror": {"name": "O"}}, {"sources": [{"name": "O"}]}, {"sources": [{"name": "O", "filter_subject": "o..x"}]},
        {"sources": [{"name": "S"}]}, {"sources": [{"name": "O"}, {"name": "O"}]}, {"placement": {"cluster": "c"}}, {"placement": {}}, {"placement": {"preferred": "p"}},
        {"consumer_limits": {"max_ack_pending": 5}}, {"consumer_limits": {"inactive_threshold": SECOND}}, {"republish": {"dest": "r.>"}}, {"republish": {"dest": "S"}},
        {"republish": {"src": "a.*", "dest": "b.*"}}, {"subject_transform": {"src": "S", "dest": "t"}}, {"subject_transform": {"src": "a.*", "dest": "t.$2"}},
        {"discard_new_per_subject": True}, {"discard_new_per_subject": True, "discard": "new", "max_msgs_per_subject": 1}, {"name": "T"}, {"name": ""}, {"name": "a.b"},
        {"description": "d" * 4097},
    )),
    ({"subjects": ["a", "b"]}, ({}, {"subjects": ["b", "a"]}, {"subjects": ["a"]}, {"subjects": ["a", "b", "c"]}, {"subjects": ["a.*"]}, {"subjects": ["other"]}, {"subjects": [">"], "no_ack": True})),
    ({"storage": "memory"}, ({}, {"storage": "file"}, {"storage": "memory"}, {"storage": "memory", "compression": "s2"})),
    ({"retention": "interest"}, ({}, {"retention": "limits"}, {"retention": "interest"}, {"retention": "workqueue"})),
    ({"retention": "workqueue"}, ({}, {"retention": "interest"}, {"retention": "workqueue"})),
    ({"deny_delete": True}, ({}, {"deny_delete": True}, {"sealed": True})),
    ({"deny_purge": True}, ({}, {"deny_purge": True}, {"deny_purge": True, "allow_rollup_hdrs": True}, {"deny_purge": True, "subject_delete_marker_ttl": SECOND}, {"deny_purge": True, "allow_msg_schedules": True})),
    ({"mirror": {"name": "O"}}, (
        {}, {"subjects": ["m"]}, {"mirror": {"name": "O"}}, {"mirror": {"name": "P"}}, {"mirror": {"name": "O", "filter_subject": "o.x"}}, {"mirror": {"name": "O", "opt_start_seq": 1}},
        {"mirror": {"name": "O"}, "max_msgs": 5}, {"mirror": {"name": "O"}, "subjects": ["m"]}, {"mirror": {"name": "O"}, "mirror_direct": True}, {"mirror": {"name": "O", "external": {"api": "x"}}},
        {"sources": [{"name": "O"}]},
    )),
    ({"mirror": {"name": "O", "opt_start_time": "2020-01-01T00:00:00Z"}}, ({"mirror": {"name": "O", "opt_start_time": "2020-01-01T00:00:00Z"}}, {"mirror": {"name": "O", "opt_start_time": "2020-01-01T00:00:01Z"}})),
    ({"sources": [{"name": "O"}]}, ({}, {"subjects": ["x"]}, {"sources": [{"name": "O", "filter_subject": "o.x"}]}, {"sources": [{"name": "P"}, {"name": "O"}]}, {"mirror": {"name": "O"}})),
    ({"allow_msg_ttl": True}, ({}, {"allow_msg_ttl": True}, {"subject_delete_marker_ttl": SECOND})),
    ({"subject_delete_marker_ttl": SECOND}, ({}, {"subject_delete_marker_ttl": 2 * SECOND}, {"allow_msg_ttl": True}, {"allow_msg_ttl": True, "allow_rollup_hdrs": True})),
    ({"allow_msg_counter": True}, ({}, {"allow_msg_counter": True}, {"allow_msg_counter": True, "discard": "new"}, {"allow_msg_counter": True, "allow_atomic": True})),
    ({"allow_msg_schedules": True}, ({}, {"allow_msg_schedules": True}, {"allow_msg_schedules": True, "allow_rollup_hdrs": False})),
    ({"allow_atomic": True}, ({}, {"allow_atomic": True, "persist_mode": "async"})),
    ({"allow_batched": True}, ({}, {"allow_batched": True})),
    ({"persist_mode": "async"}, ({}, {"persist_mode": "async"}, {"persist_mode": "async", "allow_atomic": True}, {"persist_mode": "default"})),
    ({"metadata": {"a": "1"}}, ({}, {"metadata": {"a": "2"}}, {"metadata": {"b": "1"}})),
    ({"discard": "new", "discard_new_per_subject": True, "max_msgs_per_subject": 1}, ({}, {"discard": "new", "discard_new_per_subject": True}, {"discard": "new", "discard_new_per_subject": True, "max_msgs_per_subject": 2})),
    ({"duplicate_window": MINUTE, "max_age": MINUTE}, ({}, {"max_age": SECOND}, {"max_age": SECOND, "duplicate_window": MINUTE})),
    ({"first_seq": 100}, ({}, {"first_seq": 50}, {"first_seq": 200})),
    ({"placement": {"cluster": "c"}}, ({}, {"placement": {"cluster": "d"}})),
    ({"compression": "s2"}, ({}, {"compression": "s2"})),
    ({"republish": {"dest": "r.>"}}, ({}, {"republish": {"dest": "q.>"}})),
    ({"subject_transform": {"src": ">", "dest": "r.>"}}, ({}, {"subject_transform": {"src": ">", "dest": "q.>"}})),
    ({"max_bytes": 1024, "max_msgs": 10}, ({}, {"max_bytes": 512}, {"max_bytes": 2048, "max_msgs": 20})),
)  # fmt: skip

_OTHERS: tuple[Json, ...] = (
    {"name": "O", "subjects": ["o.>"], "allow_direct": True},
    {"name": "OTHER", "subjects": ["other"]},
)


def _short(config: Json) -> str:
    shown = json.dumps(config)
    return shown if len(shown) < 120 else f"{shown[:110]}… {len(shown)}"


def _changes() -> list[Case]:
    cases: list[Case] = []
    for old, changes in _CHANGES:
        for new in changes:
            for pedantic in ({}, {"pedantic": True}):
                id = f"{_short(old)} to {_short(new)}{' pedantic' if pedantic else ''}"
                cases.append(update(id, old, *_OTHERS, **{"name": "S", **new, **pedantic}))
    return cases


def _sealed() -> list[Case]:
    """A stream is sealed by an update, so its further ones need two steps."""
    return [
        update(f"sealed {_short(new)}", {}, then=({"sealed": True},), **new)
        for new in (
            {}, {"sealed": True}, {"sealed": True, "max_age": MINUTE}, {"sealed": True, "deny_delete": True, "deny_purge": True, "discard": "new"},
            {"sealed": True, "allow_rollup_hdrs": True, "deny_purge": True}, {"sealed": True, "description": "x"},
        )
    ]  # fmt: skip


def _missing() -> list[Case]:
    def to(name: str, /, **config: Any) -> Case:
        body = json.dumps(config).encode()
        return Case(f"update missing {name} {_short(config)}", body, (), UPDATE, name)

    return [
        to("S", name="S"), to("S", name="T"), to("S"), to("S", name="S", max_age=1), to("S", name="S", num_replicas=3), to("S", name="S", sealed=True),
        to("S", name="S", bad=1), Case("update missing, no JSON", b"{", (), UPDATE), Case("update missing, empty", b"", (), UPDATE),
    ]  # fmt: skip


UPDATE_CASES = (*_changes(), *_sealed(), *_missing())
