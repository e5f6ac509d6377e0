"""Health of a server in lame duck mode: not ready, in every form of the question."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.monitor.scene import Scene
from tests.conformance.monitor.twins import Twins, text_of
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess
from tests.support.records import Recorded

CONFIG = """
server_name: "scene"
jetstream { store_dir: "@FOLDER@/store" }
"""
FORMS = [
    "",
    "?js-enabled=true",
    "?js-enabled-only=true",
    "?js-server-only=true",
    "?js-meta-only=true",
    "?details=true",
    "?js-enabled-only=1&details=1",
    "?js-server-only=1&details=1",
    "?account=$G",
    "?account=$G&stream=S",
    "?account=$G&stream=S&consumer=c&details=1",
    "?stream=S",
    "?js-enabled-only=x",
]


def enter_lame_duck(server: ServerProcess, stack: ExitStack) -> None:
    """A client keeps the server, so that it can be asked."""
    stack.callback(server.kill)  # stopped, it would see its grace period through
    scene = Scene(server)
    stack.callback(scene.close)
    scene.clients.append(scene.connect({}))
    server.signal(signal.SIGUSR2)
    wait_until(lambda: "Entering lame duck mode" in server.log(), "lame duck mode")


@pytest.fixture(scope="module")
def servers(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    with Twins(kind_under_test, tmp_path_factory.mktemp("lame"), CONFIG, enter_lame_duck) as twins:
        yield twins


@pytest.mark.parametrize("form", FORMS)
def test_a_lame_duck_is_not_ready(form: str, servers: Twins, recorded: Recorded) -> None:
    servers.compare(recorded, text_of(f"/healthz{form}"))
