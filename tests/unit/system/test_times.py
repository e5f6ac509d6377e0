"""When a server speaks without a cause: of itself, and of the connections of its accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pynats_server.core.account import Account
from pynats_server.system.events.accounts import AT_ONCE, REPEAT_S, Repeats
from pynats_server.system.events.pace import Pace


class Handle:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call, self.cancelled = at, call, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A loop whose time is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.handles: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Handle:
        return self.call_at(self.now + delay_s, call)

    def call_at(self, at: float, call: Callable[[], None]) -> Handle:
        handle = Handle(at, call)
        self.handles.append(handle)
        return handle

    def run_next(self) -> None:
        self.handles = [each for each in self.handles if not each.cancelled]
        handle = min(self.handles, key=lambda each: each.at)
        self.handles.remove(handle)
        self.now = max(self.now, handle.at)
        handle.call()


def test_figures_are_told_soon_after_the_start_and_then_less_and_less() -> None:
    loop, told = Loop(), []
    pace = Pace(cast(Any, loop), lambda: told.append(loop.now))
    pace.start()
    for _ in range(8):
        loop.run_next()
    assert told == [0.25, 1.25, 3.25, 7.25, 15.25, 25.25, 35.25, 45.25]
    pace.stop()
    assert all(handle.cancelled for handle in loop.handles)


def repeats(loop: Loop, counts: dict[Account, int], told: list[tuple[float, str]]) -> Repeats:
    def tell(account: Account) -> None:
        told.append((loop.now, account.name))
        made.told(account, counts[account])

    made = Repeats(cast(Any, loop), tell)
    return made


def test_an_account_is_told_of_again_while_it_has_connections_and_nothing_else_was_told() -> None:
    loop, told = Loop(), list[tuple[float, str]]()
    first, second = Account("A"), Account("B")
    counts = {first: 1, second: 1}
    again = repeats(loop, counts, told)
    again.told(first, 1)
    loop.now = 10.0
    again.told(second, 1)
    loop.now = 20.0
    again.told(first, 2)  # a change
    for _ in range(3):  # the first finds nothing due
        loop.run_next()
    assert told == [(40.0, "B"), (50.0, "A")]
    counts[first] = 0
    again.told(first, 0)
    loop.run_next()
    assert told[2:] == [(70.0, "B")]
    again.stop()
    assert all(handle.cancelled for handle in loop.handles) and len(again) == 0


def test_many_accounts_are_told_of_some_at_a_time() -> None:
    loop, told = Loop(), list[tuple[float, str]]()
    accounts = {Account(f"A{number}"): 1 for number in range(3 * AT_ONCE)}
    again = repeats(loop, accounts, told)
    for account in accounts:
        again.told(account, 1)
    for passes in range(1, 4):
        loop.run_next()
        assert len(told) == passes * AT_ONCE
    assert [name for _, name in told] == [account.name for account in accounts]
    assert {at for at, _ in told} == {REPEAT_S}
