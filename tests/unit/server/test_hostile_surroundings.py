"""Bad environments of a server: unexpected names, folders and files."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from pynats_server import Options, Server, ServerError

from tests.support.deadline import PATIENCE_S, next_turn
from tests.support.on_loop import on_loop
from tests.support.process import PYNATS, ServerProcess, lasting_port, server_command
from tests.support.raw import RawClient

LONG_LABEL = "a" * 80


def run(folder: Path, config: str) -> tuple[int, str]:
    """Exit code and output of a server that is not expected to start."""
    path = folder / "server.conf"
    path.write_bytes(config.replace("@FOLDER@", str(folder)).encode())
    done = subprocess.run(
        [*server_command(PYNATS), "-c", str(path)], capture_output=True, timeout=20, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("host: a..b\nport: -1\n", "Error listening on port: a..b:0"),
        (f"host: {LONG_LABEL}\nport: -1\n", f"lookup {LONG_LABEL}: no such host"),
        ("port: -1\nhttp: 'a..b:-1'\n", "Can't start monitoring"),
        ("port: -1\npid_file: '@FOLDER@'\n", "Could not write pidfile: open "),
        ("port: -1\npid_file: '@FOLDER@/no/pid'\n", "/no/pid: no such file or directory"),
        ("remote_syslog: 'udp://[::1'\n", "error connecting to syslog: invalid address"),
        (
            "remote_syslog: 'udp://a..b:5'\n",
            'error connecting to syslog: "dial udp: lookup a..b: no such host"',
        ),
        ("client_advertise: 'h:x'\n", "client_advertise must be a host or host:port"),
        ("client_advertise: 'h:1:2'\n", "client_advertise must be a host or host:port"),
        ('pid_file: "a\\x00b"\n', "server.conf:1:1: pid_file contains a NUL character"),
        ('server_name: "\\xff"\n', "server.conf:1:1: server_name is not valid UTF-8"),
        ('jetstream { domain: "\\xff" }\n', "server.conf:1:13: domain is not valid UTF-8"),
    ],
)
def test_a_server_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, config: str, words: str
) -> None:
    code, output = run(tmp_path, config)
    assert code == 1
    assert words in output
    assert "Traceback" not in output


def test_a_ports_file_that_cannot_be_written_is_an_error_but_no_end(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    flags = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(blocked)]
    process = subprocess.Popen(
        [*server_command(PYNATS), *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    log = b""
    while b"Server is ready" not in log:
        line = process.stderr.readline()
        assert line, log
        log += line
    process.terminate()
    _, rest = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert b"[ERR] Error writing ports file" in log
    assert b"Traceback" not in log + rest


def test_a_pid_file_that_cannot_be_removed_does_not_keep_a_server_alive(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with ServerProcess(PYNATS, tmp_path, "debug: false\n", ["-P", str(pid_file)]) as server:
        pid_file.unlink()
        pid_file.mkdir()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert f"Error removing {pid_file}" in server.log()
        assert "Traceback" not in server.log()


def test_permissions_may_name_subjects_that_are_not_utf8(tmp_path: Path) -> None:
    config = (
        'authorization { users: [{ user: a, password: a, permissions: { publish: "x\\xff" } }] }\n'
    )
    with ServerProcess(PYNATS, tmp_path, config) as server, RawClient(server.port) as client:
        client.read_info()
        client.send(b'CONNECT {"user":"a","pass":"a","verbose":false,"pedantic":false}\r\n')
        client.send(b"SUB > 1\r\nPUB x\xff 1\r\n1\r\nPUB x 1\r\n2\r\n")
        client.fence()
        assert b"MSG x\xff 1 1\r\n1\r\n" in client.received
        assert b'Permissions Violation for Publish to "x"' in client.received


def test_a_stop_while_it_starts_leaves_nothing_open() -> None:
    async def scenario() -> None:
        ports = lasting_port(), lasting_port()
        host = "127.0.0.1"
        server = Server(Options(host=host, port=ports[0], http_host=host, http_port=ports[1]))
        starting = asyncio.create_task(server.start())
        await next_turn()
        await server.shutdown()
        await starting
        assert not server.ready
        for port in ports:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((host, port), timeout=PATIENCE_S)

    asyncio.run(scenario())


@on_loop
async def test_a_server_that_gets_no_descriptor_says_so_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("pynats_server.server.server.Engine", none_left)
    server = Server(Options(host="127.0.0.1", port=-1))
    with pytest.raises(ServerError, match="Too many open files"):
        await server.start()
    await server.shutdown()
    await server.wait_stopped()
