"""Requests about consumers besides create: how their bodies are read and where a reset may go, as
recorded of the real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pynats_common.go.times import in_utc
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.positions import check_reset
from pynats_server.jetstream.consumer.config.requests import (
    PageRequest,
    PauseRequest,
    reset_seq,
    unpinned_group,
)
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.decode import decode
from pynats_server.work import Work, finish

from tests.conformance.jetstream.consumer_config.case import Json, told
from tests.conformance.jetstream.consumer_config.rows_json import ANY_BODIES
from tests.conformance.jetstream.reference import Reference
from tests.support.oracle import Oracle

MESSAGES = 5


def _as_object(body: bytes) -> bytes:
    """What is no object or array means the same as nothing, where a body may be left out."""
    return body if body.lstrip(b" \t\r\n").startswith((b"{", b"[")) else b"{}"


def _offset(body: bytes) -> Any:
    return min(max(decode(_as_object(body), PageRequest, True).offset, 0), 1)


def _pause(body: bytes) -> Any:
    return in_utc(decode(_as_object(body), PauseRequest, True).pause_until)


def _unpin(body: bytes) -> Any:
    if unpinned_group(body) != "g":
        raise api_error(10160)
    return None


def _reset(body: bytes) -> Any:
    return reset_seq(body) or 1


READERS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "NAMES.S": ("offset", _offset),
    "LIST.S": ("offset", _offset),
    "PAUSE.S.C": ("pause_until", _pause),
    "UNPIN.S.C": ("", _unpin),
    "RESET.S.C": ("reset_seq", _reset),
}


def _consumer(oracle: Oracle, **config: Any) -> None:
    config = {"durable_name": "C", "ack_policy": "explicit", **config}
    made = oracle.api("CONSUMER.CREATE.S.C", stream_name="S", config=config)
    assert "error" not in made, made


def _answers(oracle: Oracle, to: str, field: str) -> Json:
    oracle.create("S", subjects=["s"])
    _consumer(oracle, priority_policy="pinned_client", priority_groups=["g"])
    found: Json = {}
    for body in ANY_BODIES:
        oracle.api("CONSUMER.RESET.S.C", seq=1)  # what is not acknowledged begins there
        reply = json.loads(oracle.request(f"$JS.API.CONSUMER.{to}".encode(), body.encode()))
        found[body] = told(**reply["error"]) if "error" in reply else reply.get(field)
    return found


def _tried(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ApiError as error:
        return told(**error.as_dict())


@pytest.mark.parametrize("to", READERS)
def test_bodies_are_read_as_the_real_server_reads_them(
    to: str, reference: Reference, ours: Oracle
) -> None:
    field, read = READERS[to]
    theirs = reference.of(lambda oracle: _answers(oracle, to, field))
    assert {body: _tried(lambda body=body: read(body.encode())) for body in ANY_BODIES} == theirs
    assert _answers(ours, to, field) == theirs


STARTS: dict[str, Json] = {
    "all": {},
    "new": {},
    "last": {},
    "last_per_subject": {"filter_subject": "s"},
    "by_start_sequence": {"opt_start_seq": 3},
    "by_start_time": {"opt_start_time": "2020-01-01T00:00:00Z"},
    "by_start_time ": {"opt_start_time": "2100-01-01T00:00:00Z"},
}
SEQS = (0, 1, 2, 3, 4, 5, 6, 7, 100, 2**64 - 1)


def _resets(oracle: Oracle, policy: str) -> list[Any]:
    oracle.create("S", subjects=["s"])
    for _ in range(MESSAGES):
        oracle.publish("s")
    _consumer(oracle, deliver_policy=policy.strip(), **STARTS[policy])
    found = []
    for seq in SEQS:
        reply = oracle.api("CONSUMER.RESET.S.C", seq=seq)
        found.append(told(**reply["error"]) if "error" in reply else None)
    return found


@pytest.mark.parametrize("policy", STARTS)
def test_resets_go_where_the_deliver_policy_allows(
    policy: str, reference: Reference, ours: Oracle
) -> None:
    theirs = reference.of(lambda oracle: _resets(oracle, policy))
    config = ConsumerConfig(deliver_policy=policy.strip(), **STARTS[policy])
    # The messages are of some time between the two start times.
    first = 1 if "2020" in str(STARTS[policy]) else MESSAGES + 1

    def since(_: int) -> Work[int]:
        yield
        return first

    rules = [_tried(lambda seq=seq: finish(check_reset(config, seq, since))) for seq in SEQS]
    assert rules == theirs
    assert _resets(ours, policy) == theirs


CONSUMERS: dict[str, Json] = {
    "A": {"max_ack_pending": 10},
    "B": {"inactive_threshold": 10**9},
    "D": {"max_ack_pending": -1},
}
LIMITS: tuple[Json, ...] = (
    {"consumer_limits": {"max_ack_pending": 9}},
    {"consumer_limits": {"max_ack_pending": 10}},
    {"consumer_limits": {"max_ack_pending": 5, "inactive_threshold": 5}},
    {"consumer_limits": {"inactive_threshold": 10**9 - 1}},
    {"consumer_limits": {"inactive_threshold": 5}, "subjects": ["t"]},
    {"consumer_limits": {"inactive_threshold": 5}, "storage": "memory"},
    {"consumer_limits": {"max_ack_pending": 9}, "num_replicas": 3},
    {"consumer_limits": {"inactive_threshold": 10**9}},
    {"consumer_limits": {"inactive_threshold": 10**9}, "description": "x"},
    {"consumer_limits": {"max_ack_pending": -1, "inactive_threshold": -1}},
    {"max_consumers": 1},
)


def _limited(oracle: Oracle) -> list[Any]:
    stream = {"name": "S", "subjects": ["s"], "storage": "file"}
    oracle.api("STREAM.CREATE.S", **stream)
    oracle.create("T", subjects=["t"])
    for name, config in CONSUMERS.items():
        wanted = {"durable_name": name, "ack_policy": "explicit", **config}
        oracle.api(f"CONSUMER.CREATE.S.{name}", stream_name="S", config=wanted)
    found: list[Any] = []
    for change in LIMITS:
        reply = oracle.api("STREAM.UPDATE.S", **{**stream, **change})
        found.append(reply.get("error") or reply["config"]["consumer_limits"])
    for error in found:  # the real server has no order of its consumers
        if (start := "violates consumers: ") in error.get("description", ""):
            words, _, names = error["description"].partition(start)
            error["description"] = words + start + ", ".join(sorted(names.split(", ")))
    return found


def test_a_stream_keeps_the_limits_that_its_consumers_have(
    reference: Reference, ours: Oracle
) -> None:
    assert _limited(ours) == reference.of(_limited)
