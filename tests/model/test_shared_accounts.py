"""Who gets what where accounts share is what the model says.

`python -m tests.model.sharing.run` plays for as long as one likes, against either server.
"""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

import pytest

from tests.model.sharing.run import play_topologies
from tests.support.fuzzing import FUZZING
from tests.support.process import PYNATS, REFERENCE, ServerProcess

MESSAGES = 6000
FUZZED = 1_000_000


@pytest.mark.parametrize("seed", [str(SystemRandom().random())] if FUZZING else ["a", "b", "c"])
def test_messages_go_where_the_model_says(tmp_path: Path, seed: str) -> None:
    with ServerProcess(PYNATS, tmp_path, "accounts {}") as server:
        assert play_topologies(server, seed, FUZZED if FUZZING else MESSAGES)


@pytest.mark.reference
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_the_model_is_right_about_the_reference(tmp_path: Path, seed: str) -> None:
    with ServerProcess(REFERENCE, tmp_path, "accounts {}") as server:
        assert play_topologies(server, seed, MESSAGES)
