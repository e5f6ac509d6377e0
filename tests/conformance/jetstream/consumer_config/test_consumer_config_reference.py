"""Consumer configurations: our answers against the real server's, word for word."""

from __future__ import annotations

import pytest

from tests.conformance.jetstream.consumer_config.asking import asked, decided, with_ours
from tests.conformance.jetstream.consumer_config.case import Case
from tests.conformance.jetstream.consumer_config.rows_create import CREATE_CASES
from tests.conformance.jetstream.consumer_config.rows_pairs import PAIR_CASES
from tests.conformance.jetstream.consumer_config.rows_update import UPDATE_CASES
from tests.conformance.jetstream.reference import Reference

CASES = (*CREATE_CASES, *PAIR_CASES, *UPDATE_CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_answers(case: Case, reference: Reference) -> None:
    theirs = reference.of(lambda oracle: asked(case, oracle))
    assert decided(case) == with_ours(case, theirs)
