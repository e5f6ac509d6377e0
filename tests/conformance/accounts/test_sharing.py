"""Who receives what, under which subject, with which reply and headers, where accounts share: as
the real server has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts import (
    rows_advisories,
    rows_answers,
    rows_chains,
    rows_latency,
    rows_limits,
    rows_mappings,
    rows_names,
    rows_ours,
    rows_queues,
    rows_reloads,
    rows_services,
    rows_streams,
)
from tests.conformance.accounts.stage import Scenario, Stage
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

SCENARIOS: list[Scenario] = [
    *rows_streams.ROWS,
    *rows_names.ROWS,
    *rows_queues.ROWS,
    *rows_services.ROWS,
    *rows_answers.ROWS,
    *rows_chains.ROWS,
    *rows_latency.ROWS,
    *rows_mappings.ROWS,
    *rows_limits.ROWS,
    *rows_reloads.ROWS,
    *rows_advisories.ROWS,
]


def play(kind: str, scenario: Scenario, folder: Path) -> list[str]:
    with (
        ServerProcess(kind, folder / kind, scenario.config) as server,
        Stage(server.port, server.reload) as stage,
    ):
        return stage.play(scenario)


def test_names_are_unique() -> None:
    names = Counter(map(str, [*SCENARIOS, *(scenario for scenario, _ in rows_ours.OURS)]))
    repeated = [name for name, count in names.items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path))
    assert play(PYNATS, scenario, tmp_path) == expected


@pytest.mark.parametrize(("scenario", "expected"), rows_ours.OURS, ids=str)
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
