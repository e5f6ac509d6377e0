"""What the server makes of consumer configurations, beyond what the real server's records show."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from pynats_server.core import subject
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.config.claims import FilterClaims
from pynats_server.jetstream.consumer.config.context import DEFAULT_MAX_CONSUMERS, Limits
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.preparation import (
    CREATE,
    EITHER,
    paused,
    prepare,
    recovered,
)
from pynats_server.jetstream.consumer.config.requests import CreateRequest, addressed
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decode
from pynats_server.options import AccountLimits, JetStreamServerLimits
from pynats_server.work import finish

from tests.support.consumer_configs import consumer_requests
from tests.support.fake_stream import FakeStream

SECOND = 1_000_000_000


def fake(**fields: Any) -> FakeStream:
    return FakeStream(
        StreamConfig(name="S", subjects=["s.>"], num_replicas=1, max_consumers=-1, **fields)
    )


def slices(work: Generator[Any, None, Any]) -> int:
    """Into how many pieces work is cut."""
    return 1 + sum(1 for _ in work)


def refused(work: Generator[Any, None, Any]) -> int:
    """The error's code."""
    with pytest.raises(ApiError) as caught:
        for _ in work:
            pass
    return caught.value.err_code


@given(consumer_requests())
def test_what_is_asked_for_is_left_alone(request: list[Any]) -> None:
    body = decode(json.dumps(request[1]).encode(), CreateRequest, True)
    config = addressed_or_not(body, request[0])
    before = msgspec.json.encode(config)
    try:
        made = finish(prepare(config, EITHER, fake()))
    except ApiError:
        pass
    else:
        made.metadata["more"] = "x"
        made.filter_subjects.append("x")
        made.backoff.append(1)
        made.priority_groups.append("x")
    assert msgspec.json.encode(config) == before


def addressed_or_not(body: CreateRequest, to: str) -> ConsumerConfig:
    try:
        return addressed(body, to.split(".")[1:])
    except ApiError:
        return body.config


@given(consumer_requests())
def test_what_was_made_is_made_of_itself(request: list[Any]) -> None:
    """A configuration out of an answer can be sent back."""
    stream = fake()
    to, body = request
    answer = stream.answer(f"CONSUMER.{to}", json.dumps(body).encode())
    if "config" in answer:
        again = {"stream_name": "S", "config": answer["config"], "action": "create"}
        back = stream.answer(f"CONSUMER.{to}", json.dumps(again).encode())
        # A time of a pause is in UTC from then on, and a level is what was first asked for.
        other = {"pause_until": 0, "metadata": 0}
        assert {**back["config"], **other} == {**answer["config"], **other}


def test_a_consumer_without_a_name_gets_one_that_is_free() -> None:
    stream = fake()
    made = {finish(prepare(ConsumerConfig(), CREATE, stream)).name for _ in range(50)}
    assert len(made) == 50
    assert {len(name) for name in made} == {8}
    taken = made.pop()
    stream.consumers[taken] = ConsumerConfig(name=taken)
    assert finish(prepare(ConsumerConfig(), CREATE, stream)).name != taken


def test_names_are_bounded_whatever_the_stream_is_kept_in() -> None:
    for storage in ("memory", "file"):
        for config in (
            ConsumerConfig(name="n" * 256),
            ConsumerConfig(durable_name="é" * 128),
        ):
            assert refused(prepare(config, EITHER, fake(storage=storage))) == 10102


def test_a_saved_configuration_is_completed_and_not_questioned() -> None:
    stream = StreamConfig(name="S", subjects=["s.>"], num_replicas=1)
    saved = ConsumerConfig(durable_name="C", ack_policy="explicit", filter_subjects=["a", "a"])
    made = recovered(saved, stream, Limits())
    assert (made.name, made.ack_wait, made.max_waiting) == ("C", 30 * SECOND, 512)
    assert made.inactive_threshold == 0
    assert recovered(made, stream, Limits()) == made
    assert recovered(ConsumerConfig(name="E"), stream, Limits()).inactive_threshold == 5 * SECOND


def test_a_pause_is_noted_and_the_zero_time_ends_it() -> None:
    config = finish(prepare(ConsumerConfig(durable_name="C"), EITHER, fake()))
    later = paused(config, "2100-01-01T00:00:00Z")
    assert later.pause_until == "2100-01-01T00:00:00Z"
    assert later.metadata["_nats.req.level"] == "1"
    assert config.pause_until is None
    assert paused(later, "0001-01-01T00:00:00Z") == config


