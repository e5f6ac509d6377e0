"""The reference server with JetStream, as the records of a test have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import ServerProcess
from tests.support.records import Recorded

STRICT = ""
LENIENT = "strict: false"
# The real server removes the folder of an account with its last stream, and may do so just after
# the next one was asked for. A stream that stays avoids that, and a mirror has no subjects.
KEEPER: dict[str, Any] = {"name": "KEEPER", "mirror": {"name": "NOTHING"}}


_ORIGIN = re.compile(r"(?m)(^Nats-Stream-Source: .* )[0-9A-Za-z]{8}(?=\r$)")


def without_ids(headers: str) -> str:
    """A header block in which the origin's id, another for every stream, is masked."""
    return _ORIGIN.sub(r"\1<origin>", headers)


class Reference:
    """What that server said to the questions of one test, in an account without other streams."""

    def __init__(self, recorded: Recorded, servers: ServerPool) -> None:
        self.recorded = recorded
        self._servers = servers

    def of(self, ask: Callable[[Oracle], Any], part: str = "", settings: str = STRICT) -> Any:
        """What `ask` returned; it is called where the reference may be asked (see `Recorded`)."""
        return self.recorded.of(lambda: self.asked(ask, settings), part)

    def asked(self, ask: Callable[[Oracle], Any], settings: str = STRICT) -> Any:
        """The same from the server itself."""
        return ask_live(self._servers, ask, settings)


def ask_live(servers: ServerPool, ask: Callable[[Oracle], Any], settings: str = STRICT) -> Any:
    """What `ask` returns of the reference itself, where no streams are before and after."""
    server = reference_server(servers, settings)
    with Oracle(server.port) as client:
        clear(server, client)
        try:
            return ask(client)
        finally:
            clear(server, client)


def reference_server(servers: ServerPool, settings: str = STRICT) -> ServerProcess:
    """The one that all tests share which ask it; `settings` are more lines of its block."""
    name = "oracle-lenient" if settings else "oracle"
    server = servers.get(name, f'jetstream {{ store_dir: "@FOLDER@/store", {settings} }}\n')
    with Oracle(server.port) as client:
        client.api("STREAM.CREATE.KEEPER", **KEEPER)
    return server


def clear(server: ServerProcess, client: Oracle) -> None:
    """Only the keeper is left, also on the disk: files that the server has not removed yet become
    part of a new stream of the same name. (Names near the file system's limit it never removes.)"""
    for name in client.api("STREAM.NAMES")["streams"]:
        if name != "KEEPER":
            client.api(f"STREAM.DELETE.{name}")
    streams: Path = server.folder / "store" / "jetstream" / "$G" / "streams"
    wait_until(
        lambda: all(path.name == "KEEPER" or len(path.name) > 240 for path in streams.glob("*")),
        "the end of the deleted streams",
    )
