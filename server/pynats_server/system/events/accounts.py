"""Events of one account: how many connections it has, when that changes and every now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.core.account import Account
from pynats_server.monitor.traffic import Traffic, traffic_in, traffic_out
from pynats_server.system.events.outbox import TYPE_PREFIX, Body

REPEAT_S: Final = 30.0  # after it was last told of an account that has connections
AT_ONCE: Final = 64  # accounts told in one pass of the loop


class AccountConnections(msgspec.Struct, kw_only=True):
    """`sent` is what the account's clients got."""

    type: str
    id: str
    timestamp: str
    server: msgspec.Raw
    acc: str
    name: str
    conns: int
    leafnodes: int
    total_conns: int
    num_subscriptions: int
    sent: Traffic
    received: Traffic
    slow_consumers: int


def connections(account: Account, tag: str, count: int, subscriptions: int) -> Body:
    """An account, which people call `tag`, has `count` connections with `subscriptions`. Two
    subjects get it as one event."""
    now_ns = time.time_ns()
    told = AccountConnections(
        type=TYPE_PREFIX + "account_connections",
        id="",
        timestamp="",
        server=msgspec.Raw(),
        acc=account.name,
        name=tag,
        conns=count,
        leafnodes=0,
        total_conns=count,
        num_subscriptions=subscriptions,
        sent=traffic_out(account),
        received=traffic_in(account),
        slow_consumers=account.slow_consumers,
    )

    def body(server: msgspec.Raw) -> AccountConnections:
        told.id = told.id or new_nuid()
        told.timestamp = told.timestamp or format_time_ns(now_ns)
        told.server = server
        return told

    return body


class Repeats:
    """Calls `tell(account)` when nothing was told of an account for REPEAT_S."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[Account], None]) -> None:
        self._loop = loop
        self._tell = tell
        self._due_s: dict[Account, float] = {}  # in the order of what is due first
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due_s)

    def told(self, account: Account, count: int) -> None:
        """The connections of an account were told; one without any is not repeated."""
        self._due_s.pop(account, None)
        if count:
            self._due_s[account] = self._loop.time() + REPEAT_S
            if self._timer is None:
                self._timer = self._loop.call_later(REPEAT_S, self._look)

    def stop(self) -> None:
        """Nothing is repeated any more."""
        self._due_s.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        for _ in range(AT_ONCE):
            account = next(iter(self._due_s), None)
            if account is None or self._due_s[account] > self._loop.time():
                break
            del self._due_s[account]
            self._tell(account)  # which has it repeated again, if there is more to tell
        first = next(iter(self._due_s), None)
        self._timer = None
        if first is not None:
            self._timer = self._loop.call_at(self._due_s[first], self._look)
