"""The servers on which rows are played, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conformance.consumers.playing import transcripts_of
from tests.conformance.stores.rows import ROWS


@pytest.fixture(scope="session")
def transcripts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], str]]:
    """The transcript of a row on servers of a kind."""
    with transcripts_of(ROWS, "stores", request, tmp_path_factory) as transcript:
        yield transcript
