"""What others named is shown, not obeyed."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line, log, note
from pynats_cli.screen.tables import table
from pynats_cli.screen.visible import laid_out, visible

EVIL = "a\x1b]0;title\x07\x1b[2Jb\x9b31m\u202e\r"
SHOWN = r"a\u001b]0;title\u0007\u001b[2Jb\u009b31m\u202e\u000d"


@given(st.text())
def test_nothing_stays_that_a_terminal_obeys(text: str) -> None:
    for shown in (visible(text), laid_out(text)):
        assert not any(ord(char) < 32 and char not in "\t\n" for char in shown)
        assert not any(0x7F <= ord(char) < 0xA0 for char in shown)


def test_colours_are_ours_in_what_is_laid_out_only() -> None:
    assert visible("\x1b[31mred") == r"\u001b[31mred"
    assert laid_out("\x1b[31mred\x1b[0m\x1b[5n") == "\x1b[31mred\x1b[0m" + r"\u001b[5n"


@pytest.mark.parametrize("form", ["", "md", "csv", "tsv"])
def test_tables(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_TABLE_FORMAT", form)
    shown = table(EVIL, [EVIL], [[EVIL]], [EVIL])
    assert SHOWN in shown
    assert "\x1b" not in shown
    assert "\r" not in shown


@pytest.mark.parametrize(("form", "separator"), [("csv", ","), ("tsv", "\t"), ("TSV", "\t")])
def test_separated_values_are_valid_and_have_no_title(
    form: str, separator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["a", "b"], ['with "quotes", commas', "two\nlines"], ["", "a\ttab"]]
    monkeypatch.setenv("NATS_TABLE_FORMAT", form)
    shown = table("The Title", rows[0], rows[1:], ["sum", "3"])
    read = csv.reader(io.StringIO(shown, newline=""), delimiter=separator, strict=True)
    assert list(read) == [*rows, ["sum", "3"]]


def test_screens() -> None:
    screen = Columns(EVIL)
    screen.add(EVIL, EVIL)
    screen.section(EVIL)
    screen.text(EVIL)
    assert screen.render().count(SHOWN) == 5


def test_lines(capfd: pytest.CaptureFixture[str]) -> None:
    line(EVIL)
    log(EVIL)
    note(EVIL)
    done = capfd.readouterr()
    assert done.out == SHOWN + "\n"
    assert done.err.splitlines()[0].endswith(SHOWN.removesuffix(r"\u000d"))
    assert done.err.splitlines()[1] == SHOWN
