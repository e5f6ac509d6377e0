"""Fixtures of the benchmarks' tests."""

from __future__ import annotations

import pytest

from tests.support.pool import ServerPool
from tests.unit.bench.stored import CONFIG, Stored


@pytest.fixture(
    params=["servers_under_test", pytest.param("reference_servers", marks=pytest.mark.reference)]
)
def stored(request: pytest.FixtureRequest) -> Stored:
    """A server with JetStream: ours, and the real one where it may be asked."""
    pool: ServerPool = request.getfixturevalue(request.param)
    return Stored(pool.get("bench-stored", CONFIG).port)
