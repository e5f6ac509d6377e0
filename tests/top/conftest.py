"""A server with everything that can be looked at, and a way to run the two programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KINDS, Cli, Result
from tests.support.client import Client
from tests.support.process import ServerProcess

CONFIG = """
server_name: n1
jetstream { store_dir: "@FOLDER@/store" }
accounts {
  SYS { users [{user: sys, password: sys}] }
  APP { jetstream: enabled, users [{user: app, password: app}] }
}
system_account: SYS
no_auth_user: app
"""
SUBJECTS = {"foo.bar", "foo", "orders.*", "_INBOX.case.>"}  # of `two`
Run = Callable[..., Result]


@pytest.fixture(scope="session", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """It runs with two connections: `one` has made traffic, `two` listens."""
    folder = tmp_path_factory.mktemp(request.param)
    config = CONFIG.replace("@FOLDER@", str(folder))
    with (
        ServerProcess(request.param, folder, config, monitor=True) as process,
        Client(process.port, name="one") as one,
    ):
        stream = b'{"name": "S", "subjects": ["kept.>"]}'
        assert one.request("$JS.API.STREAM.CREATE.S", stream)
        two = Client(process.port, name="two")
        for subject in ("foo.bar", "foo", "orders.*"):
            two.subscribe(subject)
        two.flush()
        for number in range(40):
            one.publish("foo" if number % 2 else "kept.x", b"x" * 100)
        one.flush()
        two.flush()
        yield process
        two.close()


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """`pynats`, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    made = Cli(home)
    yield made
    made.close()


@pytest.fixture
def alone(cli: Cli) -> Run:
    """`pynats-top`."""
    from pynats_top.entry import main

    def run(*arguments: str) -> Result:
        return cli.run(*arguments, program=main)

    return run


def port_of(server: ServerProcess) -> str:
    """The monitoring port."""
    return server.monitor_url.rpartition(":")[2].rstrip("/")
