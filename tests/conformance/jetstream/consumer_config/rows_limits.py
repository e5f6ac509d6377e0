"""Requests in accounts with limits, on a server with limits: one after the other."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

from pynats_server.options import AccountLimits, JetStreamServerLimits

from tests.conformance.jetstream.consumer_config.case import (
    DURABLE,
    FLOW,
    PULL,
    PUSH,
    Case,
    Json,
    ask,
)

SERVER_CONFIG = """
jetstream {{
    store_dir: "{folder}/store"
    limits {{ max_ack_pending: 100, max_request_batch: 50, default_max_consumers: 3 }}
}}
accounts {{
    NARROW {{
        users: [{{user: narrow, password: x}}]
        jetstream {{ max_consumers: 2, max_ack_pending: 60 }}
    }}
    WIDE {{ users: [{{user: wide, password: x}}], jetstream: enabled }}
    HIGH {{ users: [{{user: high, password: x}}], jetstream {{ max_consumers: 5, max_ack_pending: 2000 }} }}
}}
"""
SERVER = JetStreamServerLimits(max_ack_pending=100, max_request_batch=50, default_max_consumers=3)
ACCOUNTS = {
    "narrow": AccountLimits(max_consumers=2, max_ack_pending=60),
    "wide": AccountLimits(),
    "high": AccountLimits(max_consumers=5, max_ack_pending=2000),
}

_FIELDS: tuple[Json, ...] = (
    {}, PULL, PUSH, FLOW, {**PULL, **DURABLE}, {"ack_policy": "all"}, *({**PULL, "max_ack_pending": most} for most in (-1, 30, 31, 60, 61, 100, 101, 2001)), *({**PUSH, "max_ack_pending": most} for most in (60, 61, 100, 101)),
    *({**PULL, "max_batch": most} for most in (-1, 1, 50, 51)), {**PUSH, "max_batch": 51}, {"max_ack_pending": 101}, {**FLOW, "max_ack_pending": 101}, {**PULL, "max_ack_pending": 101, "max_batch": 51}, {**DURABLE, "max_ack_pending": 0},
)  # fmt: skip
_STREAMS: tuple[Json, ...] = (
    {},
    {"consumer_limits": {"max_ack_pending": 30}},
    {"consumer_limits": {"max_ack_pending": 80}},
    {"consumer_limits": {"max_ack_pending": 200}},
)
_READER: Json = {"deliver_subject": "m", "direct": True, "sourcing": True}
_COUNTED = tuple(
    ask(config, f"CREATE.S.{name}")
    for name, config in (
        *(("A", {}), ("B", {}), ("M", _READER), ("D", {}), ("E", {}), ("A", {"description": "x"}), ("F", {}), ("G", {})),
        *(("N", {**_READER, "direct": False}), ("H", {}), ("I", {})),
    )
)  # fmt: skip

LIMIT_CASES = (
    *(
        Case(f"fields {place}{' pedantic' if pedantic else ''}", tuple(ask(config, pedantic=pedantic) for config in _FIELDS), fresh=True, stream=stream)
        for place, stream in enumerate(_STREAMS)
        for pedantic in (False, True)
    ),
    *(Case(f"max_consumers {most}", _COUNTED, stream={"max_consumers": most}) for most in (-1, 1, 2)),
)  # fmt: skip
# What an account refuses to streams is no matter here.
HIGH_CASES = (*LIMIT_CASES, *(Case(f"max_consumers {most}", _COUNTED, stream={"max_consumers": most}) for most in (4, 5)))  # fmt: skip
CASES_OF = {"narrow": LIMIT_CASES, "wide": HIGH_CASES, "high": HIGH_CASES}
