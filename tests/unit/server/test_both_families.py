"""A wildcard address is that of both families: `localhost` is an address of IPv4 or of IPv6."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from pynats_server import Options, Server
from pynats_server.core.sockets import address

from tests.support.deadline import wait_until
from tests.support.on_loop import on_loop
from tests.support.process import PYNATS, ServerProcess, lasting_port
from tests.support.raw import RawClient


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            return False
    return True


IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="there is no IPv6 here")
LOOPBACK = ("127.0.0.1", "::1")


async def told(host: str, port: int) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection(host, port)
    line = await reader.readline()
    writer.close()
    info: dict[str, Any] = json.loads(line.removeprefix(b"INFO "))
    return info


async def monitored(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return line


@IPV6
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
@on_loop
async def test_clients_of_both_families_come_to_a_wildcard(host: str) -> None:
    server = Server(Options(host=host, port=-1, http_port=-1))
    await server.start()
    try:
        for each in LOOPBACK:
            info = await told(each, server.client_port)
            assert info["client_ip"] == each  # IPv4 as such, and not as one of IPv6
            assert b"200" in await monitored(each, server.http_port)
    finally:
        await server.shutdown()


@IPV6
@on_loop
async def test_an_address_is_of_its_family_alone() -> None:
    for mine, other in (("127.0.0.1", "::1"), ("::1", "127.0.0.1")):
        ports = lasting_port(), lasting_port()
        server = Server(Options(host=mine, port=ports[0], http_port=ports[1]))
        await server.start()
        try:
            assert (await told(mine, server.client_port))["client_ip"] == mine
            for port in ports:
                with pytest.raises(ConnectionRefusedError):
                    await told(other, port)
        finally:
            await server.shutdown()


@pytest.mark.parametrize("reason", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_where_there_is_no_ipv6_a_wildcard_is_that_of_ipv4(
    reason: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket

    def make(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(reason, "there is none")
        return real(family, kind)

    monkeypatch.setattr(socket, "socket", make)
    with address.listening("0.0.0.0", 0, 1) as sock:
        assert sock.family == socket.AF_INET


def test_a_port_of_somebody_elses_is_refused() -> None:
    with address.listening("127.0.0.1", 0, 1) as taken:
        for host in ("0.0.0.0", "::", "127.0.0.1"):
            with pytest.raises(OSError) as caught:
                address.listening(host, taken.getsockname()[1], 1)
            assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("shown", "read"),
    [
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("::1", "::1"),
        ("::ffff:1", "::ffff:1"),
        ("2001:db8::ffff:1.2.3.4", "2001:db8::ffff:1.2.3.4"),
    ],
)
def test_how_addresses_read(shown: str, read: str) -> None:
    assert address.plain(shown) == read


@IPV6
def test_the_log_has_brackets_around_addresses_of_ipv6(tmp_path: Path) -> None:
    flags = ("--addr", "0.0.0.0")
    with (
        ServerProcess(PYNATS, tmp_path, "debug: true\n", flags) as server,
        socket.create_connection(("::1", server.port)),
        RawClient(server.port),
    ):
        wait_until(lambda: "[::1]:" in log(server), "IPv6")
        wait_until(lambda: "127.0.0.1:" in log(server), "IPv4")
        assert "::ffff:" not in log(server)


def log(server: ServerProcess) -> str:
    return "\n".join(each for each in server.log().splitlines() if "connection created" in each)
