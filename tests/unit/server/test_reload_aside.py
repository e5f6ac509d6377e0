"""A reload reads its file in a thread: clients are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pynats_server import AccountOptions, JetStreamOptions, LogOptions, Options, Server
from pynats_server.server.jetstream_life import JetStreamLife
from pynats_server.settings import SettingsError

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import connect
from tests.support.on_loop import on_loop


class SlowFile:
    """A configuration that is read when the test says so."""

    def __init__(self) -> None:
        self.readers: list[int] = []
        self.may_end = threading.Semaphore(0)
        self.max_payload = 0
        self.log = LogOptions()

    def load(self) -> Options:
        self.readers.append(threading.get_ident())
        assert self.may_end.acquire(timeout=PATIENCE_S)
        if not self.max_payload:
            raise SettingsError("no good")
        options = Options(host="127.0.0.1", port=-1)
        options.max_payload = self.max_payload
        options.log = self.log
        return options


@on_loop
async def test_clients_are_served_while_a_configuration_is_read() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        server.load_options = file.load
        client = await connect(server.client_url)
        file.max_payload = 4321
        reloads = [asyncio.ensure_future(server.reload_aside()) for _ in range(2)]
        await wait_until_async(lambda: file.readers, "reading")
        await client.flush()
        assert server.options.max_payload != 4321
        file.may_end.release()
        assert await reloads[0] == ""
        assert server.options.max_payload == 4321
        file.may_end.release()
        assert await reloads[1] == ""  # one after the other
        assert threading.get_ident() not in file.readers
        await client.close()


@on_loop
async def test_a_reload_that_comes_in_between_counts() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        server.load_options = file.load
        file.max_payload = 4321
        slow = asyncio.ensure_future(server.reload_aside())
        await wait_until_async(lambda: file.readers, "reading")
        server.load_options = lambda: replace(Options(host="127.0.0.1", port=-1), ping_max=7)
        assert server.reload()
        assert server.options.ping_max == 7
        file.may_end.release()
        assert await slow == ""
        assert (server.options.max_payload, server.options.ping_max) == (4321, 2)
        report = server.state.last_reload
        assert report is not None
        assert "Reloaded: ping_max = 2" in report.changes


@on_loop
async def test_a_wrong_file_changes_nothing_when_it_is_read_in_a_thread() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        server.load_options = file.load
        before = server.options
        file.may_end.release()
        assert await server.reload_aside() != ""
        assert server.options is before


@on_loop
async def test_a_server_that_stops_while_a_configuration_is_read_stops() -> None:
    server = Server(Options(host="127.0.0.1", port=-1))
    await server.start()
    file = SlowFile()
    file.max_payload = 4321
    server.load_options = file.load
    reload = asyncio.ensure_future(server.reload_aside())
    await wait_until_async(lambda: file.readers, "reading")
    await server.shutdown()
    file.may_end.release()
    assert await reload == "the server is not running"


@on_loop
async def test_what_a_reload_has_opened_for_a_server_that_stops_is_closed(tmp_path: Path) -> None:
    server = Server(Options(host="127.0.0.1", port=-1))
    await server.start()
    file = SlowFile()
    file.max_payload = 4321
    file.log = LogOptions(log_file=tmp_path / "log")
    server.load_options = file.load
    before = open_files()
    reload = asyncio.ensure_future(server.reload_aside())
    await wait_until_async(lambda: file.readers, "reading")
    stopped = asyncio.ensure_future(server.shutdown())
    await wait_until_async(lambda: not server.ready, "its end")
    file.may_end.release()
    await asyncio.gather(reload, stopped)
    assert reload.result() == "the server is not running"
    assert not open_files() - before
    assert not (tmp_path / "log").exists()


@on_loop
async def test_a_reload_goes_on_when_nobody_waits_for_it_any_more() -> None:
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        file = SlowFile()
        file.max_payload = 4321
        server.load_options = file.load
        reload = asyncio.ensure_future(server.reload_aside())
        await wait_until_async(lambda: file.readers, "reading")
        reload.cancel()
        await asyncio.wait([reload])
        file.may_end.release()
        await wait_until_async(lambda: server.options.max_payload == 4321, "the reload")


@on_loop
async def test_a_fault_of_ours_in_a_reload_is_told_and_changes_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def load() -> Options:
        raise RecursionError("too deep")

    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        before = server.options
        server.load_options = load
        told = "internal error, please report: RecursionError('too deep')"
        assert await server.reload_aside() == told
        assert server.options is before
        report = server.state.last_reload
        assert report is not None
        assert report.document() == {"applied": False, "changes": [], "error": told}
    assert f"Failed to reload server configuration: {told}" in capfd.readouterr().err


@on_loop
async def test_what_one_part_fails_at_does_not_keep_the_others_from_a_reload(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("x")

    def options(*accounts: str) -> Options:
        named = {name: AccountOptions() for name in accounts}
        return Options(host="127.0.0.1", port=-1, max_payload=100 * len(named), accounts=named)

    async with Server(options("A", "B")) as server:
        client = await connect(server.client_url)
        monkeypatch.setattr(JetStreamLife, "follow", fail)
        server.load_options = lambda: options("A")
        told = "JetStream: internal error, please report: KeyError('x')"
        assert await server.reload_aside() == told
        assert "B" not in server.state.accounts
        (limit,) = [client.max_payload for client in server.state.clients()]
        assert limit == 100
        report = server.state.last_reload
        assert report is not None
        assert report.fault == told
        assert "Reloaded: max_payload = 100" in report.changes
        await client.close()
    assert f"Reloaded, but not all of it: {told}" in capfd.readouterr().err


@on_loop
async def test_a_reload_that_is_refused_leaves_no_new_log(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with Server(Options(host="127.0.0.1", port=-1)) as server:
        unusable = JetStreamOptions(enabled=True, store_dir=tmp_path / "file")
        log = LogOptions(log_file=tmp_path / "log")
        server.load_options = lambda: replace(server.options, jetstream=unusable, log=log)
        assert "is not a directory" in await server.reload_aside()
        assert not (tmp_path / "log").exists()


def open_files() -> set[str]:
    """What this process has open, by what the system calls it."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return {place for place in found if place.startswith("/") and not place.startswith("/dev/")}
