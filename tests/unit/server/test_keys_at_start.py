"""A change of key takes long: the loop goes on meanwhile, a stop ends it, reloads wait for it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.folders import keys, root
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    JetStreamOptions,
    Options,
    User,
)
from pynats_server.server.server import Server
from pynats_server.work import Work

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.jetstream import api, connect, until_free

MESSAGES = 30


def kept(folder: Path, key: str, prev_key: str = "") -> JetStreamOptions:
    return JetStreamOptions(
        enabled=True, store_dir=folder, key=key, prev_key=prev_key, cipher="aes"
    )


def options(folder: Path, key: str, prev_key: str = "", **more: Any) -> Options:
    return Options(
        host="127.0.0.1", port=-1, http_port=-1, jetstream=kept(folder, key, prev_key), **more
    )


async def make(url: str, **login: str) -> None:
    """A stream of several blocks."""
    client = await connect(url, **login)
    config = {"name": "S", "subjects": ["s"], "max_bytes": 90_000, "discard": "new"}
    assert "error" not in await api(client, "STREAM.CREATE.S", config)
    for number in range(MESSAGES):
        await client.request("s", b"%d" % number * 1000)
    await client.close()


async def messages(url: str, **login: str) -> int:
    client = await connect(url, **login)
    found = await api(client, "STREAM.INFO.S")
    await client.close()
    return int(found["state"]["messages"])


async def filled(folder: Path, **more: Any) -> None:
    async with Server(options(folder, "A", **more), log=None) as server:
        login = {"user": "a", "password": "p"} if more else {}
        await make(server.client_url, **login)


class Gate:
    """Lets changes wait, before the first step and before each further one, until it opens."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self.opened = threading.Event()
        self.steps = 0

    def wrap(self, real: Callable[..., Work[bool]]) -> Callable[..., Work[bool]]:
        def gated(*args: Any, **more: Any) -> Work[bool]:
            work = real(*args, **more)
            while True:
                self.waiting.set()
                assert self.opened.wait(PATIENCE_S)
                self.steps += 1
                try:
                    next(work)
                except StopIteration as end:
                    return bool(end.value)
                yield

        return gated

    def shut(self) -> None:
        """From now on they wait, and steps are counted anew."""
        self.opened.clear()
        self.waiting.clear()
        self.steps = 0

    async def reached(self) -> None:
        await wait_until_async(self.waiting.is_set, "a change of key")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(keys, "changing_key", gate.wrap(keys.changing_key))
    yield gate
    gate.opened.set()


async def changing(folder: Path, gate: Gate) -> tuple[Server, asyncio.Future[None]]:
    """A server that starts, at the gate: the folder was filled under another key."""
    gate.opened.set()
    await filled(folder)
    gate.shut()
    server = Server(options(folder, "B", "A"), log=None)
    starting = asyncio.ensure_future(server.start())
    await gate.reached()
    return server, starting


def health(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_probes_are_answered_while_streams_get_another_key(tmp_path: Path, gate: Gate) -> None:
    async def scenario() -> None:
        server, starting = await changing(tmp_path, gate)
        code, told = await asyncio.to_thread(health, server.monitor_url)
        assert (code, told["status"]) == (500, "error")  # not ready
        assert not server.ready and not starting.done()
        gate.opened.set()
        await starting
        assert (await asyncio.to_thread(health, server.monitor_url))[0] == 200
        assert await messages(server.client_url) == MESSAGES
        await server.shutdown()

    asyncio.run(scenario())


def test_a_stop_ends_a_change_after_the_block_at_hand(tmp_path: Path, gate: Gate) -> None:
    async def scenario() -> None:
        server, starting = await changing(tmp_path, gate)
        stopping = asyncio.ensure_future(server.shutdown())
        life = server._jetstream_life
        await wait_until_async(lambda: life._preparing and life._preparing.cancelling(), "the stop")
        with pytest.raises(root.StoreInUse):  # a thread works in it
            root.take(tmp_path)
        for _ in range(3):  # until the thread knows
            await next_turn()
        gate.opened.set()
        await stopping
        await starting
        assert gate.steps == 1
        assert list(tmp_path.rglob("meta.key.next"))
        root.take(tmp_path).release()
        async with Server(options(tmp_path, "B", "A"), log=None) as again:
            assert await messages(again.client_url) == MESSAGES
        assert not list(tmp_path.rglob("*.next"))

    asyncio.run(scenario())


def test_a_reload_during_a_change_starts_nothing_twice(tmp_path: Path, gate: Gate) -> None:
    async def scenario() -> None:
        server, starting = await changing(tmp_path, gate)
        changed = dataclasses.replace(server.options, max_payload=5000)
        server.load_options = lambda: changed
        assert server.reload()
        assert server.state.jetstream is None
        gate.opened.set()
        await starting
        assert await messages(server.client_url) == MESSAGES
        await server.shutdown()

    asyncio.run(scenario())


def test_jetstream_that_a_reload_switches_on_changes_keys_aside(tmp_path: Path, gate: Gate) -> None:
    async def scenario() -> None:
        gate.opened.set()
        await filled(tmp_path)
        off = Options(host="127.0.0.1", port=-1)
        async with Server(off, log=None) as server:
            for ends_off in (True, False):
                gate.shut()
                on = dataclasses.replace(server.options, jetstream=kept(tmp_path, "B", "A"))
                server.load_options = lambda on=on: on  # type: ignore[misc]
                assert server.reload()
                await gate.reached()
                assert server.state.jetstream is None
                client = await connect(server.client_url)  # others go on
                await client.close()
                if ends_off:  # another reload, before it has begun
                    without = dataclasses.replace(server.options, jetstream=JetStreamOptions())
                    server.load_options = lambda without=without: without  # type: ignore[misc]
                    assert server.reload()
                gate.opened.set()
                if ends_off:
                    await until_free(tmp_path)
                    assert server.state.jetstream is None
            await wait_until_async(lambda: server.state.jetstream is not None, "JetStream")
            assert await messages(server.client_url) == MESSAGES

    asyncio.run(scenario())


def accounts(with_streams: bool) -> dict[str, AccountOptions]:
    limits = AccountLimits()
    return {
        "A": AccountOptions([User("a", "p")], jetstream=limits if with_streams else None),
        "B": AccountOptions([User("b", "p")], jetstream=limits),
    }


def test_an_account_that_a_reload_gives_jetstream_changes_keys_aside(
    tmp_path: Path, gate: Gate
) -> None:
    async def scenario() -> None:
        gate.opened.set()
        await filled(tmp_path, accounts=accounts(True))
        async with Server(
            options(tmp_path, "B", "A", accounts=accounts(False)), log=None
        ) as server:
            gate.shut()
            changed = dataclasses.replace(server.options, accounts=accounts(True))
            server.load_options = lambda: changed
            assert server.reload()
            await gate.reached()
            await make(server.client_url, user="b", password="p")  # the other is served
            assert server.state.jetstream is not None
            assert "A" not in server.state.jetstream.accounts
            gate.opened.set()
            found = server.state.jetstream.accounts
            await wait_until_async(lambda: "A" in found, "the account's streams")
            assert await messages(server.client_url, user="a", password="p") == MESSAGES

    asyncio.run(scenario())
