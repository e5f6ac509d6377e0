"""Stream configurations: our answers against the real server's, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.jetstream.config_cases import CREATE, UPDATE, Case, FakeAccount, Json
from tests.conformance.jetstream.config_rows_create import CREATE_CASES
from tests.conformance.jetstream.config_rows_json import JSON_CASES
from tests.conformance.jetstream.config_rows_update import UPDATE_CASES
from tests.support.oracle import Oracle
from tests.support.process import REFERENCE, ServerProcess

pytestmark = pytest.mark.reference


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
        assert account.answer(verb, name, body, strict) == theirs
        assert "config" in theirs, "the case rests on a stream that cannot be made"
    theirs = _ask(oracle, case.verb, case.name, case.body)
    assert account.answer(case.verb, case.name, case.body, strict) == theirs


@pytest.mark.parametrize("case", JSON_CASES, ids=lambda case: case.id)
def test_json(case: Case, oracle: Oracle) -> None:
    _compare(oracle, case, FakeAccount())


@pytest.fixture(scope="module")
def lenient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("lenient")
    config = f'jetstream {{ store_dir: "{folder}/store", strict: false }}\n'
    with ServerProcess(REFERENCE, folder, config) as server:
        yield server


@pytest.fixture
def lenient(lenient_server: ServerProcess) -> Iterator[Oracle]:
    with Oracle(lenient_server.port) as client:
        yield client
        for name in client.api("STREAM.NAMES")["streams"] or []:
            client.api(f"STREAM.DELETE.{name}")


@pytest.mark.parametrize("case", JSON_CASES, ids=lambda case: case.id)
def test_json_lenient(case: Case, lenient: Oracle) -> None:
    _compare(lenient, case, FakeAccount(), strict=False)


@pytest.mark.parametrize("case", CREATE_CASES, ids=lambda case: case.id)
def test_create(case: Case, oracle: Oracle) -> None:
    _compare(oracle, case, FakeAccount())


@pytest.mark.parametrize("case", UPDATE_CASES, ids=lambda case: case.id)
def test_update(case: Case, oracle: Oracle) -> None:
    _compare(oracle, case, FakeAccount())
