"""Stream configurations: our answers against the real server's, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.config.context import Limits

from tests.conformance.jetstream.config_cases import Case
from tests.conformance.jetstream.config_differences import DIFFERENCES
from tests.conformance.jetstream.config_rows_create import CREATE_CASES
from tests.conformance.jetstream.config_rows_json import JSON_CASES
from tests.conformance.jetstream.config_rows_limits import (
    NARROW_STEPS,
    SECOND,
    SERVER_CONFIG,
    WIDE_STEPS,
)
from tests.conformance.jetstream.config_rows_update import UPDATE_CASES
from tests.support.fake_account import CREATE, UPDATE, FakeAccount, Json
from tests.support.fuzzing import examples
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.stream_configs import FLAGS, stream_configs

pytestmark = pytest.mark.reference


def _params(cases: Iterable[Case]) -> list[object]:
    """The cases as parameters; those that differ must do so still."""
    return [
        pytest.param(
            case,
            id=case.id,
            marks=[pytest.mark.xfail(reason=DIFFERENCES[case.id], strict=True)]
            if case.id in DIFFERENCES
            else [],
        )
        for case in cases
    ]


# The real server removes the folder of an account with its last stream, and may do so just after
# the next one was asked for. A stream that stays avoids that, and a mirror has no subjects.
KEEPER = {"name": "KEEPER", "mirror": {"name": "NOTHING"}}


def _clear(oracle: Oracle) -> None:
    oracle.api("STREAM.CREATE.KEEPER", **KEEPER)
    for name in oracle.api("STREAM.NAMES")["streams"]:
        if name != "KEEPER":
            oracle.api(f"STREAM.DELETE.{name}")


@pytest.fixture
def reference(reference_server: ServerProcess) -> Iterator[Oracle]:
    """A client of the reference server, where there are no streams but the keeper."""
    with Oracle(reference_server.port) as client:
        _clear(client)
        yield client
        _clear(client)


def _ask(oracle: Oracle, verb: str, name: str, body: bytes) -> Json:
    reply = json.loads(oracle.request(f"$JS.API.STREAM.{verb}.{name}".encode(), body))
    key = "error" if "error" in reply else "config"
    return {key: reply[key]}


def _compare(oracle: Oracle, case: Case, account: FakeAccount, strict: bool = True) -> None:
    before = [(CREATE, config["name"], config) for config in case.given]
    before += [(UPDATE, "S", {"name": "S", **config}) for config in case.then]
    for verb, name, config in before:
        body = json.dumps(config).encode()
        theirs = _ask(oracle, verb, name, body)
        if "config" not in theirs:
            pytest.fail("the case rests on a stream that cannot be made", pytrace=False)
        assert account.answer(verb, name, body, strict) == theirs
    theirs = _ask(oracle, case.verb, case.name, case.body)
    assert account.answer(case.verb, case.name, case.body, strict) == theirs


@pytest.mark.parametrize("case", _params(JSON_CASES))
def test_json(case: Case, reference: Oracle) -> None:
    _compare(reference, case, FakeAccount())


@pytest.mark.parametrize("case", _params(CREATE_CASES))
def test_create(case: Case, reference: Oracle) -> None:
    _compare(reference, case, FakeAccount())


@pytest.mark.parametrize("case", _params(UPDATE_CASES))
def test_update(case: Case, reference: Oracle) -> None:
    _compare(reference, case, FakeAccount())


@pytest.fixture(scope="module")
def lenient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("lenient")
    config = f'jetstream {{ store_dir: "{folder}/store", strict: false }}\n'
    with ServerProcess(REFERENCE, folder, config) as server:
        yield server


@pytest.fixture
def lenient(lenient_server: ServerProcess) -> Iterator[Oracle]:
    with Oracle(lenient_server.port) as client:
        _clear(client)
        yield client


@pytest.mark.parametrize("case", _params(JSON_CASES))
def test_json_lenient(case: Case, lenient: Oracle) -> None:
    _compare(lenient, case, FakeAccount(), strict=False)


NARROW = FakeAccount(
    bounds=Limits(
        duplicate_window=60 * SECOND,
        max_streams=4,
        max_consumers=4,
        max_memory=2000,
        max_storage=20_000,
        memory_max_stream_bytes=1500,
        storage_max_stream_bytes=15_000,
        max_bytes_required=True,
    ),
    server_memory=3000,
    server_storage=50_000,
)
WIDE = FakeAccount(
    bounds=Limits(duplicate_window=60 * SECOND), server_memory=3000, server_storage=50_000
)


@pytest.mark.parametrize(
    ("user", "account", "steps"),
    [("narrow", NARROW, NARROW_STEPS), ("wide", WIDE, WIDE_STEPS)],
    ids=["narrow", "wide"],
)
def test_limits(
    user: str, account: FakeAccount, steps: tuple[tuple[str, Json], ...], tmp_path: Path
) -> None:
    """Our rules alone, and our server with such accounts."""
    rules = [
        (verb, config, account.answer(verb, config["name"], json.dumps(config).encode()))
        for verb, config in steps
    ]
    theirs, ours = (_played(kind, tmp_path / kind, user, steps) for kind in (REFERENCE, PYNATS))
    assert rules == theirs
    assert ours == theirs


def _played(
    kind: str, folder: Path, user: str, steps: tuple[tuple[str, Json], ...]
) -> list[tuple[str, Json, Json]]:
    text = SERVER_CONFIG.format(folder=folder) + f"no_auth_user: {user}\n"
    with ServerProcess(kind, folder, text) as server, Oracle(server.port) as oracle:
        return [
            (verb, config, _ask(oracle, verb, config["name"], json.dumps(config).encode()))
            for verb, config in steps
        ]


def test_every_difference_is_a_case() -> None:
    ids = {case.id for case in (*JSON_CASES, *CREATE_CASES, *UPDATE_CASES)}
    assert set(DIFFERENCES) <= ids


def test_list_shows_what_is_stored(reference: Oracle) -> None:
    """Only create, update and info add the server's version and level to the metadata."""
    account = FakeAccount()
    body = b'{"name":"S","metadata":{"a":"b"}}'
    made = account.answer(CREATE, "S", body)
    assert _ask(reference, CREATE, "S", body) == made
    assert reference.api("STREAM.INFO.S")["config"] == made["config"]
    listed = {each["config"]["name"]: each["config"] for each in _list(reference)}
    assert listed["S"] == account.configs["S"].as_dict()


def _list(oracle: Oracle) -> list[Json]:
    streams: list[Json] = oracle.api("STREAM.LIST")["streams"]
    return streams


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("SOA"), FLAGS, stream_configs()), max_size=4))
def test_random_requests(reference: Oracle, requests: list[tuple[str, bool, Json]]) -> None:
    _clear(reference)
    account = FakeAccount()
    for name, again, fields in requests:
        config = {**fields, "name": name if fields["name"] == "S" else fields["name"]}
        if not config.get("republish", {"dest": "x"})["dest"]:
            continue  # see config_differences
        verb = CREATE if again or account.stream(name) is None else UPDATE
        body = json.dumps(config).encode()
        assert account.answer(verb, name, body) == _ask(reference, verb, name, body)
