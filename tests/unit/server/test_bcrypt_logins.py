"""Slow log-ins: floods, time-outs, and reloads that change hashes."""

from __future__ import annotations

import asyncio
import fcntl
import json
import signal
import socket
import struct
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from pynats_common.network.urls import network_of
from pynats_server import Options, Server
from pynats_server.auth import REFUSED, Answer, Hello
from pynats_server.auth.chain import Chain
from pynats_server.auth.passwords import Attempt, PasswordLogin
from pynats_server.clients.logins import checks, reauthorize
from pynats_server.clients.logins.checks import CHECKS_AT_ONCE
from pynats_server.options import Authorization, User

from tests.support.deadline import PATIENCE_S, next_turn, wait_until, wait_until_async
from tests.support.on_loop import on_loop
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

    def slow(self: PasswordLogin, hello: Hello, attempt: Attempt) -> Answer:
        asked[0] += 1
        assert gate.wait(PATIENCE_S)
        return REFUSED

    monkeypatch.setattr(PasswordLogin, "_compare_hash", slow)
    asyncio.run(_flood(gate, abort))
    assert 0 < asked[0] <= CHECKS_AT_ONCE


async def _flood(gate: threading.Event, abort: bool) -> None:
    """Clients log in while the gate is shut, then disconnect. When it opens, their checks end at
    once."""
    # Nobody is cut for being slow, however loaded the machine is.
    auth = Authorization(users=[User("ann", hashed("pw"))], timeout=PATIENCE_S)
    async with Server(Options(host="127.0.0.1", port=-1, authorization=auth)) as server:
        try:
            clients = [await _log_in(server) for _ in range(FLOOD)]
            await wait_until_async(lambda: len(server.handler.checks) == FLOOD, "all asking")
            for client in clients:
                if abort:  # with a reset
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
            if abort:
                await wait_until_async(lambda: not len(server.handler.checks), "all dropped")
            # Name look-ups and monitoring do not wait for log-ins.
            await asyncio.wait_for(asyncio.to_thread(lambda: None), PATIENCE_S)
        finally:
            gate.set()
        await wait_until_async(
            lambda: not len(server.handler.checks) and not server.state.engine.connections,
            "all gone",
        )


async def _log_in(
    server: Server, secret: str = "x", address: str = "127.0.0.1", user: str = "ann"
) -> socket.socket:  # fmt: skip
    client = socket.create_connection(
        ("127.0.0.1", server.client_port), timeout=PATIENCE_S, source_address=(address, 0)
    )
    await next_turn()
    said = json.dumps({"user": user, "pass": secret}).encode()
    client.sendall(b"CONNECT %b\r\nPING\r\n" % said)
    return client


class Bench:
    """A server whose checks wait for the test, one at a time, and are noted by password."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.allowed = threading.Semaphore(0)
        monkeypatch.setattr(checks, "CHECKS_AT_ONCE", 1)
        monkeypatch.setattr(PasswordLogin, "_compare_hash", self._slow)

    def _slow(self, hello: Hello, attempt: Attempt) -> Answer:
        self.begun.append(hello.said.password)
        assert self.allowed.acquire(timeout=PATIENCE_S)
        return REFUSED


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(monkeypatch)
    yield made
    for _ in range(FLOOD):
        made.allowed.release()


def strict(timeout_s: float = 60.0) -> Server:
    auth = Authorization(users=[User("ann", hashed("pw"))], timeout=timeout_s)
    return Server(Options(host="127.0.0.1", port=-1, authorization=auth))


@on_loop
async def test_a_flood_from_one_address_delays_another_by_one_check(bench: Bench) -> None:
    async with strict() as server:
        flood = [await _log_in(server, f"flood{number}") for number in range(50)]
        await wait_until_async(lambda: len(server.handler.checks) == 50, "the flood")
        other = await _log_in(server, "other", "127.0.0.2")
        await wait_until_async(lambda: len(server.handler.checks) == 51, "the other")
        for _ in range(3):
            bench.allowed.release()
        await wait_until_async(lambda: len(bench.begun) == 4, "three checks more")
        assert "other" in bench.begun
        for client in (*flood, other):
            client.close()
        for _ in range(60):
            bench.allowed.release()


@on_loop
async def test_of_one_address_the_newest_is_checked_first(bench: Bench) -> None:
    async with strict() as server:
        clients = [await _log_in(server, str(number)) for number in range(5)]
        await wait_until_async(lambda: len(server.handler.checks) == 5, "all")
        for _ in range(5):
            bench.allowed.release()
        await wait_until_async(lambda: len(bench.begun) == 5, "all checks")
        others = bench.begun[1:]
        assert others == sorted(others, key=int, reverse=True)
        for client in clients:
            client.close()


@on_loop
async def test_no_flood_keeps_in_who_must_leave(bench: Bench) -> None:
    def options(secret: str) -> Options:
        listed = [User("ann", hashed("pw")), User("bob", secret)]
        return Options(host="127.0.0.1", port=-1, authorization=Authorization(users=listed))

    async with Server(options("plain")) as server:
        bob = await _log_in(server, "plain", user="bob")
        await wait_until_async(lambda: [c.user for c in server.state.clients()] == ["bob"], "bob")
        flood = [await _log_in(server, f"flood{number}") for number in range(3)]
        await wait_until_async(lambda: len(server.handler.checks) == 3, "the flood")
        reauthorize.reload(server.state, server.handler.log_in, Chain(options(hashed("new")), ""))
        flood += [await _log_in(server, f"newer{number}") for number in range(3)]
        await wait_until_async(lambda: len(server.handler.checks) == 7, "all")
        for _ in range(2):
            bench.allowed.release()
        await wait_until_async(lambda: len(bench.begun) == 3, "two checks more")
        # What was under way when the rules changed is done again, by the new ones.
        assert bench.begun == ["flood0", "flood0", "plain"]
        for client in (bob, *flood):
            client.close()


@on_loop
async def test_the_time_for_a_log_in_also_runs_while_it_waits_for_its_check(bench: Bench) -> None:
    async with strict(timeout_s=0.2) as server:
        clients = [await _log_in(server, str(number)) for number in range(5)]
        await wait_until_async(lambda: len(server.handler.checks) == 1, "the waiting ones' end")
        assert len(bench.begun) == 1  # nobody asks for those any more
        ended = [client.recv(1 << 16) for client in clients if clients.index(client)]
        assert all(b"'Authentication Timeout'" in text for text in ended), ended
        for client in clients:
            client.close()
        bench.allowed.release()


@on_loop
async def test_little_is_held_of_who_has_not_logged_in(bench: Bench) -> None:
    held_max, sent = 8192, 30_000
    async with strict() as server:
        client = await _log_in(server)
        await wait_until_async(lambda: bench.begun, "the check")
        client.sendall(b"PUB a 29000\r\n" + bytes(sent))
        another = await _log_in(server)  # what it sends comes together with the log-in
        another.sendall(b"PUB a 29000\r\n" + bytes(sent))
        await wait_until_async(lambda: len(server.handler.checks) == 2, "both")
        for connection in server.state.clients():

            def unread(fd: int = connection.fd) -> int:
                answer = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
                return int(struct.unpack("i", answer)[0])

            await wait_until_async(lambda: unread() >= sent - held_max, "left to the system")
        for peer in (client, another):
            peer.close()
        for _ in range(3):
            bench.allowed.release()


def test_networks_of_the_newer_protocol_count_as_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::2:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("fe80::1%lo") == "fe80:0000:0000:0000"
    assert network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("::ffff:10.0.0.1") == "10.0.0.1"
