"""The reference server with JetStream for the tests that ask it, and the one of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.jetstream.reference import Reference, reference_server
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, ServerProcess
from tests.support.records import Recorded


@pytest.fixture
def reference(recorded: Recorded, reference_servers: ServerPool) -> Reference:
    """What the reference says to the questions of this test, from its records as a rule."""
    return Reference(recorded, reference_servers)


@pytest.fixture(scope="session")
def live_reference(reference_servers: ServerPool) -> ServerProcess:
    """The reference itself, for tests marked with `reference`."""
    return reference_server(reference_servers)


@pytest.fixture
def ours(own_jetstream: ServerProcess) -> Iterator[Oracle]:
    """A client of our server; the streams a test made are gone afterwards."""
    with Oracle(own_jetstream.port) as client:
        yield client
        for name in client.api("STREAM.NAMES")["streams"] or []:
            client.api(f"STREAM.DELETE.{name}")


@pytest.fixture(scope="session")
def own_jetstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Our server with JetStream."""
    folder = tmp_path_factory.mktemp("own-publishing")
    config = f'jetstream {{ store_dir: "{folder}/store" }}\n'
    with ServerProcess(PYNATS, folder, config) as server:
        yield server
        assert "rror" not in server.log()
