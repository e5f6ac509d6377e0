"""Servers that join while the screen is open."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pynats_top.collect.poller import Poller
from pynats_top.collect.source import SourceError
from pynats_top.options import TopOptions
from pynats_top.screen import app
from pynats_top.screen.app import TopApp

from tests.support.on_loop import on_loop
from tests.top.screen.figures import FixedSource
from tests.top.screen.stage import NEVER_S, Stage


@on_loop
async def test_a_server_that_joins_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FIND_S", 0.01)
    options = TopOptions(interval_s=NEVER_S, limit=7)
    came = FixedSource(name="beta")
    rounds: list[Sequence[Poller]] = [[], [Poller(came, options, lambda: None)]]

    async def find() -> Sequence[Poller]:
        if not rounds:
            raise SourceError("no results received")  # is no end of looking, nor of the screen
        return rounds.pop(0)

    first = Poller(FixedSource(), options, lambda: None)
    shown = TopApp([first], options, find)
    async with shown.run_test(size=(120, 40)) as pilot:
        stage = Stage(shown, pilot)
        await stage.until("Server: alpha  (1 of 2, [ and ] change)")
        assert came.wants[-1].parts == frozenset()  # only what is looked at is asked for
        await stage.press("]")
        assert came.wants[-1].limit == 7
        await stage.until("Server: beta  (2 of 2, [ and ] change)")
        await stage.press("1")
        await stage.until("Servers: 2")


@on_loop
async def test_a_server_that_is_down_says_so_where_there_is_little_room() -> None:
    options = TopOptions(interval_s=NEVER_S)
    sources = [FixedSource(), FixedSource(name="beta")]
    shown = TopApp([Poller(source, options, lambda: None) for source in sources], options)
    async with shown.run_test(size=(80, 24)) as pilot:
        stage = Stage(shown, pilot)
        await stage.settle()
        sources[1].error = "connection refused"
        lines = await stage.poll()
        rows = [line.split() for line in lines if line.lstrip().startswith(("alpha", "beta"))]
        states = {row[0]: row[1] for row in rows}
        assert states == {"alpha": "up", "beta": "down"}
