"""Signals reach the commands of `pynats`, also where the loop cannot wait for them (Windows)."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from pynats_cli.runner import run_async, stop_event


def _refuse(*_: object) -> None:
    raise NotImplementedError


@pytest.mark.parametrize("loop_has_signals", [True, False])
def test_a_signal_sets_the_event_and_handlers_are_put_back(loop_has_signals: bool) -> None:
    async def wait_for_signal() -> None:
        if not loop_has_signals:
            asyncio.get_running_loop().add_signal_handler = _refuse  # type: ignore[method-assign]
        with stop_event() as stopped:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stopped.wait(), timeout=10)

    before = signal.getsignal(signal.SIGTERM)
    asyncio.run(wait_for_signal())
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("loop_has_signals", [True, False])
def test_ctrl_c_cancels_the_command(
    loop_has_signals: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not loop_has_signals:
        monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", _refuse)
    cancelled = False

    async def command() -> None:
        nonlocal cancelled
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), timeout=10)
        except asyncio.CancelledError:
            cancelled = True
            raise

    with pytest.raises(KeyboardInterrupt):
        run_async(command())
    assert cancelled
