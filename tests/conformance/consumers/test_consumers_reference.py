"""Every row: our transcript is the recorded one of the reference."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.consumers.differences import as_ours
from tests.conformance.consumers.rows import ROWS
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import REPLAY, Recorded, difference


@pytest.mark.parametrize("row", ROWS)
def test_row(
    row: str,
    recorded: Recorded,
    kind_under_test: str,
    transcripts: Callable[[str, str], str],
) -> None:
    theirs = recorded.of(lambda: transcripts(REFERENCE, row))
    assert "\n! " not in theirs, f"the row itself is wrong:\n{theirs}"
    if recorded.mode != REPLAY:
        return  # the reference was asked now; ours is compared with its records
    ours = transcripts(kind_under_test, row)
    expected = as_ours(row, theirs) if kind_under_test == PYNATS else theirs
    if ours != expected:
        pytest.fail(difference(expected, ours), pytrace=False)
