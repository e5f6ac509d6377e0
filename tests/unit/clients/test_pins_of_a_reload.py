"""A list of pinned certificates that changes while somebody is in the handshake."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

from pynats_server.options import Options, TlsOptions
from pynats_server.server.server import Server

from tests.support.authorities import Authority
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop


def test_the_new_list_counts_for_who_is_in_the_handshake(tmp_path: Path) -> None:
    authority = Authority()
    authority.issue().write(tmp_path, "s")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    shown = authority.issue("CN=c")
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.load_cert_chain(*shown.write(tmp_path, "c"))

    def options(pin: str) -> Options:
        tls = TlsOptions(
            tmp_path / "s.pem", tmp_path / "s-key.pem", tmp_path / "ca.pem", verify=True,
            pinned_certs=[pin], timeout=60,
        )  # fmt: skip
        return Options(host="127.0.0.1", port=-1, tls=tls)

    @on_loop
    async def run() -> None:
        async with Server(options(shown.pin)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
            await reader.readline()
            await wait_until_async(lambda: bool(server.handler.arrivals.waiting), "the handshake")
            server.load_options = lambda: options("ab" * 32)
            assert server.reload()
            with contextlib.suppress(OSError):  # it may see the end as a reset
                await writer.start_tls(context, server_hostname="localhost")
                writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
                assert await reader.readline() == b""
            writer.close()

    run()
