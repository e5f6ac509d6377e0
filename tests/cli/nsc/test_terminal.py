"""Output at a terminal (drawn with Rich) and, as plain text, in a pipe."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynsc.core import prompts
from pynsc.core.report import Line, Report
from pynsc.render import show, show_failure

from tests.support.deadline import PATIENCE_S

Nsc = Callable[..., Any]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def attach(monkeypatch: pytest.MonkeyPatch) -> tuple[Terminal, Terminal]:
    """Makes standard output and standard error terminals of 40 columns without colours."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "40"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


def report() -> Report:
    made = Report()
    made.ok("added [red]account[/red]").children.append(Line("NOTE", "a \x1b[2Jdetail"))
    made.table("User", [], [["Name", "U"], ["Tags", "a\nb"]], [["Key", "UA" + "Z" * 30]])
    made.table("Keys", ["Entity", "Stored"], [["O", "*"]])
    return made


GOLDEN = """\
                   User                    
╭──────┬──────────────────────────────────╮
│ Name │ U                                │
│ Tags │ a                                │
│      │ b                                │
├──────┼──────────────────────────────────┤
│ Key  │ UAZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ │
╰──────┴──────────────────────────────────╯
       Keys        
╭────────┬────────╮
│ Entity │ Stored │
├────────┼────────┤
│ O      │ *      │
╰────────┴────────╯
"""  # noqa: W291


def plain(text: str) -> str:
    """Without the bold and dim that stay when colours are off."""
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_tables_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        out, err = attach(patch)
        show(report(), as_json=False)
    assert plain(out.getvalue()) == GOLDEN
    lines = plain(err.getvalue())
    assert lines == "[ OK ] added [red]account[/red]\n       > a \\u001b[2Jdetail\n"


def test_errors_and_questions_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        _, err = attach(patch)
        patch.setattr(sys, "stdin", io.StringIO("\n2\na,b\nc\n\n"))
        show_failure(None, "no [bold]way[/bold]: " + "long " * 20, as_json=False)
        answers = [prompts.ask("name", "X"), prompts.select("pick", ["one", "two"])]
        subjects = prompts.edit_list("subjects")
    assert answers == ["X", "two"] and subjects == ["a", "b", "c"]
    assert plain(err.getvalue()) == (
        "Error: no [bold]way[/bold]: " + ("long " * 20).strip() + "\n"
        "? name (X)   1) one\n  2) two\n? pick (one) "
        "? subjects ? subjects (empty ends) ? subjects (empty ends) "
    )


def test_a_real_terminal_has_colours_and_a_pipe_has_none(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    command = [sys.executable, "-m", "pynsc", "list", "operators"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60"}
    environment.pop("NO_COLOR", None)
    piped = subprocess.run(
        command, env=environment, capture_output=True, check=True, timeout=PATIENCE_S
    )
    assert b"\x1b" not in piped.stdout and b"+--" in piped.stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # how Linux reports that the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        assert process.wait(PATIENCE_S) == 0
    os.close(ours)
    assert b"\x1b[1m" in shown and "╭".encode() in shown and b"+--" not in shown


def test_rich_is_not_imported_for_a_pipe(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    code = (
        "import sys; from pynsc.__main__ import main; main(['list', 'operators']);"
        "print('pynsc.terminal' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert done.stdout.endswith("False\n")
