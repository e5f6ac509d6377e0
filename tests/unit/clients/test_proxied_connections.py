"""Connections through a proxy that speaks the PROXY protocol, from the socket to monitoring."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import pytest
from pynats_server.clients.arriving import proxied
from pynats_server.clients.who import Who
from pynats_server.options import Authorization, Options, TlsOptions
from pynats_server.server.server import Server

from tests.conformance.jwt.tokens import account, token, user
from tests.conformance.jwt.world import A, memory
from tests.support.authorities import Authority
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

HEADER = b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n"
V2_LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0"
LOG_IN = b'CONNECT {"verbose":false,"protocol":1,"user":"a","pass":"p"}\r\nPING\r\n'


def options(**more: object) -> Options:
    user = Authorization(user="a", password="p", timeout=60.0)
    return Options(host="127.0.0.1", port=-1, proxy_protocol=True, authorization=user, **more)  # type: ignore[arg-type]


async def _enter(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.client_port)


@on_loop
async def test_the_client_is_known_by_the_address_that_the_proxy_tells() -> None:
    async with Server(options()) as server:
        reader, writer = await _enter(server)
        assert b"client_ip" not in await reader.readline()
        for byte in HEADER + LOG_IN:
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.readline() == b"PONG\r\n"
        assert b'"client_ip":"1.2.3.4"' in await reader.readline()
        (client,) = server.state.clients()
        assert (client.host, client.port) == ("1.2.3.4", 1111)
        hello = client.context.hello
        assert (hello.host, hello.port) == ("1.2.3.4", 1111)
        writer.close()
        await wait_until_async(lambda: server.state.closed_clients, "its end")
        assert (server.state.closed_clients[0].host, server.state.closed_clients[0].port) == (
            "1.2.3.4", 1111,
        )  # fmt: skip


@on_loop
async def test_log_lines_have_brackets_around_an_ipv6_address() -> None:
    async with Server(options()) as server:
        reader, writer = await _enter(server)
        writer.write(b"PROXY TCP6 2001:db8::7 ::1 77 2\r\n" + LOG_IN)
        while await reader.readline() != b"PONG\r\n":
            pass
        (client,) = server.state.clients()
        assert Who(client).label().startswith(f"[2001:db8::7]:77 - cid:{client.cid}")
        writer.close()


@pytest.mark.parametrize(
    ("network", "header", "admitted"),
    [
        ("1.2.3.0/24", HEADER, True),
        ("127.0.0.0/8", HEADER, False),
        ("127.0.0.0/8", b"", True),
        ("1.2.3.0/24", b"", False),
    ],
)
def test_networks_of_a_user_are_those_of_the_address_that_the_proxy_tells(
    network: str, header: bytes, admitted: bool, tmp_path: Path
) -> None:
    bearer = token(user("u", A, src=[network], bearer_token=True), A)
    place = tmp_path / "s.conf"
    place.write_text(
        memory([account("SYS"), account("A")], "listen: '127.0.0.1:-1'\nproxy_protocol: true\n")
    )

    @on_loop
    async def run() -> None:
        async with Server(Options.load(place), log=None) as server:
            reader, writer = await _enter(server)
            await reader.readline()
            said = json.dumps({"verbose": False, "jwt": bearer}).encode()
            writer.write(header + b"CONNECT " + said + b"\r\nPING\r\n")
            told = await reader.readline()
            assert told == (b"PONG\r\n" if admitted else b"-ERR 'Authorization Violation'\r\n")
            writer.close()

    run()


@pytest.mark.parametrize("begun", [b"", b"PROXY TCP4 1.2", V2_LOCAL + b"\xff\xff" + b"x" * 1000])
def test_a_header_that_does_not_come_is_not_waited_for(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxied, "HEADER_S", 0.05)

    @on_loop
    async def run() -> None:
        async with Server(options()) as server:
            reader, writer = await _enter(server)
            await reader.readline()
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()
            await wait_until_async(lambda: server.state.closed_clients, "its end")
            assert str(server.state.closed_clients[0].reason) == "Protocol Violation"

    run()


@on_loop
async def test_what_a_header_has_besides_costs_no_memory() -> None:
    async with Server(options()) as server:
        reader, writer = await _enter(server)
        await reader.readline()
        rest = 0xFFFF
        writer.write(V2_LOCAL + rest.to_bytes(2, "big"))
        (client,) = server.state.clients()
        while rest:
            piece = min(rest, 1500)
            writer.write(b"x" * piece)
            await writer.drain()
            rest -= piece
        writer.write(LOG_IN)
        assert await reader.readline() == b"PONG\r\n"
        assert client.host == "127.0.0.1"
        writer.close()


@pytest.mark.parametrize("way", ["first", "after", "beside", "fallback"])
def test_tls_comes_behind_the_header(way: str, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue().write(tmp_path, "s")
    tls = TlsOptions(
        certificate, key, handshake_first=way in ("first", "fallback"),
        handshake_first_fallback=30.0 if way == "fallback" else 0.0,
    )  # fmt: skip
    context = ssl.create_default_context(cadata=authority.pem.decode())

    @on_loop
    async def run() -> None:
        async with Server(options(tls=tls, allow_non_tls=way == "beside")) as server:
            reader, writer = await _enter(server)
            if way in ("after", "beside"):
                assert b"client_ip" not in await reader.readline()
            writer.write(HEADER)
            await writer.start_tls(context, server_hostname="localhost")
            if way in ("first", "fallback"):
                assert b'"client_ip":"1.2.3.4"' in await reader.readline()
            writer.write(LOG_IN)
            assert await reader.readline() == b"PONG\r\n"
            (client,) = server.state.clients()
            assert (client.host, client.tls.version) == ("1.2.3.4", "1.3")
            writer.close()

    run()
