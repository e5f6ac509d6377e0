"""Monitoring is loaded when somebody asks, and not on the loop."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import threading
from types import ModuleType

import pytest
from pynats_server import Options, Server
from pynats_server.system import late
from pynats_server.system.late import Late

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.on_loop import on_loop


class Loader:
    """Which modules were loaded late, and whether that was on the loop's thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loaded: list[tuple[str, bool]] = []
        self.fails = False
        self._loop = threading.get_ident()
        monkeypatch.setattr(late.importlib, "import_module", self._load)
        self._real = importlib.import_module

    def _load(self, name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("pynats_server."):
            return self._real(name, package)
        self.loaded.append((name, threading.get_ident() == self._loop))
        if self.fails:
            raise ImportError("gone")
        return sys.modules[__name__]


@on_loop
async def test_the_first_request_waits_for_a_thread_and_the_next_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
        loader = Loader(monkeypatch)
        answers: list[bytes] = []
        account = server.state.system_account
        account.subscribe(b"in", lambda *message: answers.append(message[4]))
        for count in (1, 2, 3):
            account.publish(server.state.engine, b"$SYS.REQ.SERVER.PING.IDZ", b"", b"in")
            await wait_until_async(lambda count=count: len(answers) == count, "an answer")
        assert loader.loaded == [("pynats_server.system.services.answering", False)]
        assert json.loads(answers[0])["id"] == server.id


@on_loop
async def test_figures_are_told_when_a_thread_has_loaded_what_knows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
        assert server.events._pace is not None
        server.events._pace.stop()
        loader = Loader(monkeypatch)
        server.events.tell_figures()
        assert loader.loaded == []  # nobody listens
        told: list[bytes] = []
        server.state.system_account.subscribe(
            b"$SYS.SERVER.*.STATSZ", lambda account, subject, *rest: told.append(subject)
        )
        for count in (1, 2):
            server.events.tell_figures()
            await wait_until_async(lambda count=count: len(told) == count, "the figures")
        assert loader.loaded == [("pynats_server.system.statsz", False)]


@on_loop
async def test_what_can_not_be_loaded_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Loader(monkeypatch)
    loader.fails = True
    module = Late("pynats_server.x")
    first = module.load()
    assert module.load() is first
    with pytest.raises(ImportError):
        await first
    assert not module.is_there
    loader.fails = False
    await asyncio.wait_for(module.load(), PATIENCE_S)
    assert module.is_there
    assert len(loader.loaded) == 2


def test_documents_need_no_http() -> None:
    program = (
        "import sys, pynats_server.system.statsz, pynats_server.system.services.answering\n"
        "print([name for name in sys.modules if name.startswith('pynats_server.monitor.serving')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout == b"[]\n"


def test_a_server_loads_no_documents() -> None:
    program = (
        "import sys, pynats_server.server.server\n"
        "print([name for name in sys.modules if name.startswith('pynats_server.monitor.')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout == b"[]\n"
