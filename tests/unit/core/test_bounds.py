"""The resources that a client may use before and after CONNECT."""

from __future__ import annotations

from pynats_server.threaded import ThreadedServer

from tests.support.raw import RawClient


def test_blanks_after_connect_are_bounded() -> None:
    with ThreadedServer() as server, RawClient(server.server.client_port) as client:
        client.read_info()
        client.send(b"CONNECT ")
        for _ in range(64):
            client.send(b" " * 65536)
        assert client.read_to_end()
        assert b"maximum control line exceeded" in client.received
