"""Our server in some state, and the real one in the same state where it may be asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.conformance.monitor.scene import ask
from tests.support.process import REFERENCE, ServerProcess
from tests.support.records import Recorded, as_text, difference

Prepare = Callable[[ServerProcess, ExitStack], object]
Look = Callable[[ServerProcess], Any]


class Twins:
    """A server of each kind under one configuration, the real one started when it is asked.

    `prepare` brings a server into its state; what it opens is closed by the stack it is given.
    """

    def __init__(self, kind: str, folder: Path, config: str, prepare: Prepare | None) -> None:
        self._folder = folder
        self._config = config
        self._prepare = prepare
        self._stack = ExitStack()
        self.ours = self._start("ours", kind)

    def __enter__(self) -> Twins:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def reference(self) -> ServerProcess:
        return self._start("reference", REFERENCE)

    def _start(self, name: str, kind: str) -> ServerProcess:
        server = ServerProcess(kind, self._folder / name, self._config, monitor=True)
        self._stack.callback(server.stop)
        server.start()
        if self._prepare is not None:
            self._prepare(server, self._stack)
        return server

    def compare(self, recorded: Recorded, look: Look, part: str = "") -> None:
        """What `look` finds on ours is what it found on the real server."""
        expected = as_text(recorded.of(lambda: look(self.reference), part))
        found = as_text(look(self.ours))
        assert found == expected, difference(expected, found)


def text_of(path: str, method: str = "GET", headers: tuple[str, ...] = ()) -> Look:
    """Status and body as they are, with some of the headers."""

    def look(server: ServerProcess) -> dict[str, Any]:
        reply = ask(server, path, method)
        shown = {name: reply.headers.get(name) for name in headers}
        return {"status": reply.status, **shown, "body": reply.body}

    return look
