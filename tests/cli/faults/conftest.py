"""What the command lines of `lines.py` need: files, and a store of identities."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.faults.lines import LINES
from tests.cli.faults.peer import FailingServer
from tests.cli.faults.runs import Runs

DOCUMENTS = (
    "file", "keys", "seed", "server.conf", "apply.json", "errors.json",
)  # fmt: skip


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in DOCUMENTS:
        (folder / name).write_text("{}")
    for backup in (folder / "stream", folder / "account" / "S"):
        backup.mkdir(parents=True)
        meta = {"config": {"name": "S", "subjects": ["s"]}, "state": {"messages": 1, "bytes": 1}}
        (backup / "backup.json").write_text(json.dumps(meta))
        (backup / "stream.tar.s2").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def imported() -> Iterator[None]:
    """What a forked process would import again, and objects it would copy."""
    for line in LINES.values():
        line.command.options()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def make_runs(make_cli: Callable[[str], Cli], files: Path, imported: None) -> Callable[..., Runs]:
    """Runs against a server."""

    def make(url: str, *extra: str) -> Runs:
        return Runs(make_cli(url), files, extra)

    return make


@pytest.fixture(scope="session")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingServer]:
    with FailingServer(tmp_path_factory.mktemp("failing")) as server:
        yield server
