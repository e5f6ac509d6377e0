"""Consumer configurations: our answers against the real server's, word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.consumer.config.context import Limits

from tests.conformance.jetstream.consumer_config.asking import (
    ANSWERS,
    asked,
    decided,
    fake_stream,
    with_ours,
)
from tests.conformance.jetstream.consumer_config.case import Case, Json, Step
from tests.conformance.jetstream.consumer_config.rows_create import CREATE_CASES
from tests.conformance.jetstream.consumer_config.rows_json import JSON_CASES
from tests.conformance.jetstream.consumer_config.rows_limits import (
    ACCOUNTS,
    CASES_OF,
    SERVER,
    SERVER_CONFIG,
)
from tests.conformance.jetstream.consumer_config.rows_pairs import PAIR_CASES
from tests.conformance.jetstream.consumer_config.rows_update import UPDATE_CASES
from tests.conformance.jetstream.reference import LENIENT, Reference, ask_live
from tests.support.consumer_configs import consumer_requests
from tests.support.drawn import draw, new_examples, outcomes
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

CASES = (*JSON_CASES, *CREATE_CASES, *PAIR_CASES, *UPDATE_CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answers(case: Case, reference: Reference, ours: Oracle) -> None:
    """Our rules alone, and our server."""
    theirs = reference.of(lambda oracle: asked(case, oracle))
    expected = with_ours(case, theirs)
    assert decided(case) == expected
    assert asked(case, ours, storage="memory") == expected


@pytest.mark.parametrize("case", JSON_CASES, ids=str)
def test_lenient_answers(case: Case, reference: Reference) -> None:
    theirs = reference.of(lambda oracle: asked(case, oracle), settings=LENIENT)
    assert decided(case, strict=False) == theirs


@pytest.mark.parametrize("user", ACCOUNTS)
def test_limits_of_server_and_account(user: str, tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: _limited(REFERENCE, tmp_path / REFERENCE, user))
    for case in CASES_OF[user]:
        stream = fake_stream(case)
        stream.bounds = Limits.of(SERVER, ACCOUNTS[user])
        assert decided(case, stream) == theirs[case.id], case.id
    assert _limited(PYNATS, tmp_path / PYNATS, user, storage="memory") == theirs


def _limited(kind: str, folder: Path, user: str, **stream: str) -> dict[str, ANSWERS]:
    text = SERVER_CONFIG.format(folder=folder) + f"no_auth_user: {user}\n"
    with ServerProcess(kind, folder, text) as server, Oracle(server.port) as oracle:
        return {case.id: asked(case, oracle, **stream) for case in CASES_OF[user]}


RETENTIONS = st.sampled_from(["limits", "interest", "workqueue"])
RANDOM = st.tuples(RETENTIONS, st.lists(consumer_requests(), min_size=1, max_size=6))


def _random_case(retention: str, requests: list[list[Any]]) -> Case:
    steps = [Step(json.dumps(body).encode(), to) for to, body in requests]
    stream: Json = {"retention": retention, "consumer_limits": {"max_ack_pending": 50}}
    return Case("random", tuple(steps), stream=stream)


def test_random_requests(reference: Reference, ours: Oracle) -> None:
    examples = outcomes(
        reference.recorded,
        lambda: draw(RANDOM, 300),
        lambda drawn: reference.asked(lambda oracle: asked(_random_case(*drawn), oracle)),
    )
    assert len(examples) > 200
    for drawn, theirs in examples:
        case = _random_case(*drawn)
        assert decided(case) == theirs
        assert asked(case, ours, storage="memory") == theirs


@pytest.mark.reference
@new_examples(300)
@given(RANDOM)
def test_new_random_consumer_requests(
    reference_servers: ServerPool, ours: Oracle, drawn: tuple[str, list[list[Any]]]
) -> None:
    case = _random_case(*drawn)
    theirs = ask_live(reference_servers, lambda oracle: asked(case, oracle))
    assert decided(case) == theirs
    assert asked(case, ours, storage="memory") == theirs
