"""The test helpers work as the tests expect."""

from __future__ import annotations

import asyncio
import gc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.deadline import (
    DeadlineExceeded,
    next_turn,
    wait_until,
    wait_until_async,
)
from tests.support.loop_errors import LoopErrors


def test_waiting_returns_what_was_found_and_has_an_end() -> None:
    answers = iter([0, "", "found"])
    assert wait_until(lambda: next(answers), "an answer", interval_s=0) == "found"
    with pytest.raises(DeadlineExceeded, match=r"the moon: not within 0\.02 s"):
        wait_until(lambda: False, "the moon", timeout_s=0.02)


@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.none())
def test_property_tests_have_time(request: pytest.FixtureRequest, _: None) -> None:
    limit = request.node.get_closest_marker("timeout")
    asked = request.config.getoption("timeout")
    assert asked is not None or (limit is not None and limit.args[0] >= 600)


def test_waiting_lets_the_loop_run_on() -> None:
    async def run() -> None:
        seen: list[int] = []
        asyncio.get_running_loop().call_soon(seen.append, 1)
        assert await wait_until_async(lambda: seen, "the callback", interval_s=0) == [1]

        async def probe() -> bool:
            await next_turn()
            return False

        with pytest.raises(DeadlineExceeded, match="the moon"):
            await wait_until_async(probe, "the moon", timeout_s=0.02)

    asyncio.run(run())


def test_errors_of_loops_are_heard(loop_errors: LoopErrors) -> None:
    async def fail() -> None:
        raise ValueError("nobody asks for this")

    async def run() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        task = asyncio.ensure_future(fail())
        await next_turn()
        del task

    asyncio.run(run())
    gc.collect()
    errors = loop_errors.take()
    assert len(errors) == 2
    assert "ZeroDivisionError" in errors[0]
    assert "never retrieved" in errors[1] and "nobody asks for this" in errors[1]
