"""Who receives what, under which subject, with which reply and headers, where accounts share: as
the real server has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.accounts.rows import (
    advisories,
    answers,
    chains,
    late,
    latency,
    limits,
    mappings,
    names,
    ours,
    queues,
    reloads,
    services,
    streams,
)
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded, repeated
from tests.support.stage import Scenario, play

SCENARIOS: list[Scenario] = [
    *streams.ROWS,
    *names.ROWS,
    *queues.ROWS,
    *services.ROWS,
    *answers.ROWS,
    *chains.ROWS,
    *late.ROWS,
    *latency.ROWS,
    *mappings.ROWS,
    *limits.ROWS,
    *reloads.ROWS,
    *advisories.ROWS,
]


def test_names_are_unique() -> None:
    assert repeated([*SCENARIOS, *(scenario for scenario, _ in ours.OURS)]) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path))
    assert play(PYNATS, scenario, tmp_path) == expected


@pytest.mark.parametrize(("scenario", "expected"), ours.OURS, ids=str)
def test_where_the_real_server_fails(
    scenario: Scenario, expected: list[str], tmp_path: Path
) -> None:
    told = play(PYNATS, scenario, tmp_path)
    after = [
        line
        for line, following in zip(told, [*told[1:], "> "], strict=True)
        if not (line.startswith("> ") and following.startswith("> "))
    ]
    assert after == expected
