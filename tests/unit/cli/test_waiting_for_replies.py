"""How long `pynats request` waits for each reply."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.errors import TimeoutError as NatsTimeout
from pynats_cli.commands import request
from pynats_cli.commands.request import RequestOptions
from pynats_cli.connect.session import Session

REPLY = SimpleNamespace(data=b"x", headers=None, subject="r")


class Replies:
    """A subscription that gets so many replies, and how long each was waited for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.waits: list[float] = []

    async def next_msg(self, timeout: float) -> Any:
        self.waits.append(timeout)
        if len(self.waits) > self.count:
            raise NatsTimeout
        return REPLY


async def _same(waiting: Coroutine[Any, Any, Any]) -> Any:
    return await waiting


def waits(coming: Replies, **options: Any) -> list[float]:
    session = SimpleNamespace(options=SimpleNamespace(timeout_s=60.0), unless_refused=_same)
    chosen = RequestOptions(subject="s", reply_timeout=300_000_000, **options)
    asyncio.run(request._replies(cast(Session, session), coming, chosen))
    return coming.waits


def test_only_the_first_reply_has_the_whole_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 4.0])  # when it was sent, when the replies came
    monkeypatch.setattr(request, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert waits(Replies(2), replies=3) == pytest.approx([60.0, 2.0 + 0.3, 3.0 + 0.3])


def test_the_reply_timeout_counts_for_nothing_before_a_reply() -> None:
    assert waits(Replies(0), replies=3) == [60.0]
    assert waits(Replies(1), replies=1) == [60.0]
