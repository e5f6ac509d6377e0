"""Who receives what, under which subject, with which reply and headers, where accounts share: as
the real server has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts import rows_latency, rows_mappings, rows_services, rows_streams
from tests.conformance.accounts.stage import Scenario, Stage
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

SCENARIOS: list[Scenario] = [
    *rows_streams.ROWS,
    *rows_services.ROWS,
    *rows_mappings.ROWS,
    *rows_latency.ROWS,
]


def play(kind: str, scenario: Scenario, folder: Path) -> list[str]:
    with ServerProcess(kind, folder / kind, scenario.config) as server:

        def reload(config: str) -> None:
            assert server.reload(config), server.log()

        with Stage(server.port, reload) as stage:
            return stage.play(scenario)


def test_names_are_unique() -> None:
    repeated = [name for name, count in Counter(map(str, SCENARIOS)).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path))
    assert play(PYNATS, scenario, tmp_path) == expected
