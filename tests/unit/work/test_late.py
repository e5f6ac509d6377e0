"""What takes long to load is loaded when somebody asks, and not on the loop."""

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
from pynats_server.work import Late, late

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.on_loop import on_loop

S2 = "pynats_common.s2"


class Loader:
    """Which modules were loaded late, and whether that was on the loop's thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loaded: list[tuple[str, bool]] = []
        self.fails = False
        self._loop = threading.get_ident()
        monkeypatch.setattr(late.importlib, "import_module", self._load)
        self._real = importlib.import_module

    def _load(self, name: str, package: str | None = None) -> ModuleType:
        if not name.startswith(("pynats_server.", S2)):
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
async def test_the_first_that_is_packed_with_snappy_waits_for_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
        loader = Loader(monkeypatch)
        got: list[bytes] = []
        account, engine = server.state.system_account, server.state.engine
        account.subscribe(b"in", lambda *message: got.append(message[3]))
        headers = b"NATS/1.0\r\nAccept-Encoding: snappy\r\n\r\n"
        for count in (1, 2):
            account.publish(engine, b"$SYS.REQ.SERVER.PING.VARZ", b"", b"in", headers)
            await wait_until_async(lambda count=count: len(got) == count, "an answer")
        assert got == [b"NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n"] * 2
        assert [each for each in loader.loaded if each[0].endswith(".s2")] == [(S2, False)]
        # Traces have their own.
        server.state.global_account.subscribe(b"in", lambda *message: got.append(message[3]))
        _, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        writer.write(b'CONNECT {"verbose":false,"headers":true}\r\n')
        block = headers[:-2] + b"Nats-Trace-Dest: in\r\n\r\n"
        for count in (3, 4):
            writer.write(b"HPUB x %d %d\r\n%b\r\n" % (len(block), len(block), block))
            await wait_until_async(lambda count=count: len(got) == count, "a trace")
        assert got[2:] == got[:2]
        assert loader.loaded[2:] == [(S2, False)]
        writer.close()


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
    assert found.stdout == b"['pynats_server.monitor.traffic']\n"  # events tell of traffic, too