def test_a_server_says_how_many_consumers_where_nobody_does() -> None:
    none = AccountLimits()
    assert Limits.of(JetStreamServerLimits(), none).default_max_consumers == DEFAULT_MAX_CONSUMERS
    for said, allowed in ((0, DEFAULT_MAX_CONSUMERS), (2, 2), (-1, 5000)):
        stream = fake()
        stream.bounds = Limits.of(JetStreamServerLimits(default_max_consumers=said), none)
        stream.consumers = {str(n): ConsumerConfig(name=str(n)) for n in range(allowed - 1)}
        finish(prepare(ConsumerConfig(), EITHER, stream))
        stream.consumers["last"] = ConsumerConfig(name="last")
        if said >= 0:
            assert refused(prepare(ConsumerConfig(), EITHER, stream)) == 10026
        else:
            finish(prepare(ConsumerConfig(), EITHER, stream))


# -- the work that a request makes --------------------------------------------------------------


def test_filters_are_compared_in_about_as_many_steps_as_there_are() -> None:
    """With each of the others, a hundred thousand would take ten thousand million."""
    few, many = ([f"s.{n}.x" for n in range(count)] for count in (10_000, 100_000))
    counts = [
        slices(prepare(ConsumerConfig(filter_subjects=filters), EITHER, fake()))
        for filters in (few, many)
    ]
    assert 100 < counts[0] < counts[1] < 12 * counts[0]


def test_long_lists_are_looked_at_in_slices() -> None:
    for config, least in (
        (ConsumerConfig(backoff=[1] * 400_000), 90),
        (
            ConsumerConfig(priority_policy="overflow", priority_groups=["g"] * 100_000),
            300,
        ),
    ):
        assert slices(prepare(config, EITHER, fake())) > least


def test_a_new_consumer_of_a_work_queue_is_not_compared_with_each_of_the_others() -> None:
    stream = fake(retention="workqueue")
    body = '{"stream_name":"S","config":{"ack_policy":"explicit","filter_subject":"s.%d"}}'
    for n in range(999):
        answer = stream.answer(f"CONSUMER.CREATE.S.c{n}", (body % n).encode())
        assert "config" in answer
    new = ConsumerConfig(name="new", ack_policy="explicit", filter_subject="s.new")
    assert slices(prepare(new, EITHER, stream)) < 5
    taken = ConsumerConfig(name="new", ack_policy="explicit", filter_subject="s.998")
    assert refused(prepare(taken, EITHER, stream)) == 10100


def test_claims_are_noted_and_forgotten_in_slices() -> None:
    claims = FilterClaims()
    config = ConsumerConfig(name="C", filter_subjects=[f"s.{n}" for n in range(10_000)])
    assert slices(claims.adding(config)) > 100
    assert finish(claims.claimed([b"s.9999"], "D"))
    assert not finish(claims.claimed([b"s.9999"], "C"))
    assert slices(claims.discarding(config)) > 100
    assert not finish(claims.claimed([b">"], "D"))


def test_one_who_wants_all_claims_all() -> None:
    claims = FilterClaims()
    claims.add(ConsumerConfig(name="C"))
    claims.add(ConsumerConfig(name="M", sourcing=True))
    assert finish(claims.claimed([b"x"], "D"))
    claims.discard(ConsumerConfig(name="C"))
    assert not finish(claims.claimed([b"x"], "D"))


@given(consumer_requests(), consumer_requests())
def test_no_subject_of_a_work_queue_belongs_to_two(first: list[Any], second: list[Any]) -> None:
    stream = fake(retention="workqueue")
    for to, body in (first, second):
        stream.answer(f"CONSUMER.{to}", json.dumps(body).encode())
    wanted = [
        (config.name, each.encode())
        for config in stream.consumers.values()
        if config.is_counted
        for each in config.filters
    ]
    assert not any(
        one != other and subject.overlaps(mine, theirs)
        for one, mine in wanted
        for other, theirs in wanted
    )


@given(consumer_requests(), consumer_requests())
def test_a_refused_request_changes_nothing(first: list[Any], second: list[Any]) -> None:
    stream = fake()
    stream.answer(f"CONSUMER.{first[0]}", json.dumps(first[1]).encode())
    before = msgspec.json.encode(list(stream.consumers.values()))
    answer = stream.answer(f"CONSUMER.{second[0]}", json.dumps(second[1]).encode())
    if "error" in answer:
        assert msgspec.json.encode(list(stream.consumers.values())) == before
