"""What a connection costs, as long as nobody knows who it is, and when it is quiet."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pynats_server.tls.engine import ENGINES
from pynats_server.tls.engine.library import Unusable

KIB = 1024


@pytest.mark.parametrize("name", ENGINES)
def test_a_connection_is_small(name: str) -> None:
    try:
        ENGINES[name]()
    except Unusable as fault:
        pytest.skip(str(fault))
    told = subprocess.run(
        [sys.executable, "-m", "tests.support.tls_memory", name, "40"],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert found["silent"] < 4 * KIB, found
    assert found["half"] < 8 * KIB, found  # all but the last byte of a hello
    assert found["begun"] < 64 * KIB, found
    assert found["idle"] < 36 * KIB, found
