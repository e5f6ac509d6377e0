"""Signals reach the commands of `pynats`, whatever holds them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from pathlib import Path

import pytest
from pynats_cli import signals
from pynats_cli.runner import run_async
from pynats_cli.signals import stop_event


def test_a_signal_sets_the_event_and_handlers_are_put_back() -> None:
    async def wait_for_signal() -> None:
        with stop_event() as stopped:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stopped.wait(), timeout=10)

    before = signal.getsignal(signal.SIGTERM)
    asyncio.run(wait_for_signal())
    assert signal.getsignal(signal.SIGTERM) == before


def test_ctrl_c_cancels_the_command() -> None:
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


@pytest.mark.parametrize("held_by", ["pattern", "pipe", "thread"])
def test_ctrl_c_ends_what_holds_the_loop(
    held_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "PATIENCE_S", 0.3)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread_ends = threading.Event()

    async def command() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        if held_by == "pattern":
            re.search("(a+)+$", "a" * 60 + "!")
        elif held_by == "pipe":
            pipe.read_bytes()
        else:
            await asyncio.to_thread(thread_ends.wait)

    before = signal.getsignal(signal.SIGALRM)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_async(command())
    finally:
        thread_ends.set()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_command_that_ends_by_itself_after_a_signal_may_take_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "PATIENCE_S", 0.2)

    async def command() -> str:
        with stop_event() as stopped:
            os.kill(os.getpid(), signal.SIGINT)
            await stopped.wait()
            late = asyncio.Event()  # the loop turns meanwhile
            asyncio.get_running_loop().call_later(0.5, late.set)
            await late.wait()
        return "done"

    assert run_async(command()) == "done"
