"""What traces tell, and what becomes of traced messages: as the real server has it.

The events of a message are sent when it has gone its way, which may be after the answer to a ping.
So of the real server everything is awaited that comes within a moment, and of ours everything that
came from the real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.tracing import rows_core, rows_jetstream, rows_sharing
from tests.conformance.tracing.show import show
from tests.support.deadline import pause
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded, repeated
from tests.support.stage import Scenario, Stage, play

SCENARIOS: list[Scenario] = [*rows_core.ROWS, *rows_sharing.ROWS, *rows_jetstream.ROWS]
MOMENT_S = 0.06


class Recording(Stage):
    """Of a server of which nobody knows yet what it says."""

    def __init__(self, port: int, reload: Callable[[str], bool]) -> None:
        super().__init__(port, reload, show)

    def arrived(self, lines: int) -> None:
        pause(MOMENT_S)


class Replay(Stage):
    """Of a server that is to say what is `expected`."""

    def __init__(self, expected: list[str], port: int, reload: Callable[[str], bool]) -> None:
        super().__init__(port, reload, show)
        self._expected = expected

    def arrived(self, lines: int) -> None:
        counts: Counter[str] = Counter()
        for told in self._expected[lines:]:
            if told.startswith("> "):
                break
            who, _, what = told.partition(" < ")
            counts[who] += what.startswith(("MSG ", "HMSG "))
        for who, count in counts.items():
            self.await_messages(who, count)


def test_names_are_unique() -> None:
    assert repeated(SCENARIOS) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: play(REFERENCE, scenario, tmp_path, Recording))
    assert play(PYNATS, scenario, tmp_path, partial(Replay, expected)) == expected
