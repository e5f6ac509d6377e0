"""Who answers when scenes are recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.support import process


@pytest.fixture
def record_version() -> Callable[[], str]:
    """The tool and its server."""

    def asked() -> str:
        program = os.environ.get("NATS_REFERENCE_CLI") or shutil.which("nats") or "nats"
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        return f"nats {done.stdout.strip()} with {process.reference_version()}"

    return asked
