"""Stream configurations: our answers against the real server's, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.config.context import Limits

from tests.conformance.jetstream.config_cases import Case
from tests.conformance.jetstream.config_differences import DIFFERENCES
from tests.conformance.jetstream.config_rows_create import CREATE_CASES
from tests.conformance.jetstream.config_rows_json import JSON_CASES
from tests.conformance.jetstream.config_rows_limits import (
    AGAIN_DIFFERENCES,
    AGAIN_NARROW_STEPS,
    AGAIN_WIDE_STEPS,
    NARROW_STEPS,
    SECOND,
    SERVER_CONFIG,
    WIDE_STEPS,
)
from tests.conformance.jetstream.config_rows_update import UPDATE_CASES
from tests.conformance.jetstream.reference import LENIENT, STRICT, Reference, ask_live
from tests.conformance.jetstream.shorten import lengthen, shorten
from tests.support.drawn import draw, new_examples, outcomes
from tests.support.fake_account import CREATE, UPDATE, FakeAccount, Json
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded
from tests.support.stream_configs import FLAGS, stream_configs

Request = tuple[str, str, bytes]  # verb, stream, body


def _ask(oracle: Oracle, verb: str, name: str, body: bytes) -> Json:
    reply = json.loads(oracle.request(f"$JS.API.STREAM.{verb}.{name}".encode(), body))
    key = "error" if "error" in reply else "config"
    answer: Json = shorten({key: reply[key]})
    return answer


def _answers(oracle: Oracle, requests: Iterable[Request]) -> list[Json]:
    return [_ask(oracle, *request) for request in requests]


def _compare(reference: Reference, case: Case, settings: str = STRICT) -> None:
    account = FakeAccount()
    theirs = reference.of(lambda oracle: _answers(oracle, case.requests), settings=settings)
    ours = [
        shorten(account.answer(*request, strict=settings == STRICT)) for request in case.requests
    ]
    for each in theirs[:-1]:
        assert "config" in each, "the case rests on a stream that cannot be made"
    if case.id in DIFFERENCES:
        assert theirs[-1] != DIFFERENCES[case.id].ours, "no difference any more"
        theirs[-1] = DIFFERENCES[case.id].ours
    assert ours == theirs


@pytest.mark.parametrize("case", JSON_CASES, ids=str)
def test_json(case: Case, reference: Reference) -> None:
    _compare(reference, case)


@pytest.mark.parametrize("case", CREATE_CASES, ids=str)
def test_create(case: Case, reference: Reference) -> None:
    _compare(reference, case)


@pytest.mark.parametrize("case", UPDATE_CASES, ids=str)
def test_update(case: Case, reference: Reference) -> None:
    _compare(reference, case)


@pytest.mark.parametrize("case", JSON_CASES, ids=str)
def test_json_lenient(case: Case, reference: Reference) -> None:
    _compare(reference, case, LENIENT)


def narrow() -> FakeAccount:
    bounds = Limits(
        duplicate_window_ns=60 * SECOND,
        max_streams=4,
        max_consumers=4,
        max_memory=2000,
        max_storage=20_000,
        memory_max_stream_bytes=1500,
        storage_max_stream_bytes=15_000,
        max_bytes_required=True,
    )
    return FakeAccount(bounds=bounds, server_memory=3000, server_storage=50_000)


def wide() -> FakeAccount:
    bounds = Limits(duplicate_window_ns=60 * SECOND)
    return FakeAccount(bounds=bounds, server_memory=3000, server_storage=50_000)


@pytest.mark.parametrize(
    ("user", "account", "steps"),
    [
        ("narrow", narrow(), NARROW_STEPS),
        ("wide", wide(), WIDE_STEPS),
        ("narrow", narrow(), AGAIN_NARROW_STEPS),
        ("wide", wide(), AGAIN_WIDE_STEPS),
    ],
    ids=["narrow", "wide", "narrow again", "wide again"],
)
def test_limits(
    user: str,
    account: FakeAccount,
    steps: tuple[tuple[str, Json], ...],
    tmp_path: Path,
    recorded: Recorded,
    request: pytest.FixtureRequest,
) -> None:
    """Our rules alone, and our server with such accounts."""
    requests = [(verb, config["name"], json.dumps(config).encode()) for verb, config in steps]
    theirs = recorded.of(lambda: _played(REFERENCE, tmp_path / REFERENCE, user, requests))
    for (kind, place), ours in AGAIN_DIFFERENCES.items():
        if kind == request.node.callspec.id:
            assert theirs[place]["error"]["err_code"] == 10028
            theirs[place] = ours or theirs[place - 1]
    assert [shorten(account.answer(*request)) for request in requests] == theirs
    assert _played(PYNATS, tmp_path / PYNATS, user, requests) == theirs


def _played(kind: str, folder: Path, user: str, requests: list[Request]) -> list[Json]:
    text = SERVER_CONFIG.format(folder=folder) + f"no_auth_user: {user}\n"
    with ServerProcess(kind, folder, text) as server, Oracle(server.port) as oracle:
        return _answers(oracle, requests)


def test_every_difference_is_a_case() -> None:
    ids = {case.id for case in (*JSON_CASES, *CREATE_CASES, *UPDATE_CASES)}
    assert set(DIFFERENCES) <= ids


def test_list_shows_what_is_stored(reference: Reference) -> None:
    """Only create, update and info add the server's version and level to the metadata."""
    account = FakeAccount()
    request = (CREATE, "S", b'{"name":"S","metadata":{"a":"b"}}')

    def ask(oracle: Oracle) -> dict[str, Json]:
        made = _ask(oracle, *request)["config"]
        shown = oracle.api("STREAM.INFO.S")["config"]
        listed = {each["config"]["name"]: each["config"] for each in _list(oracle)}
        return {"made": lengthen(made), "shown": shown, "listed": listed["S"]}

    theirs = reference.of(ask)
    made = account.answer(*request)["config"]
    assert theirs == {"made": made, "shown": made, "listed": account.configs["S"].as_dict()}


