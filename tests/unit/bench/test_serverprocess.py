"""Finding the process behind a connection."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pynats_bench.judging import serverprocess
from pynats_bench.judging.serverprocess import Place, ServerProcess, behind

SERVER = """
import socket, sys
listener = socket.create_server(
    (sys.argv[1], 0),
    family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
    dualstack_ipv6=":" in sys.argv[1],
)
print(listener.getsockname()[1], flush=True)
link = listener.accept()[0]
link.send(b"x")
link.recv(1)
"""


@contextmanager
def served(host: str) -> Iterator[tuple[int, int]]:
    """A process that takes one connection and keeps it: its port and number."""
    command = (sys.executable, "-S", "-c", SERVER, host)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_a_server_on_this_machine_is_found(host: str) -> None:
    with (
        served(host) as (port, pid),
        socket.create_connection(("127.0.0.1", port)) as link,
    ):
        link.recv(1)
        found = behind(link)
        assert found == ServerProcess(Place.SEEN, pid)
        assert found.cpu_seconds() is not None
    assert found.cpu_seconds() is None  # it has ended


def test_a_process_that_may_not_be_looked_at_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serverprocess, "_owner", lambda inode: 0)
    with (
        served("127.0.0.1") as (port, _),
        socket.create_connection(("127.0.0.1", port)) as link,
    ):
        link.recv(1)
        found = behind(link)
    assert (found.place, found.cpu_seconds()) == (Place.HIDDEN, None)


class Elsewhere:
    """A connection to another machine."""

    def getsockname(self) -> tuple[str, int, int, int]:
        return "fe80::1%eth0", 50_000, 0, 2

    def getpeername(self) -> tuple[str, int, int, int]:
        return "fe80::2%eth0", 4222, 0, 2


def test_a_server_elsewhere_cannot_be_seen() -> None:
    assert behind(Elsewhere()) == ServerProcess(Place.REMOTE)  # type: ignore[arg-type]


def test_tables_of_the_kernel_are_read_in_both_forms() -> None:
    assert serverprocess._read("0100007F:1F90") == (0x7F000001, 8080)
    assert serverprocess._read("0000000000000000FFFF00000100007F:1F90") == (0x7F000001, 8080)
    assert serverprocess._read("00000000000000000000000001000000:0050") == (1, 80)
