"""Options and fixtures shared by the suites that drive server processes."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.support.fuzzing import load_profile
from tests.support.loop_errors import LoopErrors, heard
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, REFERENCE

load_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server-under-test",
        choices=(PYNATS, REFERENCE),
        default=PYNATS,
        help="what conformance suites compare with the reference; `reference` compares it with "
        "a second instance of itself, which proves that the comparison is fair",
    )


@pytest.fixture(scope="session")
def loop_errors_of_session() -> Iterator[LoopErrors]:
    with heard() as errors:
        yield errors
        gc.collect()  # what is found only when a task is destroyed
        assert errors.take() == []


@pytest.fixture(autouse=True)
def loop_errors(loop_errors_of_session: LoopErrors) -> Iterator[LoopErrors]:
    """Fails a test in which an event loop complained; who provokes that takes the complaints."""
    yield loop_errors_of_session
    assert loop_errors_of_session.take() == []


@pytest.fixture(scope="session")
def kind_under_test(request: pytest.FixtureRequest) -> str:
    """PYNATS, unless the suite is asked to compare the reference with itself."""
    kind: str = request.config.getoption("--server-under-test")
    return kind


@pytest.fixture(scope="session")
def reference_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPool]:
    """Reference servers, one per configuration, started on first use."""
    with ServerPool(REFERENCE, tmp_path_factory.mktemp("reference")) as pool:
        yield pool


@pytest.fixture(scope="session")
def servers_under_test(
    kind_under_test: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerPool]:
    """Our servers, one per configuration, started on first use.

    At the end of the session all of them must still run and have a clean log.
    """
    with ServerPool(kind_under_test, tmp_path_factory.mktemp("ours")) as pool:
        yield pool
        pool.assert_healthy()
