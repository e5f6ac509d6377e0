"""JetStream of one account that others use: as the real server has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts import rows_jetstream
from tests.conformance.accounts.jetstage import JetStage
from tests.conformance.accounts.stage import Scenario
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

SCENARIOS: list[Scenario] = [*rows_jetstream.ROWS]


def play(kind: str, scenario: Scenario, folder: Path) -> list[str]:
    with (
        ServerProcess(kind, folder / kind, scenario.config) as server,
        JetStage(server.port, server.reload) as stage,
    ):
        return stage.play(scenario)


def test_names_are_unique() -> None:
    repeated = [name for name, count in Counter(map(str, SCENARIOS)).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path))
    assert play(PYNATS, scenario, tmp_path) == expected
