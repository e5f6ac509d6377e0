"""What the server does by itself: first PING, keep-alive, auth time-out, lame duck, reload.

Each scenario runs against both servers and yields a description that must be equal.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.conformance.protocol.configs import CONFIGS
from tests.support.deadline import wait_until
from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.transcript import parse_transcript

pytestmark = pytest.mark.reference

QUIET = b'CONNECT {"verbose":false,"protocol":%d}\r\n'
Scenario = Callable[[ServerProcess], Any]


def _compare(scenario: Scenario, config: str, kind: str, folder: Path) -> None:
    with ServerProcess(REFERENCE, folder / "reference", config) as theirs:
        expected = scenario(theirs)
    with ServerProcess(kind, folder / "ours", config) as ours:
        assert scenario(ours) == expected
        assert "Traceback" not in ours.log()


def _connected(server: ServerProcess, protocol: int = 0) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    client.send(QUIET % protocol)
    client.fence()
    return client


def _after_greeting(client: RawClient, port: int) -> list[Any]:
    return parse_transcript(bytes(client.received), port)[1:]


def test_first_ping_comes_about_two_seconds_after_connect(
    kind_under_test: str, tmp_path: Path
) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        with RawClient(server.port, timeout_s=10) as client:
            client.read_info()
            client.send(QUIET % 1)
            start = monotonic()
            arrived = client.read_until(b"PING\r\n")
            elapsed = monotonic() - start
            client.send(b"PONG\r\n")
            client.fence()
            return [arrived, 1.0 < elapsed < 6.0, _after_greeting(client, server.port)]

    _compare(scenario, "", kind_under_test, tmp_path)


def test_unanswered_pings_end_in_stale_connection(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        with _connected(server) as client:
            client.read_to_end(10)
            return [client.closed, _after_greeting(client, server.port)]

    _compare(scenario, CONFIGS["stale"], kind_under_test, tmp_path)


def test_answered_pings_keep_the_connection(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        with _connected(server) as client:
            for number in range(1, 7):
                wait_until(
                    lambda wanted=number: client.read_some(0.05) or _pings(client) >= wanted,  # type: ignore[misc]
                    "next PING",
                )
                client.send(b"PONG\r\n")
            client.fence()
            return [client.closed, _pings(client) >= 6]

    def _pings(client: RawClient) -> int:
        return client.received.count(b"PING\r\n")

    _compare(scenario, CONFIGS["stale"], kind_under_test, tmp_path)


def test_authentication_timeout(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        silent = RawClient(server.port)
        partial = RawClient(server.port)
        silent.read_info()
        partial.read_info()
        partial.send(b'CONNECT {"user":"ann","pass":')
        outcome = []
        for client in (silent, partial):
            client.read_to_end(10)
            outcome.append([client.closed, _after_greeting(client, server.port)])
            client.close()
        return outcome

    _compare(scenario, CONFIGS["auth_timeout"], kind_under_test, tmp_path)


def test_lame_duck_announces_itself_and_accepts_nobody(
    kind_under_test: str, tmp_path: Path
) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        new, old = _connected(server, 1), _connected(server, 0)
        server.signal(signal.SIGUSR2)
        told = new.read_until(b'"ldm":true')
        new.send(b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n")
        new.fence()
        old.fence()
        refused = False
        try:
            RawClient(server.port).close()
        except OSError:
            refused = True
        outcome = [
            told,
            refused,
            _after_greeting(new, server.port),
            _after_greeting(old, server.port),
            "Entering lame duck mode" in server.log(),
        ]
        new.close()
        old.close()
        server.kill()  # would otherwise wait for the end of the grace period
        return outcome

    config = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "5s"\n'
    _compare(scenario, config, kind_under_test, tmp_path)


def test_lame_duck_without_clients_ends_at_once(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> int:
        server.signal(signal.SIGUSR2)
        return server.wait()

    _compare(scenario, 'lame_duck_duration: "30s"\n', kind_under_test, tmp_path)


def test_reloaded_max_payload_is_enforced(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        client = _connected(server, 0)
        _reload(server, "max_payload: 64\n")
        client.send(b"PUB foo 65\r\n" + b"x" * 65 + b"\r\n")
        client.read_to_end(5)
        outcome = [_after_greeting(client, server.port)]
        client.close()
        with RawClient(server.port) as fresh:
            outcome.append(parse_transcript(fresh.read_info(), server.port))
        return outcome

    _compare(scenario, "max_payload: 1000\n", kind_under_test, tmp_path)


def test_reloaded_max_payload_is_announced(kind_under_test: str, tmp_path: Path) -> None:
    """Ours only: the reference 2.15.1 leaves connected clients with the old value."""
    if kind_under_test == REFERENCE:
        pytest.skip("a promise of pynats-server")
    with ServerProcess(kind_under_test, tmp_path, "max_payload: 1000\n") as server:
        new, old = _connected(server, 1), _connected(server, 0)
        _reload(server, "max_payload: 64\n")
        assert new.read_until(b'"max_payload":64,')
        old.fence()
        assert b'"max_payload":64,' not in old.received
        new.close()
        old.close()


def _reload(server: ServerProcess, config: str) -> None:
    server.write_config(config)
    server.signal(signal.SIGHUP)
    wait_until(lambda: "Reloaded server configuration" in server.log(), "reload")


def test_signals_are_logged(kind_under_test: str, tmp_path: Path) -> None:
    def scenario(server: ServerProcess) -> list[str]:
        _reload(server, "max_payload: 64\n")
        server.signal(signal.SIGUSR1)
        wait_until(lambda: "signal 1" in server.log(), "the line")
        server.signal(signal.SIGUSR2)
        server.wait()
        lines = [line.partition("[INF] ")[2] for line in server.log().splitlines()]
        return [line for line in lines if line.startswith(("Trapped", "Reloaded server"))]

    _compare(scenario, "max_payload: 1000\n", kind_under_test, tmp_path)


def test_terminated_server_closes_clients_and_exits_cleanly(
    kind_under_test: str, tmp_path: Path
) -> None:
    def scenario(server: ServerProcess) -> list[Any]:
        with _connected(server, 1) as client:
            server.signal(signal.SIGTERM)
            client.read_to_end(10)
            return [client.closed, _after_greeting(client, server.port), server.wait()]

    _compare(scenario, "", kind_under_test, tmp_path)
