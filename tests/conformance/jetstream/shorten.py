"""Answers in a short form, for records that are read: two answers are the same if they are so in
this form.

Of a configuration only what a plain one does not have is left, as a rule that of a stream. Of
long lists and texts both ends are left, and a sum of the whole.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

Json = dict[str, Any]

# The configuration that the server makes of nothing but the name S.
PLAIN: Json = {
    "name": "S",
    "subjects": ["S"],
    "retention": "limits",
    "max_consumers": -1,
    "max_msgs": -1,
    "max_bytes": -1,
    "max_age": 0,
    "max_msgs_per_subject": -1,
    "max_msg_size": -1,
    "discard": "old",
    "storage": "file",
    "num_replicas": 1,
    "duplicate_window": 120_000_000_000,
    "compression": "none",
    "allow_direct": False,
    "mirror_direct": False,
    "sealed": False,
    "deny_delete": False,
    "deny_purge": False,
    "allow_rollup_hdrs": False,
    "consumer_limits": {},
    "allow_msg_ttl": False,
    "metadata": {"_nats.req.level": "0", "_nats.ver": "2.15.1", "_nats.level": "5"},
}
WITHOUT = "without"
# The same where versions are masked (see normalise).
_MASKED = {**PLAIN["metadata"], "_nats.ver": "<_nats.ver>"}
_LIST_MAX = 64
_TEXT_MAX = 2000
_END = 2  # items of a list that is too long
_TEXT_END = 40


def shorten(value: Any, plain: Json = PLAIN) -> Any:
    """`value` with everything inside in short form."""
    if isinstance(value, dict):
        return {
            key: _config(item, plain)
            if key == "config" and isinstance(item, dict)
            else shorten(item, plain)
            for key, item in value.items()
        }
    if isinstance(value, list):
        if len(value) <= _LIST_MAX:
            return [shorten(item, plain) for item in value]
        ends = {"first": shorten(value[:_END], plain), "last": shorten(value[-_END:], plain)}
        return {"items": len(value), **ends, "sum": _sum(value)}
    if isinstance(value, str) and len(value) > _TEXT_MAX:
        ends = {"first": value[:_TEXT_END], "last": value[-_TEXT_END:]}
        return {"characters": len(value), **ends, "sum": _sum(value)}
    return value


def _config(config: Json, plain: Json) -> Json:
    assert WITHOUT not in config
    if "deliver_policy" in config and plain is PLAIN:  # a consumer's among streams
        return {key: shorten(item) for key, item in config.items()}
    short = {
        key: shorten(item, plain)
        for key, item in config.items()
        if key not in plain or not _is_plain(key, item, plain)
    }
    missing = sorted(plain.keys() - config.keys())
    return {**short, WITHOUT: missing} if missing else short


def _is_plain(key: str, value: Any, plain: Json) -> bool:
    return bool(plain[key] == value) or (key == "metadata" and value == _MASKED)


def _sum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def lengthen(config: Json) -> Json:
    """The stream configuration that has this short form."""
    whole = {**PLAIN, **config}
    for name in whole.pop(WITHOUT, []):
        del whole[name]
    return whole
