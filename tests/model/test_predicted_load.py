"""Everything that random commands bring about is what the model says.

`make model` plays for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.episodes import CONFIG, play_episode, shorten
from tests.support.process import PYNATS, REFERENCE, ServerProcess, lasting_port

LENGTH = 500


def plays_as_predicted(kind: str, folder: Path, seed: str) -> None:
    with ServerProcess(kind, folder, CONFIG, port=lasting_port()) as server:
        ending = play_episode(server, seed, range(LENGTH))
        assert len(ending.chosen) == LENGTH or ending.why
        if ending.why:
            pytest.fail(shorten(server, ending).told())


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e", "f"])
def test_random_load_goes_as_the_model_predicts(tmp_path: Path, seed: str) -> None:
    plays_as_predicted(PYNATS, tmp_path, seed)


@pytest.mark.reference
@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e", "f"])
def test_the_model_is_right_about_the_reference(tmp_path: Path, seed: str) -> None:
    plays_as_predicted(REFERENCE, tmp_path, seed)
