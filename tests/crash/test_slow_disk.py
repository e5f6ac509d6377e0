"""If fsync does not return, only requests that need the disk wait."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from pynats_server.jetstream import account
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.options import AccountLimits

from tests.support.deadline import wait_until_async
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
    """A gate: while it is shut, fsync calls of Python code wait. Calls on the loop's thread are
    recorded instead, because they are an error."""

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


CHANGES_OF_OLD: list[tuple[str, str, dict[str, Any] | None]] = [
    ("write_new_stream", "STREAM.CREATE.NEW", {"name": "NEW", "subjects": ["new"]}),
    ("move_in", "STREAM.CREATE.NEW", {"name": "NEW", "subjects": ["new"]}),
    ("change_meta", "STREAM.UPDATE.OLD", {"name": "OLD", "subjects": ["old", "new"]}),
    ("put_aside", "STREAM.DELETE.OLD", None),
]


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, work: str) -> Iterator[threading.Event]:
    """Makes the thread of a change wait before `work` until the block ends; yields a function that
    tells whether it waits."""
    reached, go_on = threading.Event(), threading.Event()
    owner = account if hasattr(account, work) else FileStore
    real = getattr(owner, work)

    def wait(*arguments: Any) -> Any:
        reached.set()
        go_on.wait()
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, work, wait)
        try:
            yield reached
        finally:
            go_on.set()


@pytest.mark.parametrize("work, subject, body", CHANGES_OF_OLD)
@pytest.mark.parametrize("again", [False, True], ids=["off", "off and on"])
def test_jetstream_switched_off_during_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, subject: str, body: Any, again: bool
) -> None:
    """Running changes finish first, and later acknowledged messages exist after a restart."""

    async def kept(client: Client) -> dict[str, int]:
        listed = (await api(client, "STREAM.LIST"))["streams"]
        figures = await api(client, "INFO")
        assert figures["storage"] == sum(stream["state"]["bytes"] for stream in listed)
        return {stream["config"]["name"]: stream["state"]["messages"] for stream in listed}

    async def publish(client: Client) -> None:
        for name in ("old", "new"):
            with contextlib.suppress(NoRespondersError):
                assert "error" not in json.loads((await client.request(name, b"x")).data)

    async def run() -> None:
        before = {}
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            jetstream, of_all = server.state.jetstream, server.state.accounts["$G"]
            assert jetstream is not None
            await api(client, "STREAM.CREATE.OLD", {"name": "OLD", "subjects": ["old"]})
            await client.request("old", b"x")
            with held(monkeypatch, work) as reached:
                asked = asyncio.ensure_future(api(client, subject, body))
                await wait_until_async(reached.is_set, work)
                jetstream.refuse(of_all)
                if again:
                    jetstream.enable_again(of_all, AccountLimits())
            await asked
            if again:

                async def back() -> bool:
                    return "error" not in await api(client, "INFO")

                await wait_until_async(back, "JetStream on again")
                await publish(client)
                before = await kept(client)
            else:
                for name in ("old", "new"):  # the streams no longer listen
                    with pytest.raises(NoRespondersError):
                        await client.request(name, b"x")
                await wait_until_async(lambda: jetstream.figures().storage == 0, "nothing counted")
            await client.close()
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)
            after = await kept(client)
            assert after == before or not again
            assert ("OLD" in after) == (body is not None)
            await client.close()

    asyncio.run(run())
