"""Measured requests end when nobody waits for their answers: looked for some at a time."""

from __future__ import annotations

from typing import Any

from pynats_server.accounts.latency import CHECKED, TOLD, Awaiting

from tests.support.deadline import Deadline, next_turn, wait_until_async
from tests.support.on_loop import on_loop


class Account:
    """Of the requesters. Counts who asks whether somebody listens to a reply."""

    def __init__(self) -> None:
        self.listened: set[bytes] = set()
        self.asked: list[bytes] = []

    def has_interest(self, reply: bytes) -> bool:
        self.asked.append(reply)
        return reply in self.listened


class Tracked:
    """A request, which tells when nobody wants its answer."""

    def __init__(self, awaiting: Awaiting, reply: bytes, told: list[bytes]) -> None:
        self.reply = reply
        self._awaiting: Any = awaiting
        self._told = told

    def unwanted(self) -> None:
        self._told.append(self.reply)
        self._awaiting.discard(self)


def waiting(account: Any, replies: list[bytes]) -> tuple[Awaiting, list[bytes]]:
    """Requests with those replies, and which of them were told of as unwanted."""
    awaiting, told = Awaiting(account), list[bytes]()
    for reply in replies:
        tracked: Any = Tracked(awaiting, reply, told)
        awaiting.add(tracked)
    return awaiting, told


REPLIES = [b"in.%d" % number for number in range(10 * CHECKED)]


@on_loop
async def test_each_end_of_a_wildcard_looks_at_some_and_none_is_left_out() -> None:
    account = Account()
    account.listened.update(REPLIES)
    awaiting, told = waiting(account, REPLIES)
    for _ in range(100):
        awaiting.left(b"in.*")
    assert account.asked == REPLIES[:CHECKED]
    for _ in range(10):  # others go meanwhile
        await next_turn()
        awaiting.left(b">")
        awaiting.left(b"other")
    assert set(account.asked) == set(REPLIES)
    assert len(account.asked) <= 12 * CHECKED
    for _ in range(12):
        await next_turn()
    before = len(account.asked)
    await next_turn()
    assert (len(account.asked), told) == (before, [])


@on_loop
async def test_many_requests_with_one_reply_are_told_of_some_at_a_time() -> None:
    account = Account()
    many = CHECKED
    awaiting, told = waiting(account, [b"in"] * many + [b"other"])
    awaiting.left(b"elsewhere")
    assert told == []
    awaiting.left(b"in")
    passes, most = 0, len(told)
    deadline = Deadline()
    while len(told) < many:
        deadline.check("all that is to be told")
        before = len(told)
        await next_turn()
        passes, most = passes + 1, max(most, len(told) - before)
    assert told == [b"in"] * many
    assert most <= CHECKED // TOLD + 1
    assert passes >= many // most - 1


@on_loop
async def test_whoever_listens_again_goes_on_waiting() -> None:
    account = Account()
    awaiting, told = waiting(account, [b"in"] * CHECKED)
    awaiting.left(b"in")
    before = len(told)
    account.listened.add(b"in")
    for _ in range(20):
        await next_turn()
    assert 0 < before == len(told) < CHECKED
    account.listened.clear()
    awaiting.left(b"*")
    await wait_until_async(lambda: len(told) == CHECKED, "all of them")
