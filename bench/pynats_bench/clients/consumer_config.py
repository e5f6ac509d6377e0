"""What the consumers of a benchmark are: one place for the configurations of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Kind = Literal["ordered", "consume", "fetch", "old-ordered", "old-push", "old-pull"]
Acks = Literal["explicit", "none", "all"]

INACTIVE_NS = 10_000_000_000
OLD_HEARTBEAT_NS = 5_000_000_000
OLD_ACK_WAIT_NS = 22 * 3_600_000_000_000
CREATED_A_SECOND = 100
"""Ephemeral consumers, at least; those created first must outlive the creation of the others."""


def consumer_config(
    kind: Kind,
    *,
    name: str,
    acks: Acks = "explicit",
    batch: int = 500,
    clients: int = 1,
    filters: Sequence[str] = (),
    max_acks: int = 500,
    deliver: str = "",
) -> dict[str, Any]:
    """The `config` of a request to `$JS.API.CONSUMER.CREATE.<stream>.<name>`.

    Kinds "ordered" and "old-ordered" are ephemeral and one per client, the others durable and
    shared by all. `filters` are subjects (one at most for the old kinds). `deliver` is the inbox of
    an old ordered consumer's client; an old push consumer has `push_subject` and `push_group`.
    `max_acks` is `--maxacks` of old push consumers, for each client.
    """
    config: dict[str, Any] = {
        "name": name,
        "deliver_policy": "all",
        "ack_policy": acks,
        "replay_policy": "instant",
    }
    if kind in ("ordered", "old-ordered"):
        idle = INACTIVE_NS + clients * 1_000_000_000 // CREATED_A_SECOND
        config |= {
            "ack_policy": "none",
            "inactive_threshold": idle,
            "num_replicas": 1,
            "mem_storage": True,
        }
    else:
        config |= {"durable_name": name, "num_replicas": 0}
    if kind in ("consume", "fetch"):
        config |= {"inactive_threshold": INACTIVE_NS, "max_ack_pending": batch * clients}
    elif kind == "old-pull":
        config["max_ack_pending"] = batch * clients
    elif kind == "old-push":
        config |= {"deliver_subject": push_subject(name), "deliver_group": push_group(name)}
        if acks != "none":
            config["max_ack_pending"] = max_acks * clients
    elif kind == "old-ordered":
        config |= {
            "ack_wait": OLD_ACK_WAIT_NS,
            "max_deliver": 1,
            "flow_control": True,
            "idle_heartbeat": OLD_HEARTBEAT_NS,
            "deliver_subject": deliver,
        }
    if len(filters) == 1 and kind.startswith("old-"):
        config["filter_subject"] = filters[0]
    elif filters:
        config["filter_subjects"] = list(filters)
    return config


def push_subject(consumer: str) -> str:
    """Where an old push consumer delivers to."""
    return f"{consumer}-DELIVERY"


def push_group(consumer: str) -> str:
    """The queue group of an old push consumer's clients."""
    return f"{consumer}-GROUP"
