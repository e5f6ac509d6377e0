"""The app without a terminal: its screens as lines of text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import ReplaySource
from pynats_top.options import TopOptions
from pynats_top.screen.app import TopApp
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from tests.support.deadline import DeadlineExceeded, wait_until_async
from tests.top.screen.figures import FixedSource

_ROUNDS = 4
NEVER_S = 3600.0  # polls come when a test asks for one
STORED = Path(__file__).parent / "stored"
SHOWN_S = 5.0  # a layout comes with a turn of its own when the machine is busy


class Stage:
    """See `on_stage`."""

    def __init__(self, app: TopApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> list[str]:
        """Types keys, all at once; the lines that are shown when that is done."""
        self.type(*keys)
        await self.settle()
        return self.lines()

    def type(self, *keys: str) -> None:
        """Types keys, all at once."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            driver.send_message(_event(key))

    async def settle(self) -> None:
        """Waits until all is done and drawn, and all pollers have what they want."""

        async def settled() -> bool:
            await self.flush()
            sources = [(poller.want, poller.source) for poller in self.app.pollers]
            return all(isinstance(source, ReplaySource) or source.wants[-1:] == [want]
                       for want, source in sources)  # fmt: skip

        await wait_until_async(settled, "polls for what was chosen")
        await self.flush()

    async def flush(self) -> None:
        """Until messages have gone from the app to the screen, its widgets and back. The pilot's
        own way is to sleep until the process does nothing, for every key."""
        for _ in range(_ROUNDS):
            if self.app._exit:
                return
            await self.pilot._wait_for_screen()
            drawn = asyncio.Event()
            self.app.screen.call_after_refresh(drawn.set)
            await wait_until_async(lambda: drawn.is_set() or self.app._exit, "a refresh",  # noqa: B023
                                   interval_s=0.001)  # fmt: skip

    async def poll(self) -> list[str]:
        """One poll of each server, a second later."""
        for poller in self.app.pollers:
            if isinstance(poller.source, FixedSource):
                poller.source.second += 1
            await poller.poll()
        await self.settle()
        return self.lines()

    async def resize(self, columns: int, lines: int) -> list[str]:
        await self.pilot.resize_terminal(columns, lines)
        await self.flush()
        return self.lines()

    def lines(self) -> list[str]:
        """What is shown."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def chosen_cid(self) -> int:
        """The number of the connection that is drawn as the chosen one."""
        cursor = self.app.look.cursor
        for strip in self.app.screen._compositor.render_strips():
            for segment in strip:
                if (
                    segment.style
                    and segment.style.bgcolor == cursor.bgcolor
                    and segment.text.strip()
                ):
                    return int(segment.text[21:28])
        raise AssertionError("nothing is chosen")

    async def until_line(self, number: int, text: str) -> None:
        """Waits until a line is this."""

        async def shown() -> bool:
            await self.flush()
            return self.lines()[number] == text

        await wait_until_async(shown, f"{text!r} in line {number}")

    async def ended(self) -> None:
        """Waits until the app has ended."""
        await wait_until_async(lambda: self.app._exit, "the end")

    async def until(self, words: str) -> list[str]:
        """Waits until some line has these words."""

        async def shown() -> bool:
            await self.flush()
            return any(words in line for line in self.lines())

        await wait_until_async(shown, f"{words!r} on the screen")
        return self.lines()


def _event(key: str) -> Key:
    if len(key) > 1:
        return Key(key, " " if key == "space" else None)
    return Key(key if key.isalnum() else _character_to_key(key), key)


@asynccontextmanager
async def on_stage(
    *sources: Any, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[Stage]:
    """The app with these sources, each polled once."""
    chosen = TopOptions(interval_s=NEVER_S, **options)
    app = TopApp([Poller(source, chosen, lambda: None) for source in sources], chosen)
    async with app.run_test(size=size) as pilot:
        stage = Stage(app, pilot)
        await stage.settle()
        yield stage


async def compare(name: str, stage: Stage, config: pytest.Config) -> None:
    """What is shown becomes what the stored file has; `--renew-screens` writes it."""
    path = STORED / f"{name}.txt"
    if config.getoption("--renew-screens"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(stage.lines()) + "\n", encoding="utf-8")
    stored = path.read_text(encoding="utf-8").split("\n")[:-1]

    async def as_stored() -> bool:
        await stage.flush()
        return stage.lines() == stored

    try:
        await wait_until_async(as_stored, name, SHOWN_S)
    except DeadlineExceeded:
        difference = "\n".join(unified_diff(stored, stage.lines(), "stored", "shown", lineterm=""))
        raise AssertionError(f"{name}:\n{difference}") from None
