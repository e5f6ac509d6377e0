"""The life of a server process: signals, the files it writes, restarts, reloads, lame duck."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from pynats_common.program.version import RELEASE
from pynats_server.monitor.serving.listener import MonitorServer
from pynats_server.options import Options
from pynats_server.server.server import Server
from pynats_server.version import VERSION

from tests.support.deadline import PATIENCE_S, pause_async, wait_until, wait_until_async
from tests.support.jetstream import connect
from tests.support.process import PYNATS, ServerProcess, lasting_port, server_command
from tests.support.raw import RawClient

PLAIN = "debug: false\n"  # an empty file causes a warning
CONNECT = b'CONNECT {"verbose":false,"protocol":1%s}\r\n'


def process(folder: Path, config: str = PLAIN, *flags: str) -> ServerProcess:
    """Starts when entered."""
    return ServerProcess(PYNATS, folder, config, flags, forked=False)


def login(server: ServerProcess, user: str = "") -> RawClient:
    """A connected client; `user` also is its password."""
    client = RawClient(server.port)
    client.read_info()
    credentials = f',"user":"{user}","pass":"{user}"' if user else ""
    client.send(CONNECT % credentials.encode())
    client.fence()
    return client


def logged(server: ServerProcess, text: str, times: int = 1) -> None:
    wait_until(lambda: server.log().count(text) >= times, f"{text!r} in the log")


# -- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "interrupt"), (signal.SIGTERM, "terminated")]
)
def test_stop_signals_end_in_order(tmp_path: Path, number: signal.Signals, name: str) -> None:
    pid_file = tmp_path / "server.pid"
    with process(tmp_path, PLAIN, "-P", str(pid_file)) as server, login(server) as client:
        (ports_file,) = tmp_path.glob("*.ports")
        assert pid_file.read_text() == str(server.pid)
        assert ports_file.name == f"nats-server_{server.pid}.ports"
        assert json.loads(ports_file.read_text()) == {"nats": [f"nats://127.0.0.1:{server.port}"]}
        server.signal(number)
        assert server.wait() == 0
        assert client.read_to_end()
        assert f'Trapped "{name}" signal' in server.log()
        assert server.log().rstrip().endswith("Server Exiting..")
        assert not pid_file.exists()
        assert not ports_file.exists()


@pytest.mark.parametrize(
    ("name", "ports"),
    [("nats-server", "nats-server"), ("my-broker", "my-broker")],
)
def test_the_ports_file_is_named_after_a_renamed_program(
    tmp_path: Path, name: str, ports: str
) -> None:
    link = tmp_path / "bin" / name
    link.parent.mkdir()
    link.symlink_to(server_command(PYNATS)[0])
    with run_program([str(link)], tmp_path) as pid:
        wait_until(lambda: list(tmp_path.glob("*.ports")), "ports file")
        assert [path.name for path in tmp_path.glob("*.ports")] == [f"{ports}_{pid}.ports"]


def test_a_script_called_nats_server_that_runs_this_one_looks_like_nats_server(
    tmp_path: Path,
) -> None:
    script = tmp_path / "bin" / "nats-server"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {server_command(PYNATS)[0]} "$@"\n')
    script.chmod(0o755)
    said = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"nats-server: v(\d+\.\d+\.\d+)", said.stdout)
    with run_program([str(script)], tmp_path) as pid:
        wait_until(lambda: list(tmp_path.glob("*.ports")), "ports file")
        assert [path.name for path in tmp_path.glob("*.ports")] == [f"nats-server_{pid}.ports"]


@contextmanager
def run_program(command: list[str], folder: Path) -> Iterator[int]:
    """A server that writes its ports file into `folder`; gives its process id."""
    flags = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(folder)]
    child = subprocess.Popen([*command, *flags], stderr=subprocess.DEVNULL)
    try:
        yield child.pid
    finally:
        child.terminate()
        assert child.wait(PATIENCE_S) == 0


# A server that gets every signal while its loop closes, at exit, and when modules are taken apart.
SIGNALS_TO_THE_LAST = """
import asyncio, atexit, os, sys
from pynats_server.__main__ import main

def send(kill=os.kill, pid=os.getpid(), numbers=(1, 2, 10, 12, 15)):
    for number in numbers:
        kill(pid, number)

def close(runner, close=asyncio.Runner.close):
    send()
    close(runner)
    send()

class Last:
    __del__ = lambda self, send=send: send()

