"""A poller: one poll after the other, errors in words, and back again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pynats_top.collect.poller import Poller, pause_s
from pynats_top.collect.source import Poll, SourceError, Want
from pynats_top.options import TopOptions

from tests.support.deadline import next_turn, wait_until_async

Answer = Callable[[Want], Awaitable[dict[str, Any]]]


class Fake:
    """See Source. Its polls are what the test says."""

    label = "fake"

    def __init__(self) -> None:
        self.wanted: list[Want] = []
        self.running = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault = ""
        self.varz: dict[str, Any] = {"server_name": "n1", "in_msgs": 0}

    async def poll(self, want: Want) -> Poll:
        self.wanted.append(want)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
            if self.fault:
                raise SourceError(self.fault)
            return Poll(float(len(self.wanted)), dict(self.varz))
        finally:
            self.running -= 1

    def due_in_s(self, interval_s: float) -> float:
        return interval_s

    async def connection(self, cid: int) -> dict[str, Any] | None:
        return None

    async def close(self) -> None:
        pass


def run(scenario: Callable[[Poller, Fake], Awaitable[None]], interval_s: float = 3600.0) -> None:
    async def work() -> None:
        source = Fake()
        poller = Poller(source, TopOptions(interval_s=interval_s), lambda: None)
        task = asyncio.create_task(poller.run())
        try:
            await scenario(poller, source)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())


async def polled(poller: Poller, number: int) -> None:
    await wait_until_async(lambda: poller.polls >= number, f"{number} polls")


def test_it_never_polls_twice_at_once() -> None:
    async def scenario(poller: Poller, source: Fake) -> None:
        await polled(poller, 1)
        source.gate.clear()
        for _ in range(3):
            poller.poke()
            other = asyncio.create_task(poller.poll())
            await next_turn()
        source.gate.set()
        await other
        await polled(poller, 4)
        assert source.most == 1

    run(scenario)


def test_what_is_changed_is_asked_for_at_once() -> None:
    async def scenario(poller: Poller, source: Fake) -> None:
        await polled(poller, 1)
        poller.set_sort("subs")
        await polled(poller, 2)
        poller.set_limit(3)
        await polled(poller, 3)
        poller.look_at(["accounts"])
        await polled(poller, 4)
        assert source.wanted[-1] == Want(3, "subs", parts=frozenset(["accounts"]))
        poller.look_at(["accounts"])  # as it was: nothing is asked
        await next_turn()
        assert len(source.wanted) == 4

    run(scenario)


def test_a_fault_is_kept_in_words_with_the_last_figures() -> None:
    async def scenario(poller: Poller, source: Fake) -> None:
        await polled(poller, 1)
        assert poller.label == "n1"
        source.fault = "connection refused"
        assert not await poller.poll()
        assert not await poller.poll()
        assert poller.error == "connection refused"
        assert poller.failures == 2
        assert poller.snapshot is not None
        assert poller.snapshot.error == "connection refused"
        assert poller.snapshot.server.name == "n1"
        source.fault = ""
        assert await poller.poll()
        assert (poller.error, poller.failures, poller.snapshot.error) == ("", 0, "")

    run(scenario)


def test_it_goes_on_by_itself_and_pauses() -> None:
    async def scenario(poller: Poller, source: Fake) -> None:
        await polled(poller, 3)
        poller.paused = True
        await asyncio.wait_for(poller.poll(), 60)
        seen = poller.polls
        await next_turn()
        assert poller.polls == seen
        poller.poke()
        await polled(poller, seen + 1)
        poller.paused = False
        await polled(poller, seen + 4)

    run(scenario, interval_s=0.05)


def test_a_server_that_started_again_has_a_new_history() -> None:
    async def scenario(poller: Poller, source: Fake) -> None:
        source.varz["server_id"] = "A"
        await poller.poll()
        await poller.poll()
        before = len(poller.history)
        source.varz["server_id"] = "B"
        await poller.poll()
        assert before >= 2
        assert len(poller.history) == 1

    run(scenario)


def test_polls_leave_time_for_others() -> None:
    assert pause_s(1.0, 0.01, 0.01) == pytest.approx(0.99)
    assert pause_s(1.0, 5.0, 0.01) == pytest.approx(0.25)  # a slow server
    assert pause_s(1.0, 2.0, 2.0) == pytest.approx(8.0)  # 100,000 connections
