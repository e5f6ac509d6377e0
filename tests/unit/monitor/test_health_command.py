"""`pynats-server healthcheck`: asks /healthz, and loads next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pynats_server import entry
from pynats_server.options import HttpAuth, Options, TlsOptions
from pynats_server.process.flags import parse_command_line
from pynats_server.process.health_command import Outcome, run
from pynats_server.server.server import Server

from tests.support.authorities import Authority
from tests.support.deadline import PATIENCE_S
from tests.support.monitoring import serve

PROGRAM = "pynats-server"


async def asked(url: str) -> Outcome:
    return await asyncio.to_thread(run, PROGRAM, [url], PATIENCE_S)


def test_a_server_that_is_healthy_and_one_that_is_not(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        url = f"http://127.0.0.1:{server.http_port}/healthz"
        assert await asked(url) == Outcome(0, stdout='{"status":"ok"}\n')
        assert (await asked(url.removesuffix("/healthz"))).code == 0
        assert (await asked(url + "?js-server-only=1")).code == 0
        server.state.ready = False
        found = await asked(url)
        server.state.ready = True
        assert found.code == 1
        assert "pynats-server: not healthy: status 500: " in found.stderr
        assert (await asked(url + "?stream=x")).code == 1

    serve(tmp_path, scenario)


def test_where_monitoring_is_protected_the_probe_needs_it_open(tmp_path: Path) -> None:
    for is_open, code in ((True, 0), (False, 1)):

        async def scenario(server: Server, code: int = code) -> None:
            found = await asked(f"http://127.0.0.1:{server.http_port}/healthz")
            assert found.code == code
            assert ("status 401" in found.stderr) is bool(code)

        serve(tmp_path, scenario, http_auth=HttpAuth("u", "p", healthz_open=is_open))


def test_https(tmp_path: Path) -> None:
    cert_file, key_file = Authority().issue().write(tmp_path, "server")

    async def scenario() -> None:
        options = Options(
            host="127.0.0.1", port=-1, https_port=-1,
            tls=TlsOptions(cert_file=cert_file, key_file=key_file),
        )  # fmt: skip
        async with Server(options) as server:
            found = await asked(f"https://127.0.0.1:{server.https_port}/healthz")
            assert found == Outcome(0, stdout='{"status":"ok"}\n')

    asyncio.run(asyncio.wait_for(scenario(), 3 * PATIENCE_S))


def test_nobody_is_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        found = run(PROGRAM, [f"http://127.0.0.1:{port}"])
    assert found.code == 1
    assert "refused" in found.stderr


@pytest.mark.parametrize("answer", [b"", b"hello\r\n", b"HTTP/1.1\r\n\r\n", b"SSH-2.0-x y\r\n"])
def test_somebody_else_is_there(answer: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def scenario() -> Outcome:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as other:
            return await asked(f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/healthz")

    found = asyncio.run(scenario())
    assert found.code == 1
    assert "not healthy" in found.stderr


def test_one_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = run(PROGRAM, [f"http://127.0.0.1:{silent.getsockname()[1]}"], 0.05)
    assert found.code == 1
    assert "timed out" in found.stderr


@pytest.mark.parametrize("begin", [b"HTTP/1.1 100 ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_one_that_never_comes_to_an_end(begin: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await reader.readuntil(b"\r\n\r\n")
        while True:
            try:
                async with asyncio.timeout(0.05):
                    await reader.read()
            except TimeoutError:
                writer.write(b"x")
            else:
                break
        writer.close()

    async def scenario() -> Outcome:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as other:
            url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/healthz"
            return await asyncio.wait_for(asyncio.to_thread(run, PROGRAM, [url], 0.3), PATIENCE_S)

    assert asyncio.run(scenario()).stderr.endswith(": timed out\n")


def test_an_answer_is_read_in_part_only() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                writer.write(b"HTTP/1.1 500 " + b"\0" * 65536)
                await writer.drain()

    async def scenario() -> Outcome:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as other:
            return await asked(f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}/healthz")

    found = asyncio.run(scenario())
    assert found.code == 1
    assert len(found.stderr) < 5000


@pytest.mark.parametrize(
    "words",
    [["ftp://x"], ["8222"], ["http://"], ["http://x:y"], ["http://a", "b"], ["-x"],
     ["http://u:p@127.0.0.1"]],
)  # fmt: skip
def test_wrong_arguments(words: list[str]) -> None:
    found = run(PROGRAM, words)
    assert found.code == 2
    assert found.stdout == ""
    assert "u:p" not in found.stderr


def test_it_is_a_command_of_the_server() -> None:
    found = parse_command_line(["-c", "none.conf", "healthcheck", "--help"], PROGRAM)
    assert parse_command_line(["healthcheck", "ftp://x"], PROGRAM).exit_code == 2
    assert found.exit_code == 0
    assert "healthcheck [URL]" in parse_command_line(["--help"], PROGRAM).stdout


def test_it_does_not_load_the_broker() -> None:
    code = (
        "import sys; sys.argv = ['x', 'healthcheck', '--help']\n"
        "from pynats_server.entry import _load\n_load()()\n"
        "sys.exit(sorted({'asyncio', 'ssl', 'msgspec', 'http.client'} & set(sys.modules)) != [])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: pynats-server healthcheck" in done.stdout


def test_the_first_process_of_a_container_ends_at_signals_while_it_starts() -> None:
    code = (
        "import os, signal\nfrom pynats_server import entry\n"
        "entry.FIRST = os.getpid()\n"
        "entry.run_program = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "entry.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (128 + 15, "")
    assert entry.FIRST == 1