sys.last = Last()  # goes last
asyncio.Runner.close = close
atexit.register(send)
main()
"""


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_signals_after_the_stop_are_harmless(tmp_path: Path, loop: str) -> None:
    log = tmp_path / "log"
    script = SIGNALS_TO_THE_LAST
    if loop == "asyncio":
        script = "import sys; sys.modules['uvloop'] = None" + script
    command = [sys.executable, "-c", script, "-a", "127.0.0.1", "-p", "-1", "-l", log]
    child = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: log.exists() and "Server is ready" in log.read_text(), "ready")
        child.terminate()
        _, complaints = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, complaints) == (0, b"")
    assert log.read_text().rstrip().endswith("Server Exiting..")


def test_a_flood_of_stop_signals_is_harmless(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        while server.alive:
            for number in (signal.SIGTERM, signal.SIGINT):
                server.signal(number)
        assert server.wait() == 0
        assert "Traceback" not in server.log()


def test_hup_applies_a_good_file_and_refuses_others(tmp_path: Path) -> None:
    with process(tmp_path, "max_payload: 1000\n") as server, login(server) as client:
        server.write_config("max_payload: 2000\n")
        server.signal(signal.SIGHUP)
        assert client.read_until(b'"max_payload":2000')
        logged(server, "Reloaded server configuration")
        for bad in ("max_payload: {\n", "max_payload: nonsense\n", "max_control_line: -1\n"):
            refusals = server.log().count("Failed to reload server configuration")
            server.write_config(bad)
            server.signal(signal.SIGHUP)
            logged(server, "Failed to reload server configuration", refusals + 1)
        server.write_config("server_name: other\nmax_payload: 3000\n")
        server.signal(signal.SIGHUP)
        logged(server, "config reload not supported for ServerName")
        with login(server) as late:
            assert b'"max_payload":2000' in bytes(late.received)
        assert "Traceback" not in server.log()


def test_hup_without_a_file_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [*server_command(PYNATS), "-a", "127.0.0.1", "-p", "-1", "-l", str(log)]
    child = subprocess.Popen(command)
    try:
        wait_until(lambda: log.exists() and "Server is ready" in log.read_text(), "ready")
        child.send_signal(signal.SIGHUP)
        wait_until(lambda: "can only reload config when a file" in log.read_text(), "refusal")
        child.terminate()
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.wait()


def test_usr1_opens_the_log_anew(tmp_path: Path) -> None:
    log, moved = tmp_path / "own.log", tmp_path / "own.log.1"
    command = [*server_command(PYNATS), "-a", "127.0.0.1", "-p", "-1", "-l", str(log)]
    child = subprocess.Popen(command)
    try:
        wait_until(lambda: log.exists() and "Server is ready" in log.read_text(), "ready")
        log.rename(moved)
        child.send_signal(signal.SIGUSR1)
        wait_until(log.exists, "the new log file")
        child.terminate()
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.wait()
    assert "Server Exiting.." in log.read_text()
    assert "Server is ready" not in log.read_text()
    assert "Server Exiting.." not in moved.read_text()


# -- starting -----------------------------------------------------------------------------------


def test_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pid_file = tmp_path / "pid"
        command = [*server_command(PYNATS), "-a", "127.0.0.1", "-p", str(port), "-P", str(pid_file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    fatal = [line for line in done.stderr.splitlines() if "[FTL]" in line]
    assert len(fatal) == 1
    assert f"127.0.0.1:{port}" in fatal[0]
    assert "address already in use" in fatal[0]
    assert "Traceback" not in done.stderr
    assert not pid_file.exists()


def test_a_start_that_fails_is_told_in_the_log_file(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*server_command(PYNATS), "-a", "127.0.0.1", "-p", str(port), "-l", str(log)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    fatal = [line for line in log.read_text().splitlines() if "[FTL]" in line]
    assert len(fatal) == 1
    assert "address already in use" in fatal[0]


def test_pid_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "pid"
    command = [*server_command(PYNATS), "-a", "127.0.0.1", "-p", "-1", "-P", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


# -- restart under load -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_under_load_loses_nothing_acknowledged_by_a_reply(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Core NATS delivers at most once. The test checks messages that the receiver confirmed before,
    and that all clients reconnect with their subscriptions."""
    with ServerProcess(PYNATS, tmp_path, PLAIN, port=lasting_port()) as server:
        asyncio.run(asyncio.wait_for(_restart_under_load(server, number), PATIENCE_S))
        assert "Traceback" not in server.log()


