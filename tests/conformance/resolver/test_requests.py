"""Requests about JWTs of accounts are answered as by the real server, but where that would lose
something."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conformance.resolver.scenes import SCENES, Ask, Scene
from tests.conformance.resolver.servers import play_ours, play_reference
from tests.support.records import Recorded, as_text, difference, repeated


def test_names_are_unique() -> None:
    assert repeated(SCENES) == []
    for scene in SCENES:
        assert repeated(each.name for each in scene.steps if isinstance(each, Ask)) == []


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_answers(scene: Scene, tmp_path: Path, recorded: Recorded) -> None:
    theirs = recorded.of(lambda: asyncio.run(play_reference(scene, tmp_path / "theirs")))
    expected = dict(theirs)
    for step in scene.steps:
        if isinstance(step, Ask) and step.ours is not None:
            assert step.why
            assert theirs[step.name] != step.ours, f"{step.name}: there is no difference any more"
            expected[step.name] = step.ours
    found = asyncio.run(play_ours(scene, tmp_path / "ours", expected))
    assert as_text(found) == as_text(expected), difference(as_text(expected), as_text(found))
