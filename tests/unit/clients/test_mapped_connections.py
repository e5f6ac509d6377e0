"""Clients whose certificate says who they are, over real connections."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import pytest
from pynats_server.options import Authorization, Options, TlsOptions, User
from pynats_server.server.server import Server

from tests.support.authorities import Authority
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

ALICE = "CN=alice,OU=Dev"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority()
    made.issue().write(tmp_path, "s")
    (tmp_path / "ca.pem").write_bytes(made.pem)
    return made


def _options(folder: Path, *users: User) -> Options:
    tls = TlsOptions(folder / "s.pem", folder / "s-key.pem", folder / "ca.pem", verify_and_map=True)
    return Options(
        host="127.0.0.1", port=-1, tls=tls, authorization=Authorization(users=list(users))
    )


async def _log_in(server: Server, authority: Authority, folder: Path, says: bytes) -> bytes:
    """What one is told whose certificate is Alice's."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.load_cert_chain(*authority.issue(ALICE, ["a@b.c"]).write(folder, "c"))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    info = await reader.readline()
    assert b'"auth_required":true' in info and b'"tls_verify":true' in info
    await writer.start_tls(context, server_hostname="localhost")
    writer.write(b'CONNECT {"verbose":false' + says + b"}\r\nPING\r\n")
    told = await reader.readline()
    users = [client.user for client in server.state.clients()]
    writer.close()
    await wait_until_async(lambda: not server.state.clients(), "its end")
    return told if told != b"PONG\r\n" else str(users[0]).encode()


def test_the_certificate_names_the_user(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @on_loop
    async def run() -> None:
        users = User(ALICE), User("a@b.c", "secret"), User("x", "y")
        log = logging.getLogger("mapped")
        async with Server(_options(tmp_path, *users), log=log) as server:

            async def told(says: bytes) -> bytes:
                return await _log_in(server, authority, tmp_path, says)

            # The address goes before the subject, and its user has a password.
            assert b"Authorization Violation" in await told(b"")
            assert await told(b',"pass":"secret"') == b"a@b.c"
            assert await told(b',"user":"x","pass":"secret"') == b"a@b.c"
            assert b"Authorization Violation" in await told(b',"user":"x","pass":"y"')

    with caplog.at_level(logging.WARNING):
        run()
    assert 'User "x" found in connect proto, but user required from cert' in caplog.text
    assert "secret" not in caplog.text


def test_the_subject_names_the_user(authority: Authority, tmp_path: Path) -> None:
    @on_loop
    async def run() -> None:
        async with Server(_options(tmp_path, User("OU=Dev, CN=alice"))) as server:
            assert await _log_in(server, authority, tmp_path, b"") == b"OU=Dev, CN=alice"

    run()


@pytest.mark.parametrize(("timeout", "cut"), [(-1.0, True), (60.0, False)])
def test_a_time_below_zero_is_over_at_once(timeout: float, cut: bool) -> None:
    @on_loop
    async def run() -> None:
        block = Authorization(token="t", timeout=timeout)
        async with Server(Options(host="127.0.0.1", port=-1, authorization=block)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            await reader.readline()
            if cut:
                assert await reader.readline() == b"-ERR 'Authentication Timeout'\r\n"
            else:
                writer.write(b'CONNECT {"verbose":false,"auth_token":"t"}\r\nPING\r\n')
                assert await reader.readline() == b"PONG\r\n"
            writer.close()

    run()
