"""How many subscriptions there are, at importers and exporters: each comes and goes with its
client, as on the real server."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.accounts.rows.names import stream, streams
from tests.conformance.accounts.test_shares import connect
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

CONFIG = streams(stream("ev.>", ", prefix: pre"), stream("ev.only"))
STEPS = [
    "SUB pre.ev.> 1", "SUB pre.ev.x g 2", "SUB ev.only 3", "SUB > 4", "SUB other 5", "SUB > 4",
    "UNSUB 4", "UNSUB 1", "UNSUB 1", "SUB pre.* 6", "SUB *.ev.* q 7",
]  # fmt: skip


def counts(kind: str, folder: Path) -> list[int]:
    """How many more than at the start after each step, and after the client has gone."""
    with ServerProcess(kind, folder / kind, CONFIG, monitor=True) as server:

        def now() -> int:
            number: int = server.monitoring("/subsz")["num_subscriptions"]
            return number

        client = connect(server.port, "b")
        before = now()
        told = []
        for step in STEPS:
            client.send(f"{step}\r\n".encode())
            client.fence()
            told.append(now() - before)
        client.close()
        wait_until(lambda: now() == before, "the end of the client's subscriptions")
        for _ in range(20):
            other = connect(server.port, "b")
            other.send(b"SUB > 1\r\nSUB pre.> g 2\r\nUNSUB 1\r\nSUB > 3\r\nUNSUB 3 1\r\n")
            other.fence()
            other.close()
        wait_until(lambda: now() == before, "the end of all subscriptions")
        return told


def test_shadows_come_and_go_with_their_subscriptions(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: counts(REFERENCE, tmp_path))
    assert counts(PYNATS, tmp_path) == expected
