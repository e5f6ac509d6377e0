"""Servers that do not answer, terminals without room, and names that would steer a terminal."""

from __future__ import annotations

import pytest
from pynats_top.screen.widgets.paint import bars, fit, fit_marked, plain
from pynats_top.screen.widgets.small import COLUMNS_MIN, LINES_MIN

from tests.support.on_loop import on_loop
from tests.top.screen.figures import FixedSource
from tests.top.screen.stage import on_stage

REFUSED = "http://127.0.0.1:8222: connection refused: no server there, or one without monitoring"


@on_loop
async def test_a_server_that_goes_and_comes_back() -> None:
    source = FixedSource(error=REFUSED)
    async with on_stage(source, size=(80, 24)) as stage:
        lines = stage.lines()
        assert lines[0] == "NATS server 127.0.0.1:8222"
        assert " ".join(line.strip() for line in lines[1:3]) == REFUSED
        # The table stands where it will stand.
        assert lines[7] == "Connections Polled: 0" and lines[9] == "  no answer yet"
        source.error = ""
        lines = await stage.poll()
        assert lines[0] == "NATS server version 2.15.1 (uptime: 1h0m11s)"
        source.error = REFUSED
        lines = await stage.poll()
        # Its last figures stay; what the first line has no room for is below the head.
        assert lines[0].startswith("NATS server version 2.15.1 (uptime: 1h0m11s) http://127.0.0.1")
        assert lines[6] == REFUSED[:80] and lines[7] == "Connections Polled: 30"
        assert (await stage.press("o"))[6].startswith("sort by [cid]: ")
        source.error = ""
        await stage.press("escape")
        lines = await stage.poll()
        assert lines[0] == "NATS server version 2.15.1 (uptime: 1h0m13s)" and lines[6] == ""


@on_loop
async def test_terminals_of_every_size() -> None:
    async with on_stage(FixedSource(), size=(20, 5)) as stage:
        words = " ".join(stage.lines())
        assert words.split() == ["Terminal", "too", "small:", "20x5,", "needs", "40x10.", "q",
                                 "leaves."]  # fmt: skip
        for columns, lines in ((1, 1), (3, 2), (39, 30), (200, 9)):
            shown = await stage.resize(columns, lines)
            assert len(shown) == lines and max(map(len, shown)) <= columns
            await stage.press("down", "enter", "escape", "h", "x", "6", "2")
        shown = await stage.resize(COLUMNS_MIN, LINES_MIN)
        assert shown[6] == "Connections Polled: 30" and len(shown) == LINES_MIN
        assert "127.0.0.1:50005" in shown[8]
        assert "too small" not in "".join(await stage.resize(300, 100))


@on_loop
async def test_names_steer_nothing() -> None:
    async with on_stage(FixedSource(), size=(120, 40)) as stage:
        shown = await stage.press("slash", *"evil")
        row = next(line for line in shown if "2001:db8::7:50090" in line)
        assert "[red]evil[/red]\\… " in row
        wide = await stage.press("ctrl+u", *"9301")
        assert "(0 shown)" in wide[7]
        wide = await stage.press("backspace", "backspace", "backspace", "1")
        assert any("渋谷の端末" in line for line in wide)


@pytest.mark.parametrize(("text", "shown"), [
    ("plain", "plain"), ("\x1b[2J", "\\u001b[2J"), ("a\nb\tc", "a\\u000ab\\u0009c"),
    ("\ud800", "\\ud800"), ("\x9b31m", "\\u009b31m"), ("\u202e", "\\u202e"),
    ("[b]x[/b]", "[b]x[/b]"),
])  # fmt: skip
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown
    plain(text).encode()


def test_cells_are_exact() -> None:
    assert fit("abc", 5) == "abc  " and fit("abcdef", 4) == "abcd"
    assert fit("渋谷", 3) == "渋 " and fit("渋谷", 6) == "渋谷  "
    assert fit_marked("abcd", 4) == "abcd" and fit_marked("abcde", 4) == "abc…"
    assert fit_marked("渋谷", 3) == "渋…" and fit_marked("渋谷", 2) == " …"


def test_bars() -> None:
    assert bars([0, 1, 2], 5, 1) == ["  ▁▄█"]
    assert bars([1, 4, 2], 2, 2) == ["█ ", "██"]
    assert bars([], 3, 2) == ["   ", "   "] and bars([5], 0, 1) == [""]
