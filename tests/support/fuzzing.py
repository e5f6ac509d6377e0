"""How many examples property tests try, and which.

The gate tries the same ones each time, so that it tells of the change at hand. `make fuzz` looks
for new ones, `FACTOR` times as many; what it finds becomes an @example of its test.
"""

from __future__ import annotations

import os

from hypothesis import settings

FUZZING = os.environ.get("PYNATS_FUZZ") == "1"
FACTOR = 20
DEFAULT_EXAMPLES = 100


def examples(count: int) -> int:
    """The number of examples of a test that usually tries `count`."""
    return count * FACTOR if FUZZING else count


def load_profile() -> None:
    """Makes this what property tests do that say nothing else."""
    settings.register_profile(
        "pynats",
        # Time limits belong to benchmarks: on a busy machine they only make tests flaky.
        deadline=None,
        derandomize=not FUZZING,
        max_examples=examples(DEFAULT_EXAMPLES),
    )
    settings.load_profile("pynats")
