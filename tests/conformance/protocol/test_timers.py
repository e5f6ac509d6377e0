"""What the server does by itself: first PING, keep-alive, auth time-out, lame duck, reload.

Each scenario yields a description of what happened, which must be the one recorded of the real
server.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.conformance.protocol.configs import CONFIGS
from tests.support.deadline import wait_until
from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded, plain
from tests.support.transcript import parse_transcript, show

QUIET = b'CONNECT {"verbose":false,"protocol":%d}\r\n'
Scenario = Callable[[ServerProcess], dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """Plays a scenario against our server, and against the real one where it may be asked."""

    recorded: Recorded
    kind: str
    folder: Path

    def __call__(self, scenario: Scenario, config: str) -> None:
        def theirs() -> Any:
            with ServerProcess(REFERENCE, self.folder / "reference", config) as server:
                return scenario(server)

        expected = self.recorded.of(theirs)
        with ServerProcess(self.kind, self.folder / "ours", config) as ours:
            assert plain(scenario(ours)) == expected
            assert "Traceback" not in ours.log()


@pytest.fixture
def compare(recorded: Recorded, kind_under_test: str, tmp_path: Path) -> Comparison:
    return Comparison(recorded, kind_under_test, tmp_path)


def _connected(server: ServerProcess, protocol: int = 0) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    client.send(QUIET % protocol)
    client.fence()
    return client


def _told(client: RawClient) -> str:
    """Everything after the greeting."""
    return "\n".join(
        show(item) for item in parse_transcript(bytes(client.received), client.port)[1:]
    )


def test_first_ping_comes_about_two_seconds_after_connect(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        with RawClient(server.port, timeout_s=10) as client:
            client.read_info()
            client.send(QUIET % 1)
            start = monotonic()
            arrived = client.read_until(b"PING\r\n")
            elapsed = monotonic() - start
            client.send(b"PONG\r\n")
            client.fence()
            return {"came": arrived, "in time": 1.0 < elapsed < 6.0, "told": _told(client)}

    compare(scenario, "")


def test_unanswered_pings_end_in_stale_connection(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        with _connected(server) as client:
            client.read_to_end(10)
            return {"closed": client.closed, "told": _told(client)}

    compare(scenario, CONFIGS["stale"])


def test_answered_pings_keep_the_connection(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        with _connected(server) as client:
            for number in range(1, 7):
                wait_until(
                    lambda wanted=number: client.read_some(0.05) or _pings(client) >= wanted,  # type: ignore[misc]
                    "next PING",
                )
                client.send(b"PONG\r\n")
            client.fence()
            return {"closed": client.closed, "six came": _pings(client) >= 6}

    def _pings(client: RawClient) -> int:
        return client.received.count(b"PING\r\n")

    compare(scenario, CONFIGS["stale"])


def test_authentication_timeout(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        silent = RawClient(server.port)
        partial = RawClient(server.port)
        silent.read_info()
        partial.read_info()
        partial.send(b'CONNECT {"user":"ann","pass":')
        outcome: dict[str, Any] = {}
        for name, client in (("silent", silent), ("partial", partial)):
            closed = client.read_to_end(10)
            outcome[f"{name} closed"] = closed
            outcome[f"{name} told"] = _told(client)
            client.close()
        return outcome

    compare(scenario, CONFIGS["auth_timeout"])


def test_lame_duck_announces_itself_and_accepts_nobody(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
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
        outcome = {
            "announced": told,
            "newcomer refused": refused,
            "new client told": _told(new),
            "old client told": _told(old),
            "logged": server.logs("Entering lame duck mode"),
        }
        new.close()
        old.close()
        server.kill()  # would otherwise wait for the end of the grace period
        return outcome

    config = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "5s"\n'
    compare(scenario, config)


def test_lame_duck_without_clients_ends_at_once(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        server.signal(signal.SIGUSR2)
        return {"exit": server.wait()}

    compare(scenario, 'lame_duck_duration: "30s"\n')


def test_reloaded_max_payload_is_enforced(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        client = _connected(server, 0)
        _reload(server, "max_payload: 64\n")
        client.send(b"PUB foo 65\r\n" + b"x" * 65 + b"\r\n")
        client.read_to_end(5)
        told = _told(client)
        client.close()
        with RawClient(server.port) as fresh:
            (greeting,) = parse_transcript(fresh.read_info(), server.port)
        return {"told": told, "next": show(greeting)}

    compare(scenario, "max_payload: 1000\n")


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


def test_signals_are_logged(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        _reload(server, "max_payload: 64\n")
        server.signal(signal.SIGUSR1)
        wait_until(lambda: "signal 1" in server.log(), "the line")
        server.signal(signal.SIGUSR2)
        server.wait()
        lines = [line.partition("[INF] ")[2] for line in server.log().splitlines()]
        kept = [line for line in lines if line.startswith(("Trapped", "Reloaded server"))]
        return {"log": "\n".join(kept)}

    compare(scenario, "max_payload: 1000\n")


def test_terminated_server_closes_clients_and_exits_cleanly(compare: Comparison) -> None:
    def scenario(server: ServerProcess) -> dict[str, Any]:
        with _connected(server, 1) as client:
            server.signal(signal.SIGTERM)
            client.read_to_end(10)
            return {"closed": client.closed, "told": _told(client), "exit": server.wait()}

    compare(scenario, "")
