"""Slow log-ins: floods, time-outs, and reloads that change hashes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from pynats_server import Options, Server
from pynats_server.auth import StaticAuthenticator, Verdict
from pynats_server.clients.handler import CHECKS_AT_ONCE
from pynats_server.options import Authorization, User

from tests.support.deadline import PATIENCE_S, next_turn, wait_until, wait_until_async
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient

KINDS = pytest.mark.parametrize(
    "kind", [PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)]
)
FLOOD = 200


def hashed(secret: str, cost: int = 4) -> str:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(cost)).decode()


def users(password: str, timeout: str = "2s") -> str:
    return (
        f'authorization {{ timeout: "{timeout}", users: [{{user: ann, password: "{password}"}}] }}'
    )


def login(server: ServerProcess, **credentials: str) -> RawClient:
    client = RawClient(server.port, timeout_s=PATIENCE_S)
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
        assert c.read_to_end()
        assert b"Authorization Violation" in c.received


@pytest.mark.parametrize("abort", [False, True])
def test_log_ins_of_those_who_left_are_not_checked(
    abort: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked = threading.Event(), [0]

    def slow(self: StaticAuthenticator, options: Any) -> Verdict | None:
        asked[0] += 1
        assert gate.wait(PATIENCE_S)
        return None

    monkeypatch.setattr(StaticAuthenticator, "slow", slow)
    asyncio.run(_flood(gate, abort))
    assert 0 < asked[0] <= CHECKS_AT_ONCE


async def _flood(gate: threading.Event, abort: bool) -> None:
    """Clients log in while the gate is shut, then disconnect. When it opens, their checks end at
    once."""
    auth = Authorization(users=[User("ann", hashed("pw"))])
    async with Server(Options(host="127.0.0.1", port=-1, authorization=auth)) as server:
        try:
            clients = [await _log_in(server) for _ in range(FLOOD)]
            await wait_until_async(lambda: len(server.handler._checks) == FLOOD, "all asking")
            for client in clients:
                if abort:  # with a reset
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
            if abort:
                await wait_until_async(lambda: not server.handler._checks, "all dropped")
            # Name look-ups and monitoring do not wait for log-ins.
            await asyncio.wait_for(asyncio.to_thread(lambda: None), PATIENCE_S)
        finally:
            gate.set()
        await wait_until_async(
            lambda: not server.handler._checks and not server.state.engine.connections, "all gone"
        )


async def _log_in(server: Server) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.client_port), timeout=PATIENCE_S)
    await next_turn()
    client.sendall(b'CONNECT {"user":"ann","pass":"x"}\r\n')
    return client