async def _restart_under_load(server: ServerProcess, number: signal.Signals) -> None:
    url = f"nats://127.0.0.1:{server.port}"
    reconnected: list[asyncio.Event] = []

    async def join() -> Client:
        back = asyncio.Event()
        reconnected.append(back)

        async def on_reconnect() -> None:
            back.set()

        async def on_error(_: Exception) -> None:
            pass

        return await connect(
            url,
            reconnect_time_wait=0.05,
            max_reconnect_attempts=-1,
            reconnected_cb=on_reconnect,
            error_cb=on_error,
        )

    receiver, *senders = [await join() for _ in range(5)]
    stored: set[bytes] = set()

    async def store(msg: Msg) -> None:
        stored.add(msg.data)
        await msg.respond(b"")

    await receiver.subscribe("store", cb=store)
    await receiver.flush()
    acknowledged: set[bytes] = set()
    enough = 200

    async def send(number: int, client: Client, stop: asyncio.Event) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            data = b"%d-%d" % (number, count)
            try:
                await client.request("store", data, timeout=0.5)  # lost requests are sent again
            except (TimeoutError, nats.errors.Error):
                await pause_async(0.01)
                continue
            acknowledged.add(data)

    async def more(count: int) -> None:
        goal = len(acknowledged) + count
        await wait_until_async(lambda: len(acknowledged) >= goal, f"{count} more replies")

    stop = asyncio.Event()
    running = [asyncio.ensure_future(send(n, c, stop)) for n, c in enumerate(senders)]
    await more(enough)
    loop = asyncio.get_running_loop()
    server.signal(number)
    await loop.run_in_executor(None, server.wait)
    await loop.run_in_executor(None, server.start)
    await asyncio.gather(*(back.wait() for back in reconnected))
    await more(enough)
    stop.set()
    await asyncio.gather(*running)
    assert acknowledged <= stored
    for client in (receiver, *senders):
        await client.close()


@pytest.mark.parametrize("lame_duck", [False, True])
def test_a_flushed_message_is_delivered_before_an_orderly_end(
    tmp_path: Path, lame_duck: bool
) -> None:
    """PONG means that the server has handled everything before it. A shutdown must not drop unread
    messages, here far more than the kernel's buffers hold."""
    count = 20_000
    config = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "0.1s"\n'
    with process(tmp_path, config) as server, login(server) as sender:
        receiver = RawClient(server.port, timeout_s=PATIENCE_S, rcvbuf=65536)
        receiver.send(CONNECT % b"" + b"SUB x 1\r\n")
        receiver.fence()
        sender.send(b"PUB x 1000\r\n%b\r\n" % bytes(1000) * count)
        sender.fence()
        server.signal(signal.SIGUSR2 if lame_duck else signal.SIGTERM)
        if lame_duck:
            logged(server, "Closing existing clients")
        else:
            logged(server, "Initiating Shutdown")
            sender.send(b"PUB x 4\r\nlate\r\nPING\r\n")  # must not be answered
        assert receiver.read_to_end()
        assert receiver.received.count(b"MSG x 1 1000\r\n") == count
        assert b"late" not in receiver.received
        assert server.wait() == 0
        receiver.close()


def test_a_receiver_that_reads_nothing_delays_the_end_by_the_write_deadline_at_most(
    tmp_path: Path,
) -> None:
    config = 'write_deadline: "500ms"\n'
    with process(tmp_path, config) as server, login(server) as sender, login(server) as stuck:
        stuck.send(b"SUB x 1\r\n")
        stuck.fence()
        sender.send(b"PUB x 1000\r\n%b\r\n" % bytes(1000) * 20_000)
        sender.fence()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


# -- lame duck ----------------------------------------------------------------------------------


