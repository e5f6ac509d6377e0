"""One running server per configuration, shared by all cases of a session."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.process import ServerProcess

# Texts that must never appear in a server's log.
_TRACES = re.compile(r"Traceback \(most recent call last\)|panic:|\bSegmentation fault\b|\[FTL\]")


class ServerPool:
    """Starts servers of one kind on first use and ends them together."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._servers: dict[tuple[str, str], ServerProcess] = {}

    def __enter__(self) -> ServerPool:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.stop()

    def get(self, name: str, config: str) -> ServerProcess:
        """The server of that name and configuration: cases of several suites may use a name. A dead
        one is not restarted but fails the test."""
        server = self._servers.get((name, config))
        if server is None:
            number = sum(known == name for known, _ in self._servers)
            folder = self._folder / (f"{name}-{number}" if number else name)
            server = ServerProcess(self.kind, folder, config)
            self._servers[name, config] = server
            server.start()
        assert_healthy(server)
        return server

    def assert_healthy(self) -> None:
        """Every started server runs and logged no crash."""
        for server in self._servers.values():
            assert_healthy(server, read_log=True)


def assert_healthy(server: ServerProcess, read_log: bool = False) -> None:
    """The process lives; with `read_log`, also that its log shows no crash."""
    assert server.alive, f"{server.kind} died ({server.exit_code}):\n{server.log()[-4000:]}"
    if read_log:
        found = _TRACES.search(server.log())
        assert found is None, (
            f"{server.kind} logged a crash:\n{server.log()[found.start() :][:4000]}"
        )
