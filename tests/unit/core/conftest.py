"""Fixtures for tests of the data plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_server.core import client


@pytest.fixture(scope="module", autouse=True)
def no_first_ping() -> Iterator[None]:
    """On a busy machine, the server's own PING (two seconds after CONNECT) would appear among the
    compared bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "FIRST_PING_NS", 1 << 60)
        yield
