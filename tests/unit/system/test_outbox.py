"""Events wait their turn: in order, in small steps, and none that nobody hears is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pynats_server import Options, Server
from pynats_server.core.account import Account
from pynats_server.options import GLOBAL_ACCOUNT
from pynats_server.system.events import outbox
from pynats_server.system.events.outbox import Body, Outbox
from pynats_server.system.server_block import ServerBlock

from tests.support.deadline import next_turn, wait_until_async
from tests.support.on_loop import on_loop

Test = Callable[[Server, pytest.MonkeyPatch], Coroutine[Any, Any, None]]


def on_server(test: Test) -> Callable[[pytest.MonkeyPatch], None]:
    """A test that gets a running server."""

    async def run(monkeypatch: pytest.MonkeyPatch) -> None:
        async with Server(Options(host="127.0.0.1", port=-1), log=None) as server:
            await test(server, monkeypatch)

    run.__name__ = test.__name__
    return on_loop(run)


class Listener:
    """Of one account: the numbers of the server's blocks that it hears, and subjects."""

    def __init__(self, account: Account, subject: bytes) -> None:
        self.heard: list[int] = []
        self.subjects: list[str] = []
        account.subscribe(subject, self._on_event)

    def _on_event(
        self, account: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes
    ) -> None:
        event = json.loads(payload)
        self.heard.append(event.get("server", event)["seq"])
        self.subjects.append(subject.decode())


def bare() -> Body:
    return lambda server: server


async def quiet(server: Server, subject: bytes) -> Listener:
    """A listener that hears only what is told from now on: nothing comes by the clock, and
    monitoring is loaded."""
    pace = server.events._pace
    assert pace is not None
    pace.stop()
    first = Listener(server.state.system_account, b"$SYS.SERVER.*.STATSZ")
    server.events.tell_figures()
    await wait_until_async(lambda: first.heard, "the first figures")
    return Listener(server.state.system_account, subject)


@on_server
async def test_a_thousand_events_come_in_order_a_few_in_each_pass_of_the_loop(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = server.state.system_account
    listener = Listener(account, b"e.>")
    steps = 0

    def clock() -> int:  # a step of work is one unit
        nonlocal steps
        steps += 1
        return steps

    server.state.turns.now, server.state.turns.budget_ns = clock, 4
    box = Outbox(server.state, ServerBlock(server.state))
    for number in range(1000):
        box.add(account, b"e.%d" % number, bare())
    assert listener.heard == []  # whoever tells goes on at once
    most, passes = 0, 0
    while len(box):
        before = len(listener.heard)
        await next_turn()
        most, passes = max(most, len(listener.heard) - before), passes + 1
    assert listener.subjects == [f"e.{number}" for number in range(1000)]
    assert listener.heard == list(range(1, 1001))
    assert most <= 8 * outbox.STEP
    assert passes >= 1000 / (8 * outbox.STEP)


@on_server
async def test_events_that_nobody_wants_have_numbers_at_their_place(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = server.state.system_account
    listener = Listener(account, b"e")
    box = Outbox(server.state, ServerBlock(server.state))
    box.skip()
    box.add(account, b"e", bare())
    box.skip()
    box.skip()
    box.add(account, b"e", bare())
    box.add(account, b"nobody", bare())
    box.add(account, b"e", bare())
    box.flush()
    assert listener.heard == [2, 5, 7]


@on_server
async def test_what_waits_is_bounded_and_nothing_is_lost(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST", 16)
    account = server.state.system_account
    listener = Listener(account, b"e")
    box = Outbox(server.state, ServerBlock(server.state))
    for _ in range(100):
        box.add(account, b"e", bare())
        assert len(box) <= 16
    assert len(listener.heard) == 84
    await wait_until_async(lambda: len(listener.heard) == 100, "the rest")
    assert listener.heard == list(range(1, 101))


@on_server
async def test_where_nobody_listens_nothing_is_made_and_nothing_waits(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("pynats_server.system.events.clients.connected", made.append)
    monkeypatch.setattr("pynats_server.system.events.clients.disconnected", made.append)
    monkeypatch.setattr("pynats_server.system.events.accounts.connections", made.append)
    monkeypatch.setattr("pynats_server.system.statsz.statsz", made.append)
    monkeypatch.setattr(Outbox, "add", lambda *_: made.append("waits"))
    assert server.events._pace is not None
    server.events._pace.stop()  # nobody else counts
    block = server.events.block
    before = block.seq
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    await reader.readuntil(b"PONG\r\n")
    writer.close()
    await wait_until_async(lambda: not server.state.accounts[GLOBAL_ACCOUNT].clients, "its end")
    server.events.tell_figures()
    assert made == []
    assert block.seq == before + 3  # CONNECT, DISCONNECT, STATSZ


@on_server
async def test_lame_duck_mode_is_told_behind_what_waits_and_holds_nobody_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = await quiet(server, b"$SYS.>")
    for _ in range(100):
        server.events.tell_figures()
    server.events.lame_duck()
    server.events.tell_figures()  # too late
    assert listener.heard == []
    await wait_until_async(lambda: len(listener.heard) == 101, "the events")
    assert listener.subjects[-1] == f"$SYS.SERVER.{server.id}.LAMEDUCK"
    for _ in range(3):
        await next_turn()
    assert len(listener.heard) == 101


@on_server
async def test_what_waits_in_lame_duck_mode_is_told_before_the_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = await quiet(server, b"$SYS.>")
    server.events.tell_figures()
    server.events.lame_duck()
    await server.shutdown()
    assert [subject.split(".")[-1] for subject in listener.subjects] == ["STATSZ", "LAMEDUCK"]


@on_server
async def test_what_waits_is_told_before_the_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = await quiet(server, b"$SYS.>")
    for _ in range(3):
        server.events.tell_figures()
    await server.shutdown()
    figures = [f"$SYS.SERVER.{server.id}.STATSZ"] * 3
    assert listener.subjects == [*figures, f"$SYS.SERVER.{server.id}.SHUTDOWN"]
    assert listener.heard == sorted(listener.heard)
    server.events.tell_figures()
    server.events.lame_duck()
    assert len(listener.heard) == 4  # it was the last
    assert server.events.block.seq == listener.heard[-1]
