"""Configurations of mirrors and of streams with sources, a row for every field that may matter to
what is copied."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
SECOND = 1_000_000_000

PUBLISHED: list[tuple[str, dict[str, str]]] = [
    ("a", {}),
    ("b", {"Nats-Msg-Id": "1"}),
    ("a", {"Nats-TTL": "never"}),
    ("b", {"Nats-TTL": "1h"}),
    ("c", {"Nats-Rollup": "sub"}),
    ("a", {"Nats-Msg-Id": "2"}),
    ("b", {"X": "y" * 30}),
    ("a", {"Nats-Rollup": "sub"}),
    ("d", {"Nats-Expected-Last-Sequence": "8"}),
    ("b", {"Nats-Msg-Id": "1"}),
    ("e", {"Nats-Rollup": "all"}),
    ("a", {}),
]
"""What the origin gets; its own duplicate window is too short for the repeated id."""

COPIED: dict[str, Json] = {
    "nothing": {},
    "max_msgs": {"max_msgs": 2},
    "max_bytes": {"max_bytes": 150},
    "max_msgs_per_subject": {"max_msgs_per_subject": 1},
    "new-of-a-subject-for-old": {"max_msgs_per_subject": 1, "discard": "new"},
    "max_msg_size": {"max_msg_size": 200},
    "max_age": {"max_age": 3600 * SECOND},
    "republish": {"republish": {"src": ">", "dest": "again.>"}},
    "republish-headers": {"republish": {"src": "o.a", "dest": "again.x", "headers_only": True}},
    "subject_transform": {"subject_transform": {"src": "o.*", "dest": "q.{{wildcard(1)}}"}},
    "transform-of-some": {"subject_transform": {"src": "o.a", "dest": "q.a"}},
    "transform-and-limit": {
        "subject_transform": {"src": "o.*", "dest": "q"},
        "max_msgs_per_subject": 1,
    },
    "transform-and-republish": {
        "subject_transform": {"src": "o.*", "dest": "q.{{wildcard(1)}}"},
        "republish": {"src": "q.>", "dest": "again.>"},
    },
    "transform-and-rollup": {
        "subject_transform": {"src": "o.*", "dest": "q.x"},
        "allow_rollup_hdrs": True,
    },
    "allow_rollup_hdrs": {"allow_rollup_hdrs": True},
    "deny": {"deny_purge": True, "deny_delete": True},
    "interest": {"retention": "interest"},
    "interest-and-all": {
        "retention": "interest",
        "discard": "new",
        "max_msgs": 2,
        "allow_rollup_hdrs": True,
        "republish": {"src": ">", "dest": "again.>"},
    },
    "workqueue": {"retention": "workqueue"},
    "allow_msg_ttl": {"allow_msg_ttl": True},
    "ttl-and-age": {"allow_msg_ttl": True, "max_age": 3600 * SECOND},
    "duplicate_window": {"duplicate_window": 60 * SECOND},
    "no_ack": {"no_ack": True},
}

FIELDS: dict[str, Json] = {
    **COPIED,
    "max_consumers": {"max_consumers": 3},
    "discard": {"discard": "new"},
    "discard_new_per_subject": {"discard": "new", "discard_new_per_subject": True},
    "file": {"storage": "file"},
    "replicas": {"num_replicas": 3},
    "placement": {"placement": {"cluster": "X", "tags": ["Y"]}},
    "compression": {"compression": "s2"},
    "first_seq": {"first_seq": 10},
    "subjects": {"subjects": ["z"]},
    "direct": {"allow_direct": True},
    "mirror_direct": {"mirror_direct": True},
    "sealed": {"sealed": True},
    "consumer_limits": {"consumer_limits": {"inactive_threshold": SECOND, "max_ack_pending": 3}},
    "marker": {"subject_delete_marker_ttl": SECOND},
    "counter": {"allow_msg_counter": True},
    "atomic": {"allow_atomic": True},
    "schedules": {"allow_msg_schedules": True},
    "batched": {"allow_batched": True},
    "async": {"persist_mode": "async", "storage": "file"},
    "metadata": {"metadata": {"a": "b"}},
    "description": {"description": "text"},
    "both": {"mirror": {"name": "O"}, "sources": [{"name": "O"}]},
}

AGING: dict[str, Json] = {
    "nothing": {},
    "max_age": {"max_age": SECOND},
    "allow_msg_ttl": {"allow_msg_ttl": True},
    "both": {"max_age": SECOND, "allow_msg_ttl": True},
    "interest": {"retention": "interest", "max_age": SECOND, "allow_msg_ttl": True},
}
