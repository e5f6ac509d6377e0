"""What nobody waits for any more fails in silence."""

from __future__ import annotations

import asyncio
import gc

from pynats_cli.connect.session import abandon

from tests.support.deadline import next_turn
from tests.support.loop_errors import LoopErrors


def test_a_task_that_fails_when_it_is_cancelled_is_no_error_of_the_loop(
    loop_errors: LoopErrors,
) -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("closed") from None

    async def work() -> None:
        task = asyncio.create_task(stubborn())
        await next_turn()
        abandon(task)
        await asyncio.wait({task})

    asyncio.run(work())
    gc.collect()
    assert loop_errors.take() == []
