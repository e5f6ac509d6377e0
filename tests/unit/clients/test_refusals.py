"""A flood of refused log-ins: a few lines, and a number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pynats_server.auth import Refusal
from pynats_server.clients.logins import refusals
from pynats_server.clients.logins.refusals import (
    ADDRESSES_MAX,
    LINES_MAX,
    LINES_MAX_OF_ALL,
    Refusals,
)

from tests.support.deadline import wait_until_async


class Log:
    """What is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, text: str, who: Any = None) -> None:
        self.lines.append(text)

    warn = debug = error


def _client(host: str) -> Any:
    return SimpleNamespace(host=host)


def _lines(refuse: Callable[[Refusals], None]) -> list[str]:
    log = Log()

    async def run() -> None:
        told = Refusals(log)  # type: ignore[arg-type]
        refuse(told)
        told.stop()

    asyncio.run(run())
    return log.lines


def test_of_one_address_the_first_are_told_and_the_others_counted() -> None:
    def refuse(told: Refusals) -> None:
        for _ in range(1000):
            told.tell(_client("1.2.3.4"), "refused")
        told.tell(_client("5.6.7.8"), "another", Refusal(why="why", warning="warning"))

    lines = _lines(refuse)
    assert lines[:LINES_MAX] == ["refused"] * LINES_MAX
    assert lines[LINES_MAX:] == [
        "why", "warning", "another",
        f"authentication error: {1000 - LINES_MAX} more log-ins were refused from 1.2.3.4",
    ]  # fmt: skip


def test_a_network_of_64_bits_counts_as_an_address() -> None:
    def refuse(told: Refusals) -> None:
        for number in range(LINES_MAX + 1):
            told.tell(_client(f"2001:db8::{number:x}"), "refused")

    (last,) = _lines(refuse)[LINES_MAX:]
    assert last == "authentication error: 1 more log-in was refused from 2001:0db8:0000:0000"


def test_many_addresses_have_a_bound_together_and_nobody_is_lost() -> None:
    addresses = LINES_MAX_OF_ALL + ADDRESSES_MAX + 30

    def refuse(told: Refusals) -> None:
        for number in range(addresses):
            told.tell(_client(f"10.0.{number >> 8}.{number & 255}"), "refused")

    lines = _lines(refuse)
    assert lines.count("refused") == LINES_MAX_OF_ALL
    assert len(lines) == LINES_MAX_OF_ALL + ADDRESSES_MAX + 1
    assert lines[-1] == "authentication error: 30 more log-ins were refused from other addresses"


def test_the_next_second_begins_anew(monkeypatch: Any) -> None:
    monkeypatch.setattr(refusals, "WINDOW_S", 0.0)
    log = Log()

    async def run() -> None:
        told = Refusals(log)  # type: ignore[arg-type]
        for _ in range(LINES_MAX + 5):
            told.tell(_client("1.2.3.4"), "refused")
        await wait_until_async(lambda: log.lines[-1].endswith("refused from 1.2.3.4"), "the sum")
        told.tell(_client("1.2.3.4"), "again")
        told.stop()

    asyncio.run(run())
    assert log.lines[-1] == "again"
