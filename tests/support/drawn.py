"""Random examples whose outcome on the reference is recorded with them.

The gate replays those that were drawn when they were recorded; tests marked with `reference` draw
new ones and ask for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.records import RECORD, Recorded


def draw(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """About so many examples, the same ones each time."""
    found: list[Any] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


def outcomes(
    recorded: Recorded, fresh: Callable[[], list[Any]], ask: Callable[[Any], Any]
) -> list[tuple[Any, Any]]:
    """Examples and what the reference made of each. They come from `fresh` where they are
    recorded, and are asked again where the record is checked; JSON can hold both."""

    def told() -> list[list[Any]]:
        kept = None if recorded.mode == RECORD else recorded.kept()
        examples = fresh() if kept is None else [example for example, _ in kept]
        return [[example, ask(example)] for example in examples]

    return [(example, outcome) for example, outcome in recorded.of(told)]


def new_examples(count: int) -> settings:
    """For a test that asks the reference: other examples each time."""
    return settings(
        max_examples=count,
        derandomize=False,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
