"""A line that comes again and again is judged as the first one was, and by what counts now."""

from __future__ import annotations

from pathlib import Path

import pytest

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
