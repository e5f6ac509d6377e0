"""What counts as a message in the figures of a connection, an account and a server."""

from __future__ import annotations

from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine

from tests.support.life import Life, pub


def test_the_answer_that_nobody_listens_counts_as_no_message() -> None:
    life = Life()
    try:
        client = life.client(b"SUB reply 1\r\n" + pub(b"nobody", b"", reply=b"reply"))
        [peer] = life.engine.connections.values()
        assert isinstance(peer, ClientConnection)
        assert b"NATS/1.0 503" in client.recv(1 << 16)
        counted: list[ClientConnection | Account | Engine] = [peer, life.account, life.engine]
        assert [(it.in_msgs, it.out_msgs, it.out_bytes) for it in counted] == [(1, 0, 0)] * 3
        life.say(client, pub(b"reply", b"abc"))
        assert [(it.in_msgs, it.out_msgs, it.out_bytes) for it in counted] == [(2, 1, 3)] * 3
    finally:
        life.end()
    assert life.handler.bugs == []
