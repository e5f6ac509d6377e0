"""Log-ins that take long: floods of them, time-outs, and what a reload makes of changed hashes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from pynats_server import Options, Server
from pynats_server.auth import StaticAuthenticator, Verdict
from pynats_server.clients.handler import CHECKS_AT_ONCE
from pynats_server.options import Authorization, User

from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient

KINDS = pytest.mark.parametrize("kind", [REFERENCE, PYNATS])
FLOOD = 200


def hashed(secret: str, cost: int = 4) -> str:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(cost)).decode()


def users(password: str, timeout: str = "2s") -> str:
    return (
        f'authorization {{ timeout: "{timeout}", users: [{{user: ann, password: "{password}"}}] }}'
    )


def login(server: ServerProcess, **credentials: str) -> RawClient:
    client = RawClient(server.port, timeout_s=20.0)
    client.read_info()
    client.send(b'CONNECT {"verbose":false,%b\r\n' % json.dumps(credentials)[1:].encode())
    client.fence()
    return client


def reload(server: ServerProcess, config: str) -> None:
    count = server.log().count("Reloaded server configuration")
    server.write_config(config)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log().count("Reloaded server configuration") > count, "the reload")


@KINDS
def test_a_hash_that_takes_longer_than_the_timeout_still_lets_in(kind: str, tmp_path: Path) -> None:
    config = users(hashed("pw", 12), "50ms")
    with (
        ServerProcess(kind, tmp_path, config) as server,
        login(server, user="ann", **{"pass": "pw"}) as client,
    ):
        assert not client.closed
        assert b"PONG" in client.received


@KINDS
@pytest.mark.parametrize("who", ["token", "user"])
def test_reload_cuts_those_whose_hash_changed_and_nobody_else(
    kind: str, who: str, tmp_path: Path
) -> None:
    credentials = {"auth_token": "s1"} if who == "token" else {"user": "ann", "pass": "s1"}

    def config(hash_: str) -> str:
        return f'authorization {{ token: "{hash_}" }}' if who == "token" else users(hash_)

    same = hashed("s1")
    with ServerProcess(kind, tmp_path, config(same)) as server, login(server, **credentials) as c:
        reload(server, config(same) + "\nmax_payload: 2000\n")
        c.fence()
        assert not c.closed
        reload(server, config(hashed("s1")) + "\nmax_payload: 2000\n")  # a new salt
        c.fence()
        assert not c.closed
        reload(server, config(hashed("s2")) + "\nmax_payload: 2000\n")
        assert c.read_to_end(20.0)
        assert b"Authorization Violation" in c.received


@pytest.mark.parametrize("abort", [False, True])
def test_log_ins_of_those_who_left_are_not_checked(
    abort: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked = threading.Event(), [0]

    def slow(self: StaticAuthenticator, options: Any) -> Verdict | None:
        asked[0] += 1
        assert gate.wait(20.0)
        return None

    monkeypatch.setattr(StaticAuthenticator, "slow", slow)
    asyncio.run(_flood(gate, abort))
    assert 0 < asked[0] <= CHECKS_AT_ONCE


async def _flood(gate: threading.Event, abort: bool) -> None:
    """Log-ins wait behind the gate and leave; then it opens, and the rest is over at once."""
    auth = Authorization(users=[User("ann", hashed("pw"))])
    async with Server(Options(host="127.0.0.1", port=-1, authorization=auth)) as server:
        try:
            clients = [await _log_in(server) for _ in range(FLOOD)]
            await _until(lambda: len(server.handler._checks) == FLOOD)
            for client in clients:
                if abort:  # with a reset
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
            if abort:
                await _until(lambda: not server.handler._checks)
            # Name look-ups and monitoring do not queue up behind log-ins.
            await asyncio.wait_for(asyncio.to_thread(lambda: None), 20)
        finally:
            gate.set()
        await _until(lambda: not server.handler._checks and not server.state.engine.connections)


async def _log_in(server: Server) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.client_port), timeout=20)
    await asyncio.sleep(0)
    client.sendall(b'CONNECT {"user":"ann","pass":"x"}\r\n')
    return client


async def _until(probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not probe():
            await asyncio.sleep(0.01)
