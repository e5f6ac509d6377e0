"""Every row of buckets and object stores: our transcript is the recorded one of the reference."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.stores.rows import ROWS
from tests.support.process import REFERENCE
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
    if ours != theirs:
        pytest.fail(difference(theirs, ours), pytrace=False)
