"""What a consumer's information says: where it stands, and what it has counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.consumers.showing import masked


def standing(info: Mapping[str, Any]) -> str:
    """Where a consumer stands: pending, ack pending, redelivered, waiting pulls, last delivered and
    ack floor (consumer's sequence : stream's), and what only some have."""
    if "delivered" not in info:
        return json.dumps(info.get("error"))
    numbers = "P{num_pending} A{num_ack_pending} R{num_redelivered} W{num_waiting}".format(**info)
    places = [
        f"{letter} {info[key]['consumer_seq']}:{info[key]['stream_seq']}"
        for letter, key in (("d", "delivered"), ("f", "ack_floor"))
    ]
    more = [
        f"{key} {json.dumps(info[key])}"
        for key in ("push_bound", "paused", "priority_groups")
        if key in info
    ]
    return masked(", ".join([numbers, *places, *more]))


def total_of(info: Mapping[str, Any]) -> int:
    count: int = info["num_pending"] + info["delivered"]["consumer_seq"]
    return count


def receives(info: Mapping[str, Any]) -> bool:
    """Whether somebody waits for the consumer's messages."""
    return bool(info["num_waiting"]) or "push_bound" in info


def matches(config: Mapping[str, Any], subject: str) -> bool:
    filters = config.get("filter_subjects") or [config.get("filter_subject") or ">"]
    return any(_match(one.split("."), subject.split(".")) for one in filters)


def _match(pattern: list[str], tokens: list[str]) -> bool:
    for index, token in enumerate(pattern):
        if token == ">":
            return index < len(tokens)
        if index >= len(tokens) or token not in ("*", tokens[index]):
            return False
    return len(pattern) == len(tokens)


def dig(value: Any, key: str) -> Any:
    """The value at `key`; `a__b` is b in a; `gone` is whether there is an error."""
    if key == "gone":
        return "error" in value
    for name in key.split("__"):
        value = value.get(name) if isinstance(value, dict) else None
    return value
