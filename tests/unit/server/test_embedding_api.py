"""What a program that embeds the server relies on: one life in order, options by type, a log of its
own, public names, and fixtures that cost nothing to others."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pynats_server as public
import pytest
from pynats_server import (
    AccountOptions,
    Hello,
    JetStreamOptions,
    LogOptions,
    Options,
    Refusal,
    Server,
    ServerError,
    SettingsError,
    ThreadedServer,
    User,
    Verdict,
)
from pynats_server.pytest_plugin import Factory

from tests.support.deadline import PATIENCE_S, next_turn, wait_until
from tests.support.process import lasting_port
from tests.support.raw import RawClient


def local(port: int = -1, **settings: Any) -> Server:
    return Server(Options(host="127.0.0.1", port=port, **settings), log=None)


async def answers(server: Server) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    try:
        return (await reader.readline()).startswith(b"INFO ")
    finally:
        writer.close()
        await writer.wait_closed()


# -- one life -----------------------------------------------------------------------------------

Steps = Callable[[Server], Awaitable[None]]


async def shut_down_before_start(server: Server) -> None:
    await server.shutdown()
    await server.wait_stopped()


async def start_after_shutdown(server: Server) -> None:
    await server.shutdown()
    with pytest.raises(ServerError, match="stopped already"):
        await server.start()


async def start_twice(server: Server) -> None:
    await server.start()
    with pytest.raises(ServerError, match="started already"):
        await server.start()
    assert await answers(server)  # the listener is alive


async def start_twice_at_once(server: Server) -> None:
    results = await asyncio.gather(server.start(), server.start(), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), ServerError]
    assert await answers(server)


async def start_inside_its_context(server: Server) -> None:
    async with server:
        with pytest.raises(ServerError, match="started already"):
            await server.start()
        assert await answers(server)


async def enter_a_second_time(server: Server) -> None:
    async with server:
        pass
    with pytest.raises(ServerError, match="stopped already"):
        await server.__aenter__()


async def shut_down_twice(server: Server) -> None:
    await server.start()
    await server.shutdown()
    await server.shutdown()


async def shut_down_twice_at_once(server: Server) -> None:
    await server.start()
    await asyncio.gather(server.shutdown(), server.shutdown(), server.wait_stopped())


async def shut_down_inside_its_context(server: Server) -> None:
    async with server:
        await server.shutdown()


async def shut_down_from_a_cancelled_task(server: Server) -> None:
    """The shutdown goes on to its end, and nobody waits for ever."""
    await server.start()
    task = asyncio.ensure_future(server.shutdown())
    await next_turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.shutdown()


async def shut_down_while_it_starts(server: Server) -> None:
    starting = asyncio.ensure_future(server.start())
    await next_turn()
    await server.shutdown()
    await starting
    assert not server.ready


async def cancel_the_start(server: Server) -> None:
    starting = asyncio.ensure_future(server.start())
    await next_turn()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)


async def fail_in_its_context(server: Server) -> None:
    with pytest.raises(ZeroDivisionError):
        async with server:
            raise ZeroDivisionError


async def lame_duck_before_start(server: Server) -> None:
    with pytest.raises(ServerError, match="not started"):
        server.enter_lame_duck()
    await server.start()
    assert await answers(server)


async def lame_duck_then_shutdown(server: Server) -> None:
    await server.start()
    server.enter_lame_duck()
    server.enter_lame_duck()
    await server.shutdown()


async def reload_outside_its_life(server: Server) -> None:
    assert not server.reload()
    await server.start()
    await server.shutdown()
    assert not server.reload()
    server.reopen_log()


async def ask_for_its_address_before_start(server: Server) -> None:
    assert (server.client_port, server.monitor_url, server.ready) == (0, "", False)
    with pytest.raises(ServerError, match="not started"):
        _ = server.client_url
    assert "Server" in repr(server)


LIVES: tuple[Steps, ...] = (
    shut_down_before_start, start_after_shutdown, start_twice, start_twice_at_once,
    start_inside_its_context, enter_a_second_time, shut_down_twice, shut_down_twice_at_once,
    shut_down_inside_its_context, shut_down_from_a_cancelled_task, shut_down_while_it_starts,
    cancel_the_start, fail_in_its_context, lame_duck_before_start, lame_duck_then_shutdown,
    reload_outside_its_life, ask_for_its_address_before_start,
)  # fmt: skip


@pytest.mark.parametrize("steps", LIVES, ids=lambda steps: steps.__name__)
@pytest.mark.parametrize("everything", [False, True], ids=["plain", "everything"])
def test_every_order_of_calls_works_or_is_refused(
    steps: Steps, everything: bool, tmp_path: Path
) -> None:
    """No tasks, sockets or files are left, whatever the order; nothing waits for ever."""

    async def life() -> None:
        before = asyncio.all_tasks()
        port = lasting_port()
        store = JetStreamOptions(enabled=True, store_dir=tmp_path)
        server = (
            local(port, http_host="127.0.0.1", http_port=-1, jetstream=store)
            if everything
            else local(port)
        )
        await steps(server)
        await server.shutdown()
        await server.wait_stopped()
        assert not server.ready
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await next_turn()
        assert asyncio.all_tasks() == before

    asyncio.run(asyncio.wait_for(life(), PATIENCE_S))


# -- options by type ----------------------------------------------------------------------------


def streams(**settings: Any) -> Options:
    return Options(jetstream=JetStreamOptions(**settings))


WRONG = (
    (Options(port="4222"), "port: expected int, got str"),
    (Options(port=True), "port: expected int, got bool"),
    (Options(host=None), "host: expected str, got None"),
    (Options(port=object()), "port: expected int, got an object"),
    (Options(pid_file=5), "pid_file: expected path, got int"),
    (Options(ping_interval="2m"), "ping_interval: expected float, got str"),
    (Options(jetstream=True), "jetstream: expected an object, got bool"),
    (streams(enabled="yes"), "jetstream.enabled: expected bool, got str"),
    (streams(cipher="rot13"), "jetstream.cipher: invalid enum value 'rot13'"),
    (Options(log=None), "log: expected an object, got None"),
    (
        Options(accounts={"A": AccountOptions(users=[User("ann", password=5)])}),
        "accounts.users[0].password: expected str, got int",
    ),
    (Options(port=70000), "port must be a port between -1 and 65535, got 70000"),
)  # fmt: skip


@pytest.mark.parametrize(("options", "error"), WRONG, ids=[text for _, text in WRONG])
def test_an_option_of_the_wrong_type_is_named(options: Options, error: str) -> None:
    with pytest.raises(ServerError) as raised:
        Server(options)
    assert str(raised.value) == error


def test_paths_may_be_strings(tmp_path: Path) -> None:
    options = Options(
        host="127.0.0.1", port=-1, pid_file=f"{tmp_path}/pid", ports_file_dir=str(tmp_path),
        jetstream=JetStreamOptions(enabled=True, store_dir=f"{tmp_path}/js"),
        log=LogOptions(log_file=f"{tmp_path}/log"),
    )  # fmt: skip

    async def life() -> None:
        async with Server(options) as server:
            assert (tmp_path / "pid").exists() and len(list(tmp_path.glob("*.ports"))) == 1
            assert server.options.pid_file == tmp_path / "pid"
        assert "Server is ready" in (tmp_path / "log").read_text()
        assert (tmp_path / "js" / "jetstream").is_dir()

    asyncio.run(life())


def test_a_server_keeps_its_own_copy_of_the_options() -> None:
    options = Options(host="127.0.0.1", port=-1)
    server = Server(options, log=None)
    options.accounts["LATE"] = AccountOptions()
    options.jetstream.enabled = True
    assert server.options == Options(host="127.0.0.1", port=-1)


def test_options_are_loaded_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "nats.conf"
    file.write_text('port: $PORT\nhttp: "127.0.0.1:-1"\nmax_payload: 2KB\n')
    options = Options.load(str(file), environ={"PORT": "-1"})
    assert (options.port, options.http_port, options.max_payload) == (-1, -1, 2048)
    file.write_text("port: 4222\nprot: 1\n")
    with pytest.raises(SettingsError, match=r"nats\.conf:2:1: .*prot"):
        Options.load(file)


# -- the log ------------------------------------------------------------------------------------


def lines_of(log: Any, capfd: pytest.CaptureFixture[str]) -> str:
    """What a server's life writes to standard error. It has something to warn about."""

    async def life() -> None:
        async with Server(
            Options(host="127.0.0.1", port=-1, max_payload=9 << 20, lame_duck_duration=60.0),
            log=log,
        ) as server:
            server.log.error("an error")
            server.log.debug("a detail")

    asyncio.run(life())
    return capfd.readouterr().err


