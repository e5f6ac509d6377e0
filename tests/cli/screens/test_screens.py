"""What fits on a terminal, and what of strangers' texts reaches it."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_cli.app import help_of
from pynats_cli.commands import ROOT
from pynats_cli.screen import live, output, tables
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.tables import Table
from pynats_common.commandline.tree import Group, walk
from pynats_common.commandline.untrusted import harmless, harmless_bytes, harmless_screen
from rich.cells import cell_len

from tests.cli.terminal import STYLE
from tests.support.deadline import wait_until_async

Terminal = Callable[[int, int], None]
EVIL = "a\x1b[2Jb\x07\x9b5mc\r\td\u202e"
SPELLED = "a\\u001b[2Jb\\u0007\\u009b5mc\\u000d d\\u202e"


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Standard output is a terminal of so many columns and lines. COLUMNS lies."""
    monkeypatch.setenv("COLUMNS", "33")
    with monkeypatch.context() as patch:

        def become(columns: int, lines: int = 24) -> None:
            patch.setattr(sys.stdout, "isatty", lambda: True)
            for module in (tables, live):
                patch.setattr(module, "terminal_size", lambda: os.terminal_size((columns, lines)))

        yield become


def streams(name: str = "ORDERS_OF_THE_LAST_YEAR_AND_OF_ALL_REGIONS") -> Table:
    table = Table("Streams", ("Name", "Description", "Messages", "Size", "Last Message"))
    table.add(name, "all the orders of all customers", 12_345, "1.3 KiB", "1y2d")
    table.add("B", "", 1, "1 B", "never")
    table.total("Totals", "", 12_346, "1.3 KiB", "")
    return table


def widest(text: str) -> int:
    return max(map(cell_len, STYLE.sub("", text).splitlines()))


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_help_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    def every(group: Group, path: list[str]) -> Iterator[list[str]]:
        yield path
        for row in group.commands:
            here = [*path, row.name]
            yield from every(row, here) if isinstance(row, Group) else [here]

    wide = {
        " ".join(path): line
        for path in every(ROOT, [])
        for line in help_of(walk(ROOT, path)).splitlines()
        if cell_len(line) > columns
    }
    assert not wide


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_fits_and_loses_nothing(columns: int, at_terminal: Terminal) -> None:
    at_terminal(columns, 24)
    drawn = streams().render()
    assert widest(drawn) <= columns
    words = "ORDERS_OF_THE_LAST_YEAR_AND_OF_ALL_REGIONS 12,345 1.3 1y2d never Totals 12,346"
    assert all(word in drawn for word in words.split())
    assert ("╭" in drawn) == (columns > 80)


def test_rows_that_have_no_room_stand_below_each_other(at_terminal: Terminal) -> None:
    at_terminal(40, 24)
    rule = "─" * 40
    assert streams("N").render("red").split("\n")[:10] == [
        "Streams", rule, "        Name: N", " Description: all the orders of all",
        "              customers", "    Messages: 12,345", "        Size: 1.3 KiB",
        "Last Message: 1y2d", rule, "        Name: B",
    ]  # fmt: skip
    assert "═" * 40 + "\n        Name: Totals\n    Messages: 12,346\n" in streams("N").render()


@given(text=st.text(alphabet="ab世 ", max_size=60), room=st.integers(1, 12))
def test_a_long_value_is_broken_at_blanks_only(text: str, room: int) -> None:
    parts = tables._parts(text, room)
    assert " ".join(parts) == text
    assert all(cell_len(part) <= room or " " not in part for part in parts)


