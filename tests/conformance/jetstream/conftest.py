"""One reference server with JetStream for the tests that ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oracle import Oracle
from tests.support.process import REFERENCE, ServerProcess


@pytest.fixture(scope="session")
def reference_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("reference-jetstream")
    config = f'jetstream {{ store_dir: "{folder}/store" }}\n'
    with ServerProcess(REFERENCE, folder, config) as server:
        yield server


@pytest.fixture
def oracle(reference_server: ServerProcess) -> Iterator[Oracle]:
    """A client of that server; the streams a test made are gone afterwards."""
    with Oracle(reference_server.port) as client:
        yield client
        for name in client.api("STREAM.NAMES")["streams"] or []:
            client.api(f"STREAM.DELETE.{name}")
