"""Options and fixtures shared by the suites that drive server processes."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

from tests.support import process
from tests.support.fuzzing import load_profile
from tests.support.loop_errors import LoopErrors, heard
from tests.support.pool import ServerPool
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import CHECK, RECORD, REPLAY, Recorded, RecordFile

load_profile()
# Of property tests only a hang reaches it, however busy the machine and its disk are: an example
# that a time limit ends is one that passes when it is tried again, and is called flaky.
PROPERTY_TIMEOUT_S = 900
_CASES = pytest.StashKey[dict[Path, set[str]]]()  # of modules that were collected as a whole


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server-under-test",
        choices=(PYNATS, REFERENCE),
        default=PYNATS,
        help="what conformance suites compare with the reference; `reference` compares it with "
        "a second instance of itself, which proves that the comparison is fair",
    )
    asked = parser.getgroup("reference")
    asked.addoption("--record", action="store_true", help="ask the reference, write its answers")
    asked.addoption(
        "--reference",
        action="store_true",
        help="ask the reference: records must be what it says, and tests that need it run",
    )
    parser.addoption(
        "--renew-screens", action="store_true", help="store the screens of `pynats top` as they are"
    )


def _mode(config: pytest.Config) -> str:
    if config.getoption("--record"):
        return RECORD
    return CHECK if config.getoption("--reference") else REPLAY


def pytest_configure(config: pytest.Config) -> None:
    process.reference_allowed = (
        _mode(config) != REPLAY or config.getoption("--server-under-test") == REFERENCE
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: hundreds of megabytes, which the collector of garbage
    would go through again and again while tests run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps what the mode is about: cases with records, or those that need no reference."""
    cases: dict[Path, set[str]] = {}
    if not any("::" in arg for arg in config.args):
        for item in items:
            cases.setdefault(item.path, set()).add(item.name)
    config.stash[_CASES] = cases
    mode = _mode(config)

    def wanted(item: pytest.Item) -> bool:
        needs_reference = item.get_closest_marker("reference") is not None
        has_records = "recorded" in getattr(item, "fixturenames", ())
        if mode == REPLAY:
            return not needs_reference or process.reference_allowed
        return has_records or (needs_reference and mode == CHECK)

    dropped = [item for item in items if not wanted(item)]
    if dropped:
        items[:] = [item for item in items if wanted(item)]
        config.hook.pytest_deselected(items=dropped)
    if config.getoption("timeout", None) is None:
        for item in items:
            if is_hypothesis_test(getattr(item, "obj", None)):
                item.add_marker(pytest.mark.timeout(PROPERTY_TIMEOUT_S))


@pytest.fixture
def record_version() -> Callable[[], str]:
    """Who gives the answers, for the head of the file; asked only when one is written."""
    return process.reference_version


@pytest.fixture
def recorded(
    request: pytest.FixtureRequest, record_version: Callable[[], str]
) -> Iterator[Recorded]:
    """The reference's answers to this case, from its record as a rule."""
    path: Path = request.node.path
    file = RecordFile.of_module(path)
    config = request.config
    cases = config.stash[_CASES].get(path)
    mode = _mode(config)
    if cases is not None:
        file.drop_stale(cases, mode)
    whole = cases is not None and not (config.option.keyword or config.option.markexpr)
    recorded = Recorded(file, request.node.name, mode, record_version, whole)
    failed_before = request.session.testsfailed
    yield recorded
    recorded.end(passed=request.session.testsfailed == failed_before)


@pytest.fixture(scope="session")
def loop_errors_of_session() -> Iterator[LoopErrors]:
    with heard() as errors:
        yield errors
        gc.collect()  # some errors are reported only when a task is destroyed
        assert errors.take() == []


@pytest.fixture(autouse=True)
def loop_errors(loop_errors_of_session: LoopErrors) -> Iterator[LoopErrors]:
    """Fails a test if an event loop reports an error, unless the test takes the error itself."""
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


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """For sweeps, which make thousands of small folders: a folder in memory if the system has one,
    else `tmp_path`."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="store-sweep-", dir=memory) as name:
        yield Path(name)