def test_a_piped_table_has_its_full_width_and_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    drawn = streams().render("red")
    assert "\x1b" not in drawn and "│ all the orders of all customers │" in drawn
    assert len({cell_len(line) for line in drawn.splitlines()[1:]}) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_borders_are_the_same_in_every_locale(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = streams("世界").render()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert streams("世界").render() == usual and usual.startswith("╭")


CELLS = st.sampled_from(
    ["", "a", "two words", "1", "12,345", "1.3 KiB", "äß漢", "a\nbcd", "x" * 30]
)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["", "T", "a title " * 8]),
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    st.booleans(),
)
def test_long_tables_look_like_others(
    title: str, rows: list[tuple[str, str, str]], summed: bool
) -> None:
    table = Table(title, ("Name", "Messages", "漢"))
    for row in rows:
        table.add(*row)
    if summed:
        table.total("Sum", "12", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_LONG", 0)
        drawn_here = table.render()
        patch.setattr(tables, "_LONG", 1000)
        assert drawn_here.splitlines() == table.render().splitlines()


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_colours_of_lines_on_a_terminal(
    variable: str, coloured: bool, at_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(120, 24)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", variable)
    assert ("\x1b[31m" in streams().render("red")) is coloured


def test_tables_and_columns_spell_control_characters(at_terminal: Terminal) -> None:
    at_terminal(120, 24)
    assert SPELLED in streams(EVIL).render()
    at_terminal(30, 24)
    assert SPELLED in re.sub(r"\n +", " ", streams(EVIL).render())
    screen = Columns(f"Stream {EVIL}")
    screen.add(EVIL, EVIL)
    screen.section(EVIL)
    screen.text(EVIL)
    shown = screen.render()
    assert "\x1b" not in shown and "\x9b" not in shown and shown.count("\\u001b[2J") == 5


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    shown = harmless(text)
    assert all(char in "\n\t" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in shown)
    assert harmless(shown) == shown


def test_colours_of_our_screens_stay_and_nothing_else() -> None:
    assert harmless_screen("\x1b[31m│\x1b[0m \x1b]0;t\x07") == "\x1b[31m│\x1b[0m \\u001b]0;t\\u0007"
    assert harmless("a\r\nb\rc\td") == "a\nb\\u000dc\td"
    assert harmless_bytes(b"\xff\x1b[c") == "\ufffd\\u001b[c".encode()


def test_a_line_of_the_log_has_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    """It may tell what a server said."""
    output.log("nats: oops \x1b[8mhidden")
    assert capsys.readouterr().err.endswith(" nats: oops \\u001b[8mhidden\n")


def test_live_screens_are_cut_at_the_edges() -> None:
    text = "12345678\n\x1b[31m世界世界世界\x1b[0m\nshort\nd\ne"
    found = live.fitting(text, 6, 4)
    assert found == ["12345≈", "\x1b[31m世界 \x1b[0m\x1b[0m≈", "short", "≈ 2 m≈"]
    assert live.fitting("abc", 3, 1) == ["abc"]


def test_a_dumb_terminal_gets_lines(at_terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(20, 6)
    written: list[str] = []
    monkeypatch.setattr(live, "line", written.append)
    monkeypatch.setenv("TERM", "dumb")
    live.LiveScreen().paint("one\ntwo")
    assert written == ["one\ntwo"]


def test_a_live_screen_replaces_the_one_before(
    at_terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyte = pytest.importorskip("pyte")
    at_terminal(20, 6)
    screen = pyte.Screen(20, 6)
    stream = pyte.ByteStream(screen)
    screen.set_mode(pyte.modes.LNM)  # "\n" as a terminal's driver sends it
    monkeypatch.setattr(live, "write", stream.feed)
    stream.feed(b"$ pynats watch\n" * 5)

    def shown() -> list[str]:
        return [line.rstrip() for line in screen.display]

    async def act() -> None:
        with live.live_screen() as painted:
            painted.paint(f"one {EVIL}\nlong " + "x" * 40 + "\nthree")
            assert shown() == [
                "one a\\u001b[2Jb\\u00≈",
                "long xxxxxxxxxxxxxx≈",
                "three",
                "",
                "",
                "",
            ]
            painted.paint("a\nb\nc\nd\ne\nf\ng\nh")
            assert shown() == ["a", "b", "c", "d", "≈ 4 more lines", ""]
            screen.resize(6, 12)
            at_terminal(12, 6)
            os.kill(os.getpid(), signal.SIGWINCH)
            await wait_until_async(lambda: shown()[4] == "≈ 4 more li≈", "the screen once more")
            # Inside, tables have one line a row and are cut by the screen.
            assert len(streams().render().splitlines()) == 10
            painted.paint("end")
            assert shown() == ["end", "", "", "", "", ""]

    asyncio.run(act())
    assert screen.cursor.y == 1 and not screen.cursor.hidden
