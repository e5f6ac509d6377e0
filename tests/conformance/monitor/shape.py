"""Monitoring documents of different servers made comparable, and short to write down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from tests.support.masks import Shape
from tests.support.records import as_text

# Fields of the real server about parts that ours does not have.
ABSENT = {"git_commit", "feature_flags"}
# What differs between two servers, two runs or two moments.
VOLATILE = {
    "server_id", "go", "port", "http_port", "start", "now", "uptime", "mem", "cpu", "gomaxprocs",
    "config_load_time", "config_digest", "http_req_stats", "cid", "last_activity", "stop",
    "pending_bytes", "idle", "update_time", "subscriptions", "num_subscriptions", "num_cache",
    "num_inserts", "num_removes", "num_matches", "cache_hit_rate", "max_fanout", "avg_fanout",
    "rtt",
    "created", "first_ts", "last_ts", "active", "store_dir", "ts", "last_active", "pause_remaining",
}  # fmt: skip
# Lists whose order the real server does not promise.
UNORDERED = {
    "subscriptions_list",
    "subscriptions_list_detail",
    "accounts",
    "account_statz",
    "stream_detail",
    "sources",
    "exports",
    "imports",
}


_SHAPE = Shape(VOLATILE, UNORDERED, ABSENT)


def shape(value: Any, absent: Collection[str] = ABSENT) -> Any:
    """Names in order, types, and the stable values, without those of `absent`."""
    return replace(_SHAPE, absent=absent).of(value)


def same_answers(answers: dict[str, Any]) -> list[dict[str, Any]]:
    """Every different answer once, with all the questions it is given to."""
    found: dict[str, dict[str, Any]] = {}
    for question, answer in answers.items():
        entry = found.setdefault(as_text(answer), {"asked": [], "answer": answer})
        entry["asked"].append(question)
    return list(found.values())
