"""Asking others: once for each account, not too many at once, and not at once again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

import pytest
from pynats_server.resolver.base import ResolverError
from pynats_server.resolver.lookups import Lookups

from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop


class Others:
    """Answer when they are told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = asyncio.Event()
        self.text = ""

    async def ask(self, account: str) -> str:
        self.asked.append(account)
        await self.answer.wait()
        if not self.text:
            raise ResolverError(f"no {account}")
        return self.text


@on_loop
async def test_those_who_need_the_same_account_wait_together() -> None:
    others = Others()
    lookups = Lookups(others.ask)
    first, second = (asyncio.ensure_future(lookups.find("a")) for _ in range(2))
    await wait_until_async(lambda: bool(others.asked), "the look-up")
    first.cancel()
    others.text = "token"
    others.answer.set()
    assert await second == "token"
    assert others.asked == ["a"]
    assert lookups.waiting == 0


def flood(lookups: Lookups, count: int, address: str) -> list[asyncio.Task[str]]:
    return [
        asyncio.ensure_future(lookups.find(f"{address}/{number}", address))
        for number in range(count)
    ]


async def refused(asked: list[asyncio.Task[str]]) -> int:
    """How many were not even asked for. Of the others nothing is known either."""
    answers = [str(each) for each in await asyncio.gather(*asked, return_exceptions=True)]
    too_many = answers.count("too many accounts are looked up at once")
    assert too_many + sum(each.startswith("no ") for each in answers) == len(asked)
    return too_many


@on_loop
async def test_a_flood_is_bounded() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=5, each=3, waiting=20)
    asked = flood(lookups, 1000, "10.0.0.1")
    await wait_until_async(lambda: len(others.asked) == 3, "the first look-ups")
    assert lookups.waiting == 23
    others.answer.set()
    assert await refused(asked) == 1000 - 23
    assert lookups.waiting == 0
    assert not lookups._networks


@on_loop
async def test_a_flood_from_one_address_refuses_no_other() -> None:
    others = Others()
    lookups = Lookups(others.ask)
    flooded = flood(lookups, 1000, "2001:db8::1") + flood(lookups, 1000, "2001:db8::2")
    single = flood(lookups, 1, "10.0.0.2")
    await wait_until_async(lambda: "10.0.0.2/0" in others.asked, "the look-up of another")
    others.answer.set()
    assert await refused(single) == 0
    assert await refused(flooded) > 1000


@on_loop
async def test_addresses_take_turns_where_all_is_taken() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=4, each=2)
    floods = [flood(lookups, 50, f"10.0.0.{each}") for each in range(3)]
    single = flood(lookups, 1, "10.0.1.1")
    await wait_until_async(lambda: len(others.asked) == 4, "the first look-ups")
    others.answer.set()
    assert await refused(single) == 0
    assert others.asked.index("10.0.1.1/0") < 4 + len(floods) + 1
    assert await refused([each for asked in floods for each in asked]) == 0


@on_loop
async def test_who_joins_an_account_that_waits_gives_it_his_turn() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=4, each=2)
    asked = flood(lookups, 50, "10.0.0.1")
    await wait_until_async(lambda: len(others.asked) == 2, "the first look-ups")
    waiting = asyncio.ensure_future(lookups.find("10.0.0.1/10", "10.0.0.2"))
    await wait_until_async(lambda: "10.0.0.1/10" in others.asked, "the look-up")
    others.answer.set()
    assert await refused([*asked, waiting]) == 0
    assert len(others.asked) == len(set(others.asked)) == 50


@on_loop
async def test_who_waits_too_long_is_refused_though_no_turn_ever_comes() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=1, wait_s=0.01)
    asked = flood(lookups, 3, "10.0.0.1")
    _, waiting = await asyncio.wait(asked, return_when="FIRST_COMPLETED")
    await wait_until_async(lambda: sum(each.done() for each in asked) == 2, "the refusals")
    assert waiting
    assert lookups.waiting == len(others.asked) == 1
    others.answer.set()
    assert await refused(asked) == 2


@on_loop
async def test_who_joins_one_that_is_being_refused_does_not_wait_for_it() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=1)
    asked = flood(lookups, 2, "10.0.0.1")
    await wait_until_async(lambda: bool(others.asked), "the look-up")
    lookups._give_up("10.0.0.1/1")
    lookups.join("10.0.0.1/1", "10.0.0.2")
    others.answer.set()
    assert await refused(asked) == 1
    assert others.asked == ["10.0.0.1/0"]
    assert not lookups._networks


@on_loop
async def test_a_miss_is_remembered_for_a_while() -> None:
    others = Others()
    others.answer.set()
    lookups = Lookups(others.ask, miss_s=3600)
    for _ in range(3):
        with pytest.raises(ResolverError, match="no a"):
            await lookups.find("a")
    assert others.asked == ["a"]
    others.text = "token"
    lookups.forget("a")
    assert await lookups.find("a") == "token"


@on_loop
async def test_a_miss_is_forgotten() -> None:
    others = Others()
    others.answer.set()
    lookups = Lookups(others.ask, miss_s=0)
    for _ in range(2):
        with pytest.raises(ResolverError):
            await lookups.find("a")
    assert others.asked == ["a", "a"]


@on_loop
async def test_closing_ends_what_is_under_way() -> None:
    others = Others()
    lookups = Lookups(others.ask)
    waiting = asyncio.ensure_future(lookups.find("a"))
    await wait_until_async(lambda: bool(others.asked), "the look-up")
    await lookups.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@on_loop
async def test_an_error_is_forgotten_without_the_collector() -> None:
    made: list[weakref.ref[ResolverError]] = []

    async def ask(_: str) -> str:
        error = ResolverError("no a")
        made.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    lookups = Lookups(ask)
    gc.disable()
    try:
        with contextlib.suppress(ResolverError):
            await lookups.find("a")
        await wait_until_async(lambda: made[0]() is None, "its end")
    finally:
        gc.enable()
