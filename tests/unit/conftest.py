"""Fixtures for tests of single parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.life import Life


@pytest.fixture
def life() -> Iterator[Life]:
    """An engine driven by hand, that met no bug of ours."""
    life = Life()
    yield life
    life.end()
    assert life.handler.bugs == []