@pytest.mark.parametrize(
    ("log", "kinds"),
    [
        ("debug", {"[DBG]", "[INF]", "[WRN]", "[ERR]"}),
        ("INFO", {"[INF]", "[WRN]", "[ERR]"}),
        (logging.INFO, {"[INF]", "[WRN]", "[ERR]"}),
        ("warning", {"[WRN]", "[ERR]"}),
        (logging.ERROR, {"[ERR]"}),
        ("critical", set()),
        (None, set()),
    ],
)
def test_a_level_says_what_is_logged(
    log: Any, kinds: set[str], capfd: pytest.CaptureFixture[str]
) -> None:
    text = lines_of(log, capfd)
    every = ("[TRC]", "[DBG]", "[INF]", "[WRN]", "[ERR]", "[FTL]")
    assert {kind for kind in every if kind in text} == kinds
    assert bool(text) == bool(kinds)


def test_lines_go_to_a_logger_of_the_program(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    target = logging.getLogger("app.broker")
    with caplog.at_level(logging.INFO, "app.broker"):
        assert lines_of(target, capfd) == ""
    found = {(record.levelname, record.getMessage()) for record in caplog.records}
    assert ("INFO", "Server is ready") in found
    assert ("ERROR", "an error") in found
    assert any(level == "WARNING" and "Maximum payloads" in text for level, text in found)
    assert all(record.name == "app.broker" for record in caplog.records)
    assert not any("a detail" in text for _, text in found)


@pytest.mark.parametrize("log", ["loud", 7, True, 1.5, object()])
def test_what_is_no_log_is_refused(log: Any) -> None:
    with pytest.raises(ServerError, match=r"^log: .* is not a level"):
        Server(Options(host="127.0.0.1", port=-1), log=log)


def test_a_log_file_that_cannot_be_opened_is_a_server_error(tmp_path: Path) -> None:
    with pytest.raises(
        ServerError, match=r"error opening file: open .*/no/log: no such file or directory"
    ):
        Server(Options(log=LogOptions(log_file=tmp_path / "no" / "log")))


# -- public names -------------------------------------------------------------------------------


def test_public_names_are_listed_and_there() -> None:
    assert set(public.__all__) <= set(dir(public))
    for name in public.__all__:
        assert getattr(public, name) is not None
    assert public.__version__ == public.version.PYNATS_VERSION
    with pytest.raises(AttributeError, match="no attribute 'Sever'"):
        _ = public.Sever


# -- in a thread, and as fixtures ---------------------------------------------------------------


def test_a_threaded_server_starts_again_where_it_was() -> None:
    server = ThreadedServer(jetstream=True)
    with pytest.raises(ServerError, match="not running"):
        _ = server.client_url
    server.stop()  # nothing to stop
    with server:
        with pytest.raises(ServerError, match="running already"):
            server.start()
        urls = (server.client_url, server.monitor_url)
        with RawClient(server.server.client_port) as client:
            client.read_info()
            client.send(
                b'CONNECT {"verbose":false}\r\nSUB r 1\r\n'
                b'PUB $JS.API.STREAM.CREATE.S r 29\r\n{"name":"S","subjects":["s"]}\r\n'
            )
            wait_until(lambda: "S" in server.call(stream_names), "the stream")
        server.restart()
        assert (server.client_url, server.monitor_url) == urls
        assert server.call(stream_names) == ["S"]
        assert server.running
    assert not server.running
    with server:
        assert (server.client_url, server.monitor_url) == urls


def stream_names(server: Server) -> list[str]:
    jetstream = server.state.jetstream
    assert jetstream is not None
    return [name for account in jetstream.accounts.values() for name in account.streams]


def test_a_threaded_server_that_stops_by_itself_is_seen() -> None:
    with ThreadedServer() as server:
        server.call(lambda inner: inner.enter_lame_duck())  # without clients it ends at once
        wait_until(lambda: not server.running, "the stop")
        server.start()
        assert server.running


def test_a_threaded_server_says_why_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for broken, reason in (
        (lambda: ThreadedServer(port="x"), "port: expected int, got str"),
        (lambda: ThreadedServer(prot=1), "unexpected keyword argument 'prot'"),
        (lambda: ThreadedServer(Options(), port=1), "not both"),
        (lambda: ThreadedServer(pid_file=tmp_path / "file" / "pid"), "Could not write pidfile"),
    ):
        with pytest.raises(ServerError, match=reason), broken():
            pass


def test_the_factory_makes_stores_of_its_own(pynats_server_factory: Factory) -> None:
    servers = [pynats_server_factory(jetstream=True) for _ in range(2)]
    stores = [server.server.options.jetstream.store_dir for server in servers]
    assert None not in stores and len(set(stores)) == 2
    assert pynats_server_factory().server.state.jetstream is None


def test_shared_fixtures_are_one_server(
    pynats_server_module: ThreadedServer, pynats_server_session: ThreadedServer
) -> None:
    urls = {pynats_server_module.client_url, pynats_server_session.client_url}
    assert len(urls) == 2
    SEEN.append(urls)
    assert all(seen == urls for seen in SEEN)


test_shared_fixtures_are_one_server_again = test_shared_fixtures_are_one_server
SEEN: list[set[str]] = []


def test_fixtures_are_silent_about_good_news(
    pynats_server_factory: Factory, capfd: pytest.CaptureFixture[str]
) -> None:
    pynats_server_factory().stop()
    assert capfd.readouterr().err == ""


def test_the_plugin_loads_nothing_for_those_who_do_not_use_it() -> None:
    script = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import pynats_server.pytest_plugin\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['pynats_server', 'pynats_server.pytest_plugin']"


def by_token(hello: Hello) -> Verdict | Refusal:
    return Verdict("$G", user="ada") if hello.said.auth_token == "let-me-in" else Refusal()


def assert_it_decides(server: ThreadedServer) -> None:
    for token, told in ((b"let-me-in", b"PONG"), (b"x", b"-ERR 'Authorization Violation'")):
        with RawClient(server.server.client_port) as client:
            client.read_info()
            client.send(b'CONNECT {"auth_token":"%b","verbose":false}\r\nPING\r\n' % token)
            assert client.read_until(told)


def test_who_decides_about_log_ins_of_a_threaded_server() -> None:
    with ThreadedServer(log=None, authenticator=by_token) as server:
        assert_it_decides(server)


def test_who_decides_about_log_ins_of_a_fixture(pynats_server_factory: Factory) -> None:
    assert_it_decides(pynats_server_factory(log=None, authenticator=by_token))
