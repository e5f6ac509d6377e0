"""Every tab at the sizes that terminals have, compared with stored text.

`pytest --renew-screens tests/top/screen` writes the files; the difference is then to be read.
"""

from __future__ import annotations

import pytest
from pynats_top.screen.view import TABS

from tests.support.on_loop import on_loop
from tests.top.screen.figures import FixedSource
from tests.top.screen.stage import compare, on_stage

SIZES = ((80, 24), (120, 40), (60, 15))


@on_loop
async def _compare_all(config: pytest.Config) -> None:
    async with on_stage(FixedSource()) as stage:
        for tab, key in zip(TABS, "123456", strict=True):
            await stage.press(key)
            await stage.poll()
            for columns, lines in SIZES:
                shown = await stage.resize(columns, lines)
                assert len(shown) == lines and max(map(len, shown)) <= columns
                await compare(f"{tab}-{columns}x{lines}", stage, config)
        await stage.press("question_mark")
        for columns, lines in SIZES:
            await stage.resize(columns, lines)
            await compare(f"help-{columns}x{lines}", stage, config)
        await stage.press("x", "2", "down", "enter")
        await stage.until("orders.new")
        for columns, lines in SIZES:
            await stage.resize(columns, lines)
            await compare(f"details-{columns}x{lines}", stage, config)


def test_screens_are_the_stored_ones(pytestconfig: pytest.Config) -> None:
    _compare_all(pytestconfig)


@on_loop
async def _compare_servers(config: pytest.Config) -> None:
    refused = FixedSource("b:8222", error="http://b:8222: connection refused")
    async with on_stage(FixedSource(), refused, size=(120, 40)) as stage:
        await compare("two-servers-120x40", stage, config)
        await stage.press("2", "right_square_bracket")
        await stage.resize(80, 24)
        await compare("refused-80x24", stage, config)


def test_screens_of_two_servers_are_the_stored_ones(pytestconfig: pytest.Config) -> None:
    _compare_servers(pytestconfig)
