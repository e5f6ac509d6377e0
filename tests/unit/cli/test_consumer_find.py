"""Which consumers a search finds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.find import FindFlags, matching
from pynats_common.go.durations import MINUTE_NS
from pynats_common.go.times import format_time_ns

HOUR_NS = 60 * MINUTE_NS


def consumer(name: str, hours_old: int, config: dict[str, Any], **state: Any) -> dict[str, Any]:
    created = format_time_ns(time.time_ns() - hours_old * HOUR_NS)
    delivered = {"consumer_seq": 0, "stream_seq": 0}
    return {"name": name, "created": created, "config": config, "delivered": delivered, **state}


def active(minutes: int) -> dict[str, Any]:
    last = format_time_ns(time.time_ns() - minutes * MINUTE_NS)
    return {"consumer_seq": 9, "stream_seq": 9, "last_active": last}


CONSUMERS = [
    consumer("BUSY", 30, {"ack_policy": "explicit", "ack_wait": 30 * 10**9, "num_replicas": 3},
             num_pending=5, num_ack_pending=2, num_waiting=4, delivered=active(1),
             cluster={"leader": "n1"}),
    consumer("IDLE", 30, {"ack_policy": "none", "metadata": {"_nats.req.level": "1"}},
             num_pending=900, delivered=active(600)),
    consumer("NEVER", 1, {"ack_policy": "none"}),
    consumer("PIN", 1, {"priority_policy": "pinned_client", "priority_groups": ["a"]},
             priority_groups=[{"group": "a", "pinned_client_id": "x"}]),
    consumer("PUSH", 1, {"deliver_subject": "x", "deliver_group": "g"}, push_bound=True,
             cluster={"leader": "n2"}),
]  # fmt: skip
ALL = "BUSY IDLE NEVER PIN PUSH"


@pytest.mark.parametrize(
    ("flags", "found", "inverted"),
    [
        ({}, ALL, ALL),
        ({"pull": True}, "BUSY IDLE NEVER PIN", "PUSH"),
        ({"push": True}, "PUSH", "BUSY IDLE NEVER PIN"),
        ({"bound": True}, "BUSY PUSH", "IDLE NEVER PIN"),
        # Figures count only where there are any, and equal ones are neither fewer nor more.
        ({"waiting": 5}, "BUSY", ""),
        ({"waiting": 4}, "", ""),
        ({"waiting": 3}, "", "BUSY"),
        ({"ack_pending": 3}, "BUSY", ""),
        ({"pending": 6}, "BUSY", "IDLE"),
        ({"idle": 2 * HOUR_NS}, "IDLE", "BUSY NEVER PIN PUSH"),
        ({"created": 10 * HOUR_NS}, "BUSY IDLE", "NEVER PIN PUSH"),
        ({"replicas": 2}, "", ALL),
        ({"replicas": 3}, ALL, ALL),
        ({"leader": "n1"}, "BUSY", "PUSH"),
        ({"pinned": True}, "PIN", ""),
        ({"api_level": 1}, "IDLE", "BUSY NEVER PIN PUSH"),
        ({"pull": True, "pending": 6}, "BUSY", ""),
        ({"expression": "info.num_pending > 4"}, "BUSY IDLE", "NEVER PIN PUSH"),
        ({"expression": "Info.NumPending > 4"}, "BUSY IDLE", "NEVER PIN PUSH"),
        ({"expression": 'config.ack_wait == "30s"'}, "BUSY", "IDLE NEVER PIN PUSH"),
        ({"expression": "Info.Config.Replicas == 3"}, "BUSY", "IDLE NEVER PIN PUSH"),
        ({"expression": "config.headers_only"}, "", ALL),
        ({"expression": "state.delivered.consumer_seq > 0"}, "BUSY IDLE", "NEVER PIN PUSH"),
        ({"expression": "info.delivered.consumer > 0"}, "BUSY IDLE", "NEVER PIN PUSH"),
    ],
)
def test_filters(flags: dict[str, Any], found: str, inverted: str) -> None:
    consumers = [
        {"num_pending": 0, "num_ack_pending": 0, "num_waiting": 0, **each} for each in CONSUMERS
    ]
    level = flags.pop("api_level", 0) if "api_level" in flags else 0

    def names(invert: bool) -> str:
        wanted = FindFlags(**flags, invert=invert)
        matched = matching(consumers, wanted, stream_replicas=3, api_level=level)
        return " ".join(str(info["name"]) for info in matched)

    assert names(False) == found
    assert names(True) == inverted


@pytest.mark.parametrize("text", ["config.max_ack_pending ==", "nothing == 1", "info.name", "1 +"])
def test_a_bad_expression_is_an_error(text: str) -> None:
    with pytest.raises(CliError):
        matching(CONSUMERS, FindFlags(expression=text))
