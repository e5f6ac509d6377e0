"""Health of a consumer: what waits, what was redelivered, when it last moved."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import format_duration_ns
from pynats_common.go.times import parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.servers.checks import metadata
from pynats_cli.servers.checks.result import Result, Status, go_time, seconds
from pynats_cli.servers.checks.sources import JetStream, consumer_name, stream_name


@dataclass(kw_only=True)
class ConsumerThresholds:
    """What is expected of a consumer; None = not checked. Durations in nanoseconds."""

    outstanding_ack_critical: int | None = None
    waiting_critical: int | None = None
    unprocessed_critical: int | None = None
    last_delivery_critical: int | None = None
    last_ack_critical: int | None = None
    redelivery_critical: int | None = None
    pinned: bool | None = None


KEYS: tuple[metadata.Key, ...] = (
    ("outstanding_ack_critical", "outstanding-ack-critical", metadata.signed),
    ("waiting_critical", "waiting-critical", metadata.signed),
    ("unprocessed_critical", "unprocessed-critical", metadata.signed),
    ("last_delivery_critical", "last-delivery-critical", metadata.duration),
    ("last_ack_critical", "last-ack-critical", metadata.duration),
    ("redelivery_critical", "redelivery-critical", metadata.signed),
    ("pinned", "pinned", metadata.truth),
)

_PINNED_POLICY = "pinned_client"


async def check_consumer(
    js: JetStream, stream: str, consumer: str, limits: ConsumerThresholds, result: Result
) -> None:
    """Asks for the consumer and judges it."""
    try:
        info = await js.request(f"CONSUMER.INFO.{stream_name(stream)}.{consumer_name(consumer)}")
    except CliError as error:
        result.critical(f"could not load info: {error}")
        return
    judge_consumer(info, limits, result)


def judge_consumer(
    info: dict[str, Any], limits: ConsumerThresholds, result: Result, now_ns: int | None = None
) -> None:
    """Judges a consumer's information; thresholds not given come from its metadata."""
    config = info.get("config") or {}
    try:
        metadata.fill(limits, KEYS, config.get("metadata"))
    except metadata.MetadataError as error:
        result.critical(f"could not configure based on metadata: {error}")
        return
    now_ns = time.time_ns() if now_ns is None else now_ns
    for field, name, help, label, most in (
        ("num_ack_pending", "ack_pending",
         "The number of messages waiting to be Acknowledged", "Ack Pending",
         limits.outstanding_ack_critical),
        ("num_waiting", "pull_waiting",
         "The number of waiting Pull requests", "Waiting Pulls", limits.waiting_critical),
        ("num_pending", "pending",
         "The number of messages that have not yet been consumed", "Unprocessed Messages",
         limits.unprocessed_critical),
        ("num_redelivered", "redelivered",
         "The number of messages currently being redelivered", "Redelivered",
         limits.redelivery_critical),
    ):  # fmt: skip
        _count(int(info.get(field) or 0), name, help, label, most, result)
    _moved(info.get("delivered"), "delivery", limits.last_delivery_critical, now_ns, result)
    _moved(info.get("ack_floor"), "ack", limits.last_ack_critical, now_ns, result)
    _pinned(info, config, bool(limits.pinned), result)


def _count(value: int, name: str, help: str, label: str, most: int | None, result: Result) -> None:
    # Zero does not ask for anything, as in the reference: every consumer would be critical.
    most = most or None
    result.measured(name, value, help, critical=most)
    if most is not None:
        result.tell(Status.CRITICAL if value >= most else Status.OK, f"{label}: {value}")


def _moved(
    sequence: dict[str, Any] | None, what: str, most: int | None, now_ns: int, result: Result
) -> None:
    most = most or None
    last = (sequence or {}).get("last_active")
    if not last:
        if most is not None:
            result.critical("No deliveries" if what == "delivery" else "No acks")
        return
    ago = now_ns - parse_instant_ns(last)
    done = "delivered" if what == "delivery" else "acknowledged"
    result.measured(
        f"last_{what}", ago / 1e9, f"Seconds since the last message was {done}",
        critical=seconds(most), unit="s",
    )  # fmt: skip
    if most is None:
        return
    if ago >= most:
        result.critical(f"Last {what} {format_duration_ns(ago)} ago")
    else:
        result.ok(f"Last {what} {go_time(last)}")


def _pinned(info: dict[str, Any], config: dict[str, Any], wanted: bool, result: Result) -> None:
    groups = config.get("priority_groups") or []
    states = info.get("priority_groups") or []
    pinned = sum(bool(state.get("pinned_client_id")) for state in states)
    mode = config.get("priority_policy") == _PINNED_POLICY
    if mode:
        result.measured(
            "pinned_groups", pinned, "The number of consumers groups with pinned clients"
        )
        result.measured("groups", len(groups), "The total number of consumers groups")
    if not wanted:
        return
    if not mode or not groups:
        result.critical("Not pinned client priority mode")
    elif pinned != len(groups):
        result.critical(f"{pinned} / {len(groups)} pinned clients")
    else:
        result.ok(f"{pinned} pinned clients")
