"""The servers on which rows are played, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.conformance.consumers.playing import Plays
from tests.conformance.consumers.rows import ROWS


@pytest.fixture(scope="session")
def transcripts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], str]]:
    """The transcript of a row on servers of a kind. Once one is asked for, all rows that will be
    are played."""
    names = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [spec.params["row"] for spec in names if spec is not None and "row" in spec.params]
    wanted = [name for name in wanted if name in ROWS]
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    plays: dict[str, Plays] = {}

    def transcript(kind: str, name: str) -> str:
        if kind not in plays:
            folder = tmp_path_factory.mktemp(f"consumers-{kind}")
            one = Plays(kind, ROWS, wanted, shared / f"consumer-rows-{kind}", folder)
            plays[kind] = one.__enter__()
        return plays[kind].transcript(name)

    try:
        yield transcript
    finally:
        for one in plays.values():
            one.__exit__()
