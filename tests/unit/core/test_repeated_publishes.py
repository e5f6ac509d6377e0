"""A line that comes again and again is judged as the first one was, and by what counts now."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection

from tests.support.life import Life, pub
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient


def connected(server: ServerProcess) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    client.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n')
    client.fence()
    return client


@pytest.mark.parametrize("subject", [b"$NRG.x", b"$GR.x", b"_GR_.x.y"])
def test_subjects_of_servers_are_refused_every_time(subject: bytes, tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path) as server, connected(server) as client:
        client.send(b"SUB > 1\r\n")
        client.send(b"PUB " + subject + b" 1\r\nx\r\n")
        client.fence()
        client.send((b"PUB " + subject + b" 1\r\nx\r\n") * 5)
        client.fence()
        assert client.received.count(b"-ERR 'Permissions Violation for Publish") == 6
        assert b"MSG" not in client.received


def test_a_line_leads_to_the_account_that_its_client_is_in(life: Life) -> None:
    other = Account("B")
    got: list[str] = []
    for account in life.account, other:
        account.subscribe(b"x", lambda to, *_: got.append(to.name))
    producer = life.client()
    (client,) = life.engine.connections.values()
    assert isinstance(client, ClientConnection)
    life.say(producer, pub(b"x", b"1") * 4)
    client.admit(other, None)
    life.say(producer, pub(b"x", b"1") * 4)
    assert got == ["A"] * 4 + ["B"] * 4


def test_a_lowered_maximum_counts_for_the_same_line_too(tmp_path: Path) -> None:
    line = b"PUB x 50\r\n" + b"x" * 50 + b"\r\n"
    with (
        ServerProcess(PYNATS, tmp_path, "max_payload: 100\n") as server,
        connected(server) as client,
    ):
        for _ in range(5):
            client.send(line)
            client.fence()
        assert server.reload("max_payload: 10\n")
        client.send(line)
        client.read_to_end(10)
        assert b"Maximum Payload Violation" in client.received
