"""One server and one user for each walkthrough."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import KINDS, Cli, url_of
from tests.cli.walkthroughs.lines import User
from tests.support.process import ServerProcess


@pytest.fixture(scope="module", params=KINDS)
def walked_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """The server of a module, with the module's CONFIG."""
    config = getattr(request.module, "CONFIG", "jetstream { store_dir: @FOLDER@/store }")
    with ServerProcess(request.param, tmp_path_factory.mktemp("walk"), config) as process:
        yield process


@pytest.fixture
def user(
    request: pytest.FixtureRequest,
    walked_server: ServerProcess,
    make_cli: Callable[[str], Cli],
    monkeypatch: pytest.MonkeyPatch,
) -> User:
    """Somebody at the server, in a folder of their own. NATS_URL names the server, but not
    with NAMES_SERVER = False in the module."""
    named = getattr(request.module, "NAMES_SERVER", True)
    cli = make_cli(url_of(walked_server) if named else "")
    monkeypatch.chdir(cli.home)
    return User(cli, walked_server.port)
