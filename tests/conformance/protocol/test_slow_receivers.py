"""What becomes of a receiver that stands still, and of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

CONNECT = b'CONNECT {"verbose":false}\r\n'
MAX_PENDING = 1_000_000  # bytes
BODY = b"x" * 1000
BATCH = 100  # messages between two fences
BATCHES = 100  # more than kernel buffers and max_pending hold
TIMEOUT = 20.0  # seconds


def _runs() -> bytes:
    return b"PUB data %d\r\n%b\r\n" % (len(BODY), BODY) * BATCH


def _singles() -> bytes:
    """The same deliveries from control lines that never repeat."""
    return b"".join(
        b"PUB data%b%d\r\n%b\r\n" % (b" " * (1 + n % 2), len(BODY), BODY) for n in range(BATCH)
    )


def _flood(server: ServerProcess, batch: bytes) -> Iterator[RawClient]:
    """Yields a receiver that slept while 10 MB came, then the publisher."""
    with RawClient(server.port, TIMEOUT, rcvbuf=1 << 20) as slow:
        slow.send(CONNECT + b"SUB data 1\r\nSUB mark 2\r\n")
        slow.fence()
        slow.received.clear()
        with RawClient(server.port, TIMEOUT) as publisher:
            publisher.send(CONNECT)
            for _ in range(BATCHES):
                publisher.send(batch)
                publisher.fence()
            assert not publisher.timed_out
            yield slow
            yield publisher


@pytest.mark.parametrize("batch", [_runs(), _singles()], ids=["runs", "singles"])
@pytest.mark.parametrize("stall", [True, False])
def test_a_receiver_that_stands_still(
    batch: bytes, stall: bool, recorded: Recorded, kind_under_test: str, tmp_path: Path
) -> None:
    """With no_fast_producer_stall it loses messages instead of its connection."""

    def scenario(kind: str) -> dict[str, bool]:
        with ServerProcess(kind, tmp_path / kind, config) as server:
            clients = _flood(server, batch)
            slow = next(clients)
            publisher = next(clients)
            slow.send(b"PING\r\n")
            slow.read_until(b"PONG\r\n")  # reads all there is
            closed = slow.closed
            publisher.send(b"PUB mark 0\r\n\r\n")
            marked = not closed and slow.read_until(b"MSG mark 2 0\r\n")
            got = slow.received.count(b"MSG data 1 ")
            clients.close()  # type: ignore[attr-defined]
            assert "Traceback" not in server.log()
        return {"closed": closed, "goes on": marked, "lost some": 0 < got < BATCH * BATCHES}

    config = f"max_payload: 8000\nmax_pending: {MAX_PENDING}\n"
    config += f"no_fast_producer_stall: {str(not stall).lower()}\n"
    expected = {"closed": stall, "goes on": not stall, "lost some": True}
    assert recorded.of(lambda: scenario(REFERENCE)) == expected
    assert scenario(kind_under_test) == expected