def _list(oracle: Oracle) -> list[Json]:
    streams: list[Json] = oracle.api("STREAM.LIST")["streams"]
    return streams


RANDOM = st.lists(st.tuples(st.sampled_from("SOA"), FLAGS, stream_configs()), max_size=4)


def _random_requests(drawn: list[tuple[str, bool, Json]]) -> list[list[Any]]:
    """Verb, stream and configuration: creations, then updates of what was created."""
    account = FakeAccount()
    requests: list[list[Any]] = []
    for name, again, fields in drawn:
        config = {**fields, "name": name if fields["name"] == "S" else fields["name"]}
        if not config.get("republish", {"dest": "x"})["dest"]:
            continue  # see config_differences
        verb = CREATE if again or account.stream(name) is None else UPDATE
        account.answer(verb, name, json.dumps(config).encode())
        requests.append([verb, name, config])
    return requests


def _encoded(requests: list[list[Any]]) -> list[Request]:
    return [(verb, name, json.dumps(config).encode()) for verb, name, config in requests]


def test_random_requests(reference: Reference) -> None:
    examples = outcomes(
        reference.recorded,
        lambda: [requests for drawn in draw(RANDOM, 200) if (requests := _random_requests(drawn))],
        lambda requests: reference.asked(lambda oracle: _answers(oracle, _encoded(requests))),
    )
    assert len(examples) > 150
    for requests, theirs in examples:
        account = FakeAccount()
        ours = [shorten(account.answer(*request)) for request in _encoded(requests)]
        assert ours == theirs, requests


@pytest.mark.reference
@new_examples(200)
@given(RANDOM)
def test_new_random_requests(
    reference_servers: ServerPool, drawn: list[tuple[str, bool, Json]]
) -> None:
    requests = _encoded(_random_requests(drawn))
    account = FakeAccount()
    ours = [shorten(account.answer(*request)) for request in requests]
    assert ours == ask_live(reference_servers, lambda oracle: _answers(oracle, requests))
