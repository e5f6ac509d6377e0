"""/metrics: TLS of clients, and log-ins."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

from pynats_server.options import Authorization, TlsOptions, User
from pynats_server.server.server import Server

from tests.support.authorities import Authority
from tests.support.deadline import wait_until_async
from tests.support.exposition import series_of
from tests.support.monitoring import get, serve


async def scrape(server: Server) -> dict[str, float]:
    return series_of((await get(server, "/metrics"))[1].decode())


async def tell(
    server: Server, text: bytes, context: ssl.SSLContext | None
) -> tuple[bytes, asyncio.StreamWriter]:
    """What a new client is told, through TLS with a context."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    await reader.readline()
    if context is not None:
        await writer.start_tls(context, server_hostname="localhost")
    writer.write(text)
    return await reader.readline(), writer


def test_they_are_counted(tmp_path: Path) -> None:
    authority = Authority()
    cert_file, key_file = authority.issue().write(tmp_path, "server")
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.check_hostname = False

    async def scenario(server: Server) -> None:
        good = b'CONNECT {"user":"a","pass":"p","verbose":false}\r\nPING\r\n'
        told, client = await tell(server, good, context)
        assert told == b"PONG\r\n"
        for text, by in (
            (b"PING\r\n", None),
            (b"\x16\x03\x01\x00\x05hello", None),
            (b'CONNECT {"auth_token":"x"}\r\n', context),
            (b'CONNECT {"user":"a","pass":"x"}\r\n', context),
        ):
            (await tell(server, text, by))[1].close()
        await wait_until_async(lambda: server.state.closed_for.total() == 4, "the others' end")
        found = await scrape(server)
        assert found["tls_connections"] == 1
        assert found['tls_handshakes_total{version="1.3"}'] == 3
        assert found["tls_handshake_failures_total"] == 2
        assert found["tls_certificate_expiry_seconds"] > time.time()
        assert found['log_ins_total{method="password"}'] == 1
        assert found['log_in_refusals_total{method="token"}'] == 1
        assert found['log_in_refusals_total{method="password"}'] == 1
        client.close()
        await wait_until_async(lambda: not server.state.tls_clients, "that nobody is left")

    tls = TlsOptions(cert_file=cert_file, key_file=key_file)
    serve(tmp_path, scenario, tls=tls, authorization=Authorization(users=[User("a", "p")]))


def test_without_tls_there_are_no_certificates(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        _, client = await tell(server, b'CONNECT {"verbose":false}\r\nPING\r\n', None)
        found = await scrape(server)
        client.close()
        assert found["tls_connections"] == found["tls_handshake_failures_total"] == 0
        assert "tls_certificate_expiry_seconds" not in found
        assert found['log_ins_total{method="none"}'] == 1

    serve(tmp_path, scenario)
