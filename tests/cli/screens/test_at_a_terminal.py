"""What a user sees: whole runs at a pseudo terminal, read from its screen."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli
from tests.cli.terminal import DOWN, ENTER, Terminal

pytest.importorskip("pyte")
EVIL = "\x1b]0;title\x07\x1b[2J\x1b[31mred"
SPELLED = "\\u001b]0;title\\u0007\\u001b[2J\\u001b[31mred"


def lines(terminal: Terminal, columns: int = 120) -> list[str]:
    return [line.rstrip() for line in terminal.screen(40, columns).display if line.strip()]


@pytest.fixture
def name(stream_cli: Cli) -> Iterator[str]:
    name = f"S{uuid.uuid4().hex[:8]}"
    description = f"all {EVIL}"
    assert stream_cli.run("stream", "add", name, "--subjects", f"{name}.>", "--defaults",
                          "--description", description).code == 0  # fmt: skip
    yield name
    stream_cli.run("stream", "rm", name, "--force")


def test_a_stranger_steers_no_terminal(stream_cli: Cli, name: str) -> None:
    stream_cli.run("pub", f"{name}.a", f"body {EVIL}", "-H", "K: v\x1b[8m")
    for command in (
        ("stream", "info", name), ("stream", "ls"), ("stream", "get", name, "1"),
        ("sub", f"{name}.>", "--stream", name, "--all", "--count", "1"),
        ("stream", "query", name),
    ):  # fmt: skip
        terminal = Terminal(stream_cli, *command)
        terminal.finish()
        assert b"\x1b]0" not in terminal.raw and b"\x1b[2J" not in terminal.raw, command
        assert b"\x1b[8m" not in terminal.raw and b"\x1b[31m" not in terminal.raw, command
    piped = stream_cli.run("sub", f"{name}.>", "--stream", name, "--all", "--count", "1")
    assert f"body {EVIL}" in piped.out
    raw = Terminal(
        stream_cli, "sub", f"{name}.>", "--stream", name, "--all", "--count", "1", "--raw"
    )
    raw.finish()
    assert EVIL.encode() in raw.raw  # asked for as it is


def test_no_color_is_a_flag(stream_cli: Cli, name: str) -> None:
    for arguments, variable, coloured in (
        (("stream", "ls", "--colors", "red"), "", True),
        (("stream", "ls", "--colors", "red", "--no-color"), "", False),
        (("--help",), "", True), (("--no-color", "--help"), "", False), (("--help",), "1", False),
    ):  # fmt: skip
        terminal = Terminal(stream_cli, *arguments, NO_COLOR=variable)
        assert terminal.finish() == 0
        assert (b"\x1b[" in terminal.raw) is coloured, arguments
    assert "\x1b" not in stream_cli.run("stream", "ls", "--colors", "red").out


@pytest.mark.parametrize("columns", [60, 80])
def test_borders_are_never_broken(stream_cli: Cli, name: str, columns: int) -> None:
    for command in (("stream", "ls"), ("stream", "report"), ("consumer", "report", name)):
        terminal = Terminal(stream_cli, *command, columns=columns, COLUMNS="200")
        assert terminal.finish() == 0
        for line in terminal.raw.decode().replace("\r", "").split("\n"):
            if line.startswith(("│", "╭", "├", "╰", "─", "═")):
                assert len(line) <= columns, line


def test_a_bar_is_on_a_terminal_only_and_the_cursor_stays(stream_cli: Cli, name: str) -> None:
    terminal = Terminal(stream_cli, "pub", f"{name}.x", "b", "--count", "300", columns=60)
    assert terminal.finish() == 0
    assert "300/300" in lines(terminal, 60)[-1] and b"\x1b[?25l" not in terminal.raw
    piped = stream_cli.run("pub", f"{name}.x", "b", "--count", "300")
    assert "━" not in piped.out + piped.err and piped.out == ""


def test_no_is_said_and_a_name_that_is_unknown_opens_no_menu(stream_cli: Cli, name: str) -> None:
    for answer in ("n\n", "\n", "No\n"):
        terminal = Terminal(stream_cli, "stream", "rm", name)
        terminal.answer("(y/N)", answer)
        assert terminal.finish() == 0
        assert lines(terminal)[-1].endswith("not removed")
    terminal = Terminal(stream_cli, "stream", "info", "nope")
    assert terminal.finish() == 1
    assert lines(terminal) == ['pynats: error: stream "nope" not found']


def test_a_menu_on_a_narrow_terminal(stream_cli: Cli, name: str) -> None:
    terminal = Terminal(stream_cli, "stream", "info", lines=24, columns=30)
    terminal.answer("Select a Stream", name[:6] + ENTER)
    assert terminal.finish() == 0
    assert b"\x1b[?25h" in terminal.raw
    assert f"Information for Stream {name}" in terminal.all


def test_ctrl_c_leaves_the_terminal_as_it_was(stream_cli: Cli, name: str) -> None:
    terminal = Terminal(stream_cli, "stream", "info")
    terminal.answer("Select a Stream", DOWN + "\x03")
    assert terminal.finish() == 130
    assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")
    for live in (
        ("sub", ">", "--graph"), ("sub", ">", "--report-subjects"), ("stream", "graph", name),
        ("traffic",),
    ):  # fmt: skip
        terminal = Terminal(stream_cli, *live, columns=60)
        while b"\x1b[H" not in terminal.raw:
            assert terminal.read_some()
        terminal.resize(20, 40)
        terminal.interrupt()
        assert terminal.finish() in (0, 130)
        assert b"Traceback" not in terminal.raw and b"\x1b[?" not in terminal.raw


def test_the_pager(stream_cli: Cli, name: str) -> None:
    stream_cli.run("pub", f"{name}.x", "body", "--count", "3")
    terminal = Terminal(stream_cli, "stream", "view", name, "2")
    terminal.answer("Next Page? (Y/n)", "\n")
    assert terminal.finish() == 0
    assert lines(terminal)[-1].endswith("Reached apparent end of data")
    terminal = Terminal(stream_cli, "stream", "view", name, "2")
    terminal.answer("Next Page? (Y/n)", "n\n")
    assert terminal.finish() == 0
    assert "[3]" not in "".join(lines(terminal))
    piped = stream_cli.run("stream", "view", name, "2")
    assert piped.code == 0 and "[3] Subject" in piped.out and "Page" not in piped.out + piped.err
