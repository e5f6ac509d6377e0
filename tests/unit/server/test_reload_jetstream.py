"""Reloads that switch JetStream, change its limits, or move the files of a running server."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path

import nats.errors
import pytest
from pynats_server.jetstream import enablement
from pynats_server.jetstream.folders import root
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    BatchLimits,
    JetStreamOptions,
    JetStreamServerLimits,
    Options,
)
from pynats_server.server.server import Server

from tests.support.deadline import wait_until_async
from tests.support.jetstream import api, connect, until_free

OFF = JetStreamOptions()


def reload(server: Server, **changed: object) -> bool:
    """Reloads with changed options."""
    options = dataclasses.replace(server.options, **changed)  # type: ignore[arg-type]
    server.load_options = lambda: options
    return server.reload()


async def server_with(jetstream: JetStreamOptions, **more: object) -> Server:
    server = Server(Options(host="127.0.0.1", port=-1, jetstream=jetstream, **more))  # type: ignore[arg-type]
    await server.start()
    return server


def on(folder: Path, **more: object) -> JetStreamOptions:
    return JetStreamOptions(enabled=True, store_dir=folder, **more)  # type: ignore[arg-type]


def test_jetstream_is_switched_off_and_on_with_all_its_messages(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = await server_with(on(tmp_path))
        client = await connect(server.client_url)
        await api(client, "STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
        await client.request("s", b"one")
        assert reload(server, jetstream=OFF)
        with pytest.raises(nats.errors.NoRespondersError):
            await client.request("$JS.API.INFO")
        with pytest.raises(nats.errors.NoRespondersError):
            await client.request("s", b"nobody keeps this")
        await until_free(tmp_path)
        assert reload(server, jetstream=on(tmp_path))
        await client.request("s", b"two")
        info = await api(client, "STREAM.INFO.S")
        assert info["state"]["messages"] == 2
        await client.close()
        await server.shutdown()

    asyncio.run(scenario())


def test_switching_back_at_once_waits_for_the_end_of_the_former(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = await server_with(on(tmp_path))
        client = await connect(server.client_url)
        await api(client, "STREAM.CREATE.S", {"name": "S", "subjects": ["s"]})
        assert reload(server, jetstream=OFF)
        assert reload(server, jetstream=on(tmp_path))
        await wait_until_async(lambda: server.state.jetstream is not None, "JetStream again")
        assert (await api(client, "STREAM.INFO.S"))["state"]["messages"] == 0
        await client.close()
        await server.shutdown()
        await until_free(tmp_path)

    asyncio.run(scenario())


def test_a_shutdown_while_jetstream_is_switched_off_lets_the_folder_go(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = await server_with(on(tmp_path))
        assert reload(server, jetstream=OFF)
        assert reload(server, jetstream=on(tmp_path))
        await server.shutdown()
        root.take(tmp_path).release()

    asyncio.run(scenario())


def too_much(folder: Path) -> dict[str, object]:
    limits = AccountLimits(max_storage=2000)
    return {
        "jetstream": on(folder, max_file=1000),
        "accounts": {"A": AccountOptions(jetstream=limits)},
    }


def unusable(folder: Path) -> dict[str, object]:
    (folder / "file").touch()
    return {"jetstream": on(folder / "file"), "max_payload": 5000}


@pytest.mark.parametrize(
    ("change", "reason"),
    [(too_much, "insufficient storage resources"), (unusable, "is not a directory")],
)
def test_jetstream_that_cannot_start_makes_a_reload_change_nothing(
    change: Callable[[Path], dict[str, object]],
    reason: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def scenario() -> None:
        server = await server_with(OFF)
        before = server.options
        assert not reload(server, **change(tmp_path))
        assert server.options is before
        await server.shutdown()
        root.take(tmp_path).release()

    asyncio.run(scenario())
    assert reason in capfd.readouterr().err


def test_a_reload_is_checked_also_while_jetstream_ends(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        server = await server_with(on(tmp_path))
        assert reload(server, jetstream=OFF)
        before = server.options
        assert not reload(server, **too_much(tmp_path))  # in the same pass of the loop
        assert server.options is before
        report = server.state.last_reload
        assert report is not None and "insufficient storage resources" in report.fault
        await server.shutdown()
        root.take(tmp_path).release()

    asyncio.run(scenario())
    assert "Can't start JetStream" not in capfd.readouterr().err


def test_a_reload_whose_jetstream_does_not_come_back_is_not_told_as_good(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = await server_with(on(tmp_path / "one"))
        (tmp_path / "file").touch()
        assert reload(server, jetstream=OFF)
        assert reload(server, jetstream=on(tmp_path / "file"), max_payload=5000)
        report = server.state.last_reload
        assert report is not None and not report.fault

        def fault() -> str:
            return server.state.last_reload.fault if server.state.last_reload else ""

        await wait_until_async(fault, "the fault")
        assert "is not a directory" in fault()
        assert b'"jetstream"' not in await greeting(server)
        assert "Reloaded: max_payload = 5000" in report.changes
        await server.shutdown()

    asyncio.run(scenario())


def test_jetstream_that_fails_at_its_start_is_not_half_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(tmp_path))

    async def scenario() -> None:
        server = await server_with(OFF)
        with monkeypatch.context() as patched:
            patched.setattr(enablement, "start", fail)
            assert not reload(server, jetstream=on(tmp_path))
        assert server.state.jetstream is None
        report = server.state.last_reload
        assert report is not None and "Can't start JetStream" in report.fault
        assert b'"jetstream"' not in await greeting(server)
        await until_free(tmp_path)
        assert reload(server, jetstream=on(tmp_path))
        assert server.state.jetstream is not None
        assert b'"jetstream":true' in await greeting(server)
        await server.shutdown()
        root.take(tmp_path).release()

    asyncio.run(scenario())


def test_a_system_account_that_is_there_for_jetstream_goes_with_it(tmp_path: Path) -> None:
    def names(server: Server) -> list[str]:
        assert set(server.state.accounts) == {"$G"} or server.state.links_of("$G")[1]
        return sorted(server.state.accounts)

    async def scenario() -> None:
        server = await server_with(OFF, no_system_account=True)
        assert names(server) == ["$G"]
        for _ in range(2):
            assert reload(server, jetstream=on(tmp_path))
            assert names(server) == ["$G", "$SYS"]
            client = await connect(server.client_url)
            told = await client.request("$SYS.REQ.USER.INFO")
            assert b'"account":"$G"' in told.data
            assert reload(server, jetstream=OFF)
            assert names(server) == ["$G"]
            with pytest.raises(nats.errors.NoRespondersError):
                await client.request("$SYS.REQ.USER.INFO")
            await client.close()
            await until_free(tmp_path)
        await server.shutdown()

    asyncio.run(scenario())


async def greeting(server: Server) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    line = await reader.readline()
    writer.close()
    return line


def test_info_tells_new_clients_whether_there_is_jetstream(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = await server_with(OFF)
        assert b'"jetstream"' not in await greeting(server)
        assert reload(server, jetstream=on(tmp_path))
        assert b'"jetstream":true' in await greeting(server)
        assert reload(server, jetstream=OFF)
        assert b'"jetstream"' not in await greeting(server)
        await server.shutdown()

    asyncio.run(scenario())


def test_changed_limits_count_at_once(tmp_path: Path) -> None:
    limits = JetStreamServerLimits(duplicate_window=60.0, batch=BatchLimits(max_inflight_total=7))

    async def scenario() -> None:
        server = await server_with(on(tmp_path))
        client = await connect(server.client_url)
        assert reload(server, jetstream=on(tmp_path, limits=limits))
        long = {"name": "S", "subjects": ["s"], "duplicate_window": 120_000_000_000}
        refused = await api(client, "STREAM.CREATE.S", long)
        assert refused["error"]["err_code"] == 10052
        assert server.state.jetstream is not None
        assert server.state.jetstream.context.atomic_batches.limit == 7
        await client.close()
        await server.shutdown()

    asyncio.run(scenario())


def test_pid_and_ports_files_move_where_a_reload_wants_them(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    async def scenario() -> None:
        server = await server_with(OFF, pid_file=tmp_path / "1", ports_file_dir=tmp_path / "a")
        assert reload(server, pid_file=tmp_path / "2", ports_file_dir=tmp_path / "b")
        assert not (tmp_path / "1").exists()
        assert (tmp_path / "2").read_text()
        assert not list((tmp_path / "a").iterdir())
        (ports,) = (tmp_path / "b").iterdir()
        assert server.client_url in ports.read_text()
        assert reload(server, pid_file=None, ports_file_dir=None)
        assert not (tmp_path / "2").exists()
        assert not ports.exists()
        assert reload(server, pid_file=tmp_path / "no" / "pid", ports_file_dir=tmp_path / "no")
        await server.shutdown()

    asyncio.run(scenario())
