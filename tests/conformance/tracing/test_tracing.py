"""What traces tell, and what becomes of traced messages: as the real server has it.

The events of a message are sent when it has gone its way, which may be after the answer to a ping.
So of the real server everything is awaited that comes within a moment, and of ours everything that
came from the real one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts.stage import Scenario, Stage
from tests.conformance.tracing import rows_core, rows_jetstream, rows_sharing
from tests.conformance.tracing.show import show
from tests.support.deadline import pause
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

SCENARIOS: list[Scenario] = [*rows_core.ROWS, *rows_sharing.ROWS, *rows_jetstream.ROWS]
MOMENT_S = 0.06


class Recording(Stage):
    """Of a server of which nobody knows yet what it says."""

    def arrived(self, lines: int) -> None:
        pause(MOMENT_S)


class Replay(Stage):
    """Of a server that is to say the same."""

    expected: list[str]

    def arrived(self, lines: int) -> None:
        counts: Counter[str] = Counter()
        for told in self.expected[lines:]:
            if told.startswith("> "):
                break
            who, _, what = told.partition(" < ")
            counts[who] += what.startswith(("MSG ", "HMSG "))
        for who, count in counts.items():
            self.await_messages(who, count)


def play(
    kind: str, scenario: Scenario, folder: Path, expected: list[str] | None = None
) -> list[str]:
    config = scenario.config.replace("{store}", str(folder / kind / "store"))
    with ServerProcess(kind, folder / kind, config) as server:

        def reload(config: str) -> bool:
            return server.reload(config)

        stage: Stage = Recording(server.port, reload, show)
        if expected is not None:
            stage = Replay(server.port, reload, show)
            stage.expected = expected
        with stage:
            return stage.play(scenario)


def test_names_are_unique() -> None:
    repeated = [name for name, count in Counter(map(str, SCENARIOS)).items() if count > 1]
    assert repeated == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path))
    assert play(PYNATS, scenario, tmp_path, expected) == expected
