"""Our programs, and programs in Python, in forks of a process that has loaded what they import.

A page's ports are put in by the harness, but for those that it does not write: the defaults.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client
from pynats_cli.connect.session import Session
from pynats_common.network import urls
from pynats_server import Options
from pynats_server.settings import top_level
from pynats_top import addresses

from tests.cli.inside import as_a_process
from tests.docs.stub import CLIENTS, MONITORING, READY

for _module in (
    "pynats_server.__main__", "pynats_server.server.server", "pynats_server.threaded",
    "pynats_top.standalone", "pynsc.entry", "pynk.entry", "pynats_cli.app", "typer.main",
    "rich._emoji_codes",
):  # fmt: skip
    import_module(_module)

ENTRIES = {
    "pynats": "pynats_cli.entry",
    "pynats-server": "pynats_server.entry",
    "pynats-top": "pynats_top.entry",
    "pynk": "pynk.entry",
    "pynsc": "pynsc.entry",
}


def main() -> None:
    """Becomes the program that `sys.argv` names."""
    _take_default_ports(int(os.environ[CLIENTS]), int(os.environ[MONITORING]))
    _say_when_ready(Path(os.environ[READY]))
    name = sys.argv[0]
    if name in ENTRIES:
        as_a_process(import_module(ENTRIES[name]).main)
    del sys.argv[0]
    program = sys.argv[0]
    sys.path[0] = str(Path(program).parent.resolve())
    os.umask(0o022)
    runpy.run_path(program, run_name="__main__")


def _take_default_ports(clients: int, monitoring: int) -> None:
    urls.DEFAULT_URL = f"nats://127.0.0.1:{clients}"
    urls.DEFAULT_PORTS.update(nats=clients, tls=clients)
    top_level.DEFAULT_PORT = clients  # type: ignore[attr-defined]
    addresses.HTTP_PORT = monitoring  # type: ignore[misc]
    _change_default(addresses.monitoring_url, 8222, monitoring)
    _change_default(Options.__init__, 4222, clients)
    for connect in (nats.connect, Client.connect):  # noqa: TID251
        _change_default(connect, "nats://localhost:4222", f"nats://localhost:{clients}")


def _change_default(function: Any, old: object, new: object) -> None:
    defaults = function.__defaults__ or ()
    if old not in defaults:
        raise LookupError(f"{function} has no default {old}")
    function.__defaults__ = tuple(
        new if value == old and type(value) is type(old) else value for value in defaults
    )


def _say_when_ready(file: Path) -> None:
    """Who waits for messages checks its session first: from then on it misses nothing."""
    check = Session.check

    async def checked(session: Session) -> None:
        await check(session)
        file.touch()

    Session.check = checked  # type: ignore[method-assign, assignment]
