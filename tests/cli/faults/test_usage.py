"""Every command with arguments that cannot be right: one line on stderr that names them, nothing on
stdout, and the code 1 (3 for `server check`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_cli import app
from pynats_common.commandline.declare import Parameter
from pynats_common.commandline.parse import BadUsageError, BadValueError, parse

from tests.cli.faults.lines import LINES, Line

_ANYTHING = {"str", "_subjects"}  # kinds for which every text is a value
_BAD = {"_regex": "[", "_pattern": "[", "_name_of.<locals>.name": "a.b"}


class Shell:
    """Runs lines in this process."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, files: Path
    ) -> None:
        self._capsys, self._patch, self._files = capsys, monkeypatch, files

    def words(self, line: Line) -> list[str]:
        folder = str(self._files)
        return line.filled(D=folder, H=folder, URL="127.0.0.1:1")

    def refused(self, line: Line, *words: str, says: str) -> str:
        """What is wrong with how a line is refused; empty if nothing."""
        self._patch.setattr(sys, "argv", ["pynats", *words])
        code = app.main()
        out, err = self._capsys.readouterr()
        right = code == line.command.bad_usage and not out and err.count("\n") == 1 and says in err
        return "" if right else f"{words}: {code} {out[:200]!r} {err[:400]!r}"


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, files: Path, tmp_path: Path
) -> Shell:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return Shell(capsys, monkeypatch, files)


def choosy(line: Line) -> Iterator[tuple[Parameter, str]]:
    """The flags of a command that do not take every text, and one they do not take."""
    for parameter in line.parameters:
        reader = parameter.kind.parse.__qualname__
        if not parameter.positional and not parameter.switch and reader not in _ANYTHING:
            yield parameter, _BAD.get(reader, "~bad~")


def test_the_lines_are_valid(shell: Shell) -> None:
    for line in LINES.values():
        parse(line.command.options(), shell.words(line)[len(line.path) :])


def test_an_unknown_flag(shell: Shell) -> None:
    wrong = [
        shell.refused(line, *shell.words(line), "--bogus-flag", says="No such option: --bogus-flag")
        for line in LINES.values()
    ]
    assert [text for text in wrong if text] == []


def test_an_argument_too_few(shell: Shell) -> None:
    wrong = [
        shell.refused(line, *line.path, says="not provided: see pynats ")
        for line in LINES.values()
        if any(parameter.required for parameter in line.parameters) and not line.command.also
    ]
    assert [text for text in wrong if text] == []


def test_an_argument_too_many(shell: Shell) -> None:
    wrong = []
    for line in LINES.values():
        places = [parameter for parameter in line.parameters if parameter.positional]
        if not any(parameter.many for parameter in places):
            words = [*line.path, *["x"] * (len(places) + 1)]
            wrong.append(shell.refused(line, *words, says="unexpected 'x'"))
    assert [text for text in wrong if text] == []


def test_a_bad_value(shell: Shell) -> None:
    """Of each flag; through the program of the first of each kind."""
    wrong: list[str] = []
    seen = set()
    for line in LINES.values():
        for parameter, value in choosy(line):
            words = [*shell.words(line), f"{parameter.shown_name}={value}"]
            says = f"{parameter.shown_name}: "
            if parameter.kind.placeholder not in seen:
                seen.add(parameter.kind.placeholder)
                wrong.append(shell.refused(line, *words, says=says))
                continue
            with pytest.raises(ValueError, match=r"\S"):
                parameter.value_of([value])
    assert [text for text in wrong if text] == []


def test_a_flag_without_its_value() -> None:
    line = LINES["stream", "add"]
    for parameter, _ in choosy(line):
        with pytest.raises((BadUsageError, BadValueError), match=parameter.shown_name):
            parse(line.command.options(), ["S", parameter.shown_name])
