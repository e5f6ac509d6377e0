"""How long the server waits for who says nothing: as long as the real one."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

USERS = "users: [{ user: a, password: b }]"
EARLY_S = 0.1  # by which clocks may differ


def test_an_authorization_timeout_of_0_is_the_usual_one(tmp_path: Path, recorded: Recorded) -> None:
    def told(kind: str) -> list[object]:
        config = f"authorization {{ timeout: 0, {USERS} }}\n"
        with ServerProcess(kind, tmp_path / kind, config, monitor=True) as server:
            with RawClient(server.port) as client:
                client.read_info()
                begins, known = time.monotonic(), len(client.received)
                assert client.read_to_end()
                said = bytes(client.received[known:]).decode()
            waited = time.monotonic() - begins > 2 - EARLY_S
            return [server.monitoring("/varz")["auth_timeout"], said, waited]

    theirs = recorded.of(lambda: told(REFERENCE))
    assert told(PYNATS) == theirs == [2, "-ERR 'Authentication Timeout'\r\n", True]


def test_the_header_of_a_proxy_is_waited_for_5_seconds(tmp_path: Path, recorded: Recorded) -> None:
    """Whether it was begun or not, and with log-ins or not."""

    def told(kind: str) -> list[list[object]]:
        config = f"proxy_protocol: true\nauthorization {{ timeout: 2, {USERS} }}\n"
        with ServerProcess(kind, tmp_path / kind, config) as server:
            begins = time.monotonic()
            clients = [RawClient(server.port) for _ in range(2)]
            clients[0]._write(b"PROXY TCP4 ")
            found: list[list[object]] = []
            for client in clients:
                with client:
                    client.read_info()
                    known = len(client.received)
                    assert client.read_to_end()
                    said = bytes(client.received[known:]).decode()
                    found.append([said, time.monotonic() - begins > 5 - EARLY_S])
            return found

    theirs = recorded.of(lambda: told(REFERENCE))
    assert told(PYNATS) == theirs == [["", True], ["", True]]
