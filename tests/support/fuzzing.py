"""The number and choice of examples in property tests.

`make test` tries the same examples each time, so that a failure comes from the current change.
`make fuzz` tries new ones, `FACTOR` times as many; a failing one becomes an @example of its test.
"""

from __future__ import annotations

import os

from hypothesis import settings

FUZZING = os.environ.get("PYNATS_FUZZ") == "1"
FACTOR = 20
DEFAULT_EXAMPLES = 100


def examples(count: int) -> int:
    """The number of examples for a test that normally tries `count`."""
    return count * FACTOR if FUZZING else count


def load_profile() -> None:
    """Makes these settings the default of property tests."""
    settings.register_profile(
        "pynats",
        # Time limits belong to benchmarks: on a busy machine they only make tests flaky.
        deadline=None,
        derandomize=not FUZZING,
        max_examples=examples(DEFAULT_EXAMPLES),
    )
    settings.load_profile("pynats")
