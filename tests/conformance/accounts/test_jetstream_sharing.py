"""JetStream of one account that others use: as the real server has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.accounts.rows import jetstream
from tests.support.jetstage import JetStage
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded, repeated
from tests.support.stage import Scenario, play


def test_names_are_unique() -> None:
    assert repeated(jetstream.ROWS) == []


@pytest.mark.parametrize("scenario", jetstream.ROWS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path, JetStage))
    assert play(PYNATS, scenario, tmp_path, JetStage) == expected
