"""A disk whose fsync does not return keeps only those waiting who asked it for something."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.jetstream import api, connect, jetstream_server

CHANGES: list[tuple[str, dict[str, Any] | None]] = [
    ("STREAM.CREATE.NEW", {"name": "NEW", "subjects": ["new"]}),
    ("STREAM.UPDATE.NEW", {"name": "NEW", "subjects": ["new", "newer"], "max_msgs": 5}),
    ("STREAM.MSG.DELETE.OLD", {"seq": 2, "no_erase": True}),
    ("STREAM.MSG.DELETE.OLD", {"seq": 3}),
    ("STREAM.PURGE.OLD", None),
    ("STREAM.DELETE.NEW", None),
    ("STREAM.DELETE.OLD", None),
]


class Gate:
    """Where every fsync of Python code waits while it is shut; on the loop's thread it is noted
    instead, because there nothing must ever wait."""

    def __init__(self) -> None:
        self.loop_thread = threading.get_ident()
        self.on_loop: list[str] = []
        self.waited = 0
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()

    def shut(self) -> None:
        self.reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def wrap(self, name: str, real: Any) -> Any:
        def sync(*arguments: Any) -> Any:
            if threading.get_ident() == self.loop_thread:
                self.on_loop.append(name)
            elif not self._open.is_set():
                self.waited += 1
                self.reached.set()
                self._open.wait()
            return real(*arguments)

        return sync


@contextmanager
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    with monkeypatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, made.wrap(name, getattr(os, name)))
        yield made
        made.open()


def test_api_requests_wait_for_the_disk_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            client, other = await connect(server.client_url), await connect(server.client_url)
            await api(client, "STREAM.CREATE.OLD", {"name": "OLD", "subjects": ["old"]})
            for _ in range(5):
                await client.request("old", b"x")
            with gate(monkeypatch) as disk:
                for subject, body in CHANGES:
                    disk.shut()
                    asked = asyncio.ensure_future(api(client, subject, body))
                    while not (disk.reached.is_set() or asked.done()):
                        await other.flush()
                    await other.flush()  # answered while the disk is stuck
                    disk.open()
                    reply = await asked
                    assert "error" not in reply, (subject, reply)
                    assert disk.on_loop == [], subject
                assert disk.waited >= 4  # creating, updating and two deletions at least
            await client.close()
            await other.close()

    asyncio.run(run())
