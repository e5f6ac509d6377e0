"""Asking others: once for each account, not too many at once, and not at once again."""

from __future__ import annotations

import asyncio

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


@on_loop
async def test_a_flood_is_bounded() -> None:
    others = Others()
    lookups = Lookups(others.ask, at_once=3)
    asked = [asyncio.ensure_future(lookups.find(str(number))) for number in range(1000)]
    await wait_until_async(lambda: len(others.asked) == 3, "the first look-ups")
    others.answer.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert {str(each) for each in found[3:]} == {"too many accounts are looked up at once"}


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