def test_lame_duck_before_the_listener_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal can arrive while monitoring starts."""
    start = MonitorServer.start

    async def run() -> None:
        server = Server(Options(host="127.0.0.1", port=-1, http_port=-1))

        async def start_and_leave(monitor: MonitorServer, host: str, port: int) -> int:
            bound = await start(monitor, host, port)
            server.enter_lame_duck()
            return bound

        monkeypatch.setattr(MonitorServer, "start", start_and_leave)
        await server.start()
        assert not server.ready
        await asyncio.wait_for(server.wait_stopped(), PATIENCE_S)

    asyncio.run(run())


def test_lame_duck_closes_every_client_and_exits_well(tmp_path: Path) -> None:
    config = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "0.2s"\n'
    with ServerProcess(PYNATS, tmp_path, config, port=lasting_port(), forked=False) as server:
        clients = [login(server) for _ in range(2)]
        clients[0].send(b"SUB x 1\r\n")
        clients[0].fence()
        server.signal(signal.SIGUSR2)
        assert all(client.read_until(b'"ldm":true') for client in clients)
        clients[1].send(b"PUB x 2\r\nhi\r\n")
        assert clients[0].read_until(b"MSG x 1 2\r\nhi\r\n")
        with pytest.raises(OSError, match="refused"):
            RawClient(server.port)
        server.signal(signal.SIGUSR2)  # once is enough
        server.signal(signal.SIGTERM)  # TERM does not shorten it
        assert server.wait() == 0
        for client in clients:
            assert client.read_to_end()
            client.close()
        log = server.log()
        assert log.count("Entering lame duck mode, stop accepting new clients") == 1
        assert "Closing existing clients" in log
        assert 'Trapped "terminated"' not in log


def test_interrupt_cuts_lame_duck_short(tmp_path: Path) -> None:
    config = 'lame_duck_duration: "60s"\nlame_duck_grace_period: "30s"\n'
    with process(tmp_path, config) as server, login(server) as client:
        server.signal(signal.SIGUSR2)
        assert client.read_until(b'"ldm":true')
        server.signal(signal.SIGINT)
        assert server.wait() == 0


# -- reload of users ----------------------------------------------------------------------------

USERS = """
authorization {{
  users = [
    {{ user: ann, password: ann, permissions: {{ subscribe: {ann} }} }}
    {extra}
  ]
}}
"""
BOB = "{ user: bob, password: bob }"


def test_reload_prunes_subscriptions_and_closes_removed_users(tmp_path: Path) -> None:
    config = USERS.format(ann='["a", "b"]', extra=BOB)
    with (
        process(tmp_path, config) as server,
        login(server, "ann") as ann,
        login(server, "bob") as bob,
    ):
        ann.send(b"SUB a 1\r\nSUB b 2\r\n")
        ann.fence()
        server.write_config(USERS.format(ann='["a"]', extra="{ user: eve, password: eve }"))
        server.signal(signal.SIGHUP)
        assert bob.read_to_end()
        assert b"-ERR" not in bob.received
        assert ann.read_until(b'-ERR \'Permissions Violation for Subscription to "b"')
        with login(server, "eve") as eve:
            eve.send(b"PUB b 1\r\n1\r\nPUB a 1\r\n2\r\n")
            eve.fence()
            assert ann.read_until(b"MSG a 1 1\r\n2\r\n")
        assert b"MSG b" not in bytes(ann.received)
        ann.send(b"SUB b 3\r\n")
        assert ann.read_until(b"-ERR 'Permissions Violation for Subscription to \"b\"'\r\n")
        with login(server, "bob") as gone:
            assert gone.read_until(b"Authorization Violation")


def test_reload_that_adds_users_keeps_them_out_before_and_lets_them_in_after(
    tmp_path: Path,
) -> None:
    with process(tmp_path, USERS.format(ann='["a"]', extra="")) as server:
        with login(server, "bob") as early:
            assert early.read_until(b"Authorization Violation")
        with login(server, "ann") as ann:
            server.write_config(USERS.format(ann='["a", "b"]', extra=BOB))
            server.signal(signal.SIGHUP)
            logged(server, "Reloaded server configuration")
            ann.send(b"SUB b 1\r\n")
            ann.fence()
            with login(server, "bob") as bob:
                bob.send(b"PUB b 2\r\nhi\r\n")
                assert ann.read_until(b"MSG b 1 2\r\nhi\r\n")
            assert b"-ERR" not in bytes(ann.received)


def test_the_log_names_pynats_and_its_version_above_the_words_that_tools_look_for(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as server:
        log = server.log()
    texts = [line.partition("[INF] ")[2] for line in log.splitlines()]
    assert texts[:3] == [
        "Starting pynats-server",
        f"  Version:  {VERSION}",
        f"  PyNATS:   {RELEASE}",
    ]
    listening = rf"^Listening for client connections on 127\.0\.0\.1:{server.port}$"
    assert re.search(listening, "\n".join(texts), re.MULTILINE)
    assert "Server is ready" in texts
