"""Requests to the system account are answered as by the real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.monitor.twins import Twins
from tests.conformance.system.rows import ROWS
from tests.conformance.system.scene import CONFIG, Ask, ask, build
from tests.support.deadline import PATIENCE_S
from tests.support.records import Recorded, as_text, difference, repeated

QUIET_S = 0.4  # the real server answers none later than that
SHORT_S = 0.1


@pytest.fixture(scope="module")
def servers(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("system")
    with Twins(kind_under_test, folder, CONFIG, build) as twins:
        yield twins


def test_names_are_unique() -> None:
    assert repeated(ROWS) == []


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_answers(servers: Twins, recorded: Recorded, row: Ask) -> None:
    expected = recorded.of(lambda: ask(servers.reference, row, QUIET_S))
    # Where an answer must come, there is time for it; where none is expected, it would come before
    # that to another request.
    found = ask(servers.ours, row, PATIENCE_S if expected else SHORT_S, fenced=not expected)
    assert as_text(found) == as_text(expected), difference(as_text(expected), as_text(found))
