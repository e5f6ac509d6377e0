"""Running the coroutine of a command."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from pynats_cli.runner import run_async


def test_an_interrupt_before_the_beginning_is_no_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    async def work() -> None:
        pass

    def interrupted(coroutine: Any) -> None:
        given.append(coroutine)
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)
    given.append(work())
    with pytest.raises(KeyboardInterrupt):
        run_async(given[0])
    assert len(given) == 2
    # Of others Python would say that they were never awaited.
    assert {inspect.getcoroutinestate(each) for each in given} == {inspect.CORO_CLOSED}
