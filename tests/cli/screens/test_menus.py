"""Menus and hidden answers at a terminal: many choices, keys, other sizes, and their end."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path

import pytest
from pynats_common.commandline import menu as menus
from rich.cells import cell_len

from tests.cli.conftest import Cli
from tests.cli.terminal import DOWN, ENTER, Terminal
from tests.support.deadline import wait_until

END, PAGE_DOWN, DELETE = "\x1b[F", "\x1b[6~", "\x1b[3~"
WIDE = "世界" * 40


@pytest.fixture
def many(lone_cli: Cli) -> Cli:
    """200 contexts to choose from."""
    folder = Path(lone_cli.environment["XDG_CONFIG_HOME"]) / "nats" / "context"
    folder.mkdir(parents=True)
    for name in (WIDE, *(f"c{number:03}" for number in range(199))):
        (folder / f"{name}.json").write_text("{}")
    return lone_cli


def menu(terminal: Terminal, lines: int, columns: int) -> list[str]:
    shown = [row.rstrip() for row in terminal.screen(lines, columns).display]
    return [row for row in shown if row.startswith(("?", "❯", ">", "  "))]


def test_many_choices_on_a_small_terminal(many: Cli) -> None:
    terminal = Terminal(many, "context", "select", lines=6, columns=30, COLUMNS="200")
    terminal.read_until("1 of 200")
    assert menu(terminal, 6, 30) == [
        "? Select a Context [arrows mo…", "❯ c000", "  c001", "  c002", "  1 of 200",
    ]  # fmt: skip
    for keys, place in ((PAGE_DOWN, 4), (DELETE, 4), (DOWN, 5), (END, 200)):
        terminal.type(keys)
        terminal.read_until(f"{place} of 200")
    shown = menu(terminal, 6, 30)
    assert shown[:3] == ["? Select a Context [arrows mo…", "  c197", "  c198"]
    assert shown[3].startswith("❯ 世界世界") and cell_len(shown[3]) <= 30
    terminal.raw = b""  # pyte wraps nothing anew
    terminal.resize(20, 16)
    terminal.read_until("200 of 200")
    assert menu(terminal, 20, 16)[:2] == ["? Select a Cont…", "  c190"]
    terminal.type("04" + ENTER)
    assert terminal.finish() == 0
    assert "? Select a Cont…" in terminal.all
    assert many.run("context", "info").out.startswith('NATS Configuration Context "c004"')


def test_a_locale_without_the_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(menus, "_size", lambda: (20, 10))
    menus.Menu("Q", ["世界" * 9, "b"])._draw("hint", many=False)
    screen.buffer.seek(0)
    rows = screen.buffer.read().decode().replace("\r\x1b[J", "").split("\n")
    assert rows == ["? Q [hint]", "> " + "\\u4e16\\u754c\\u4e16"[:18], "  b", "\x1b[3A"]


@pytest.mark.parametrize(
    ("ended_by", "code"),
    [("\x03", 130), ("\x04", 1), (signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1)],
)
@pytest.mark.parametrize(
    ("command", "question"),
    [(("context", "select"), "1 of 200"), (("server", "passwd"), "Enter password")],
)
def test_the_terminal_is_left_as_it_was(
    command: tuple[str, ...], question: str, ended_by: str | signal.Signals, code: int, many: Cli
) -> None:
    terminal = Terminal(many, *command)
    terminal.read_until(question)
    wait_until(lambda: not terminal.usual(), "no echo")
    if isinstance(ended_by, str):
        terminal.type(ended_by)
    else:
        terminal.interrupt(ended_by)
    assert terminal.finish() == code
    assert "Traceback" not in terminal.all
