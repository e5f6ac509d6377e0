"""Lines of a walkthrough: what is typed, and what is seen.

A walkthrough is a list of lines that one user types one after the other, with `pynats` in place of
`nats` and `pynsc` in place of `nsc`, at the same server. What a line shows is written as the
documentation shows it (or as `nats` 0.5.0 does where that is newer), with marks for what varies:

    <time> <clock> <age> <key> <n> <size> <port> <word> <any>, a line of `...` for any lines

The rest must be equal, blanks and empty lines included: columns and the order of rows are part of
it. Only of tables the blanks and the lines between rows do not count: what varies has no fixed
width.
Standard output comes before what is said on standard error.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from textwrap import dedent

from pynats_cli.entry import main
from pynsc.__main__ import main as nsc_main

from tests.cli.conftest import Cli, Running
from tests.cli.terminal import Terminal
from tests.support.deadline import wait_until

_MARKS = {
    "time": r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?",
    "clock": r"\d\d:\d\d:\d\d",
    "age": r"(?:never|(?:[\d.]+(?:ns|µs|ms|s|m|h|d))+)",
    "key": "[A-Z2-7]{56}",
    "n": r"[\d,.]+",
    "size": r"[\d.,]+ (?:B|KiB|MiB|GiB)",
    "port": r"\d+",
    "word": r"\S+",
    "any": ".*",
}
_GAP = "..."
_ROWS, _COLUMNS = 100, 250  # of a terminal


@dataclass(frozen=True)
class Line:
    """One line that is typed. `{home}` is the user's folder, where the line is typed, too; `{url}`
    and `{port}` are the server's.

    shows    what is seen at its end; None does not look
    code     exit code
    answers  the line is typed at a terminal: parts of questions, and keys; `shows` is what the
             terminal shows in the end
    stays    a name for a command that goes on: `shows` is waited for, see `Seen`
    note     where the documentation is older, or wrong
    """

    typed: str
    shows: str | None = None
    code: int = 0
    stdin: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    stays: str = ""
    note: str = ""
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """The command that stays has shown this by now, or does soon; all of it."""

    name: str
    shows: str


@dataclass(frozen=True)
class File:
    """A file is written to the user's folder."""

    name: str
    text: str


Step = Line | Seen | File


def matches(wanted: str, seen: str) -> bool:
    """Whether what was seen is what is wanted, but for the marks."""
    pattern = ""
    for line in _lines(dedent(wanted)):
        pattern += r"(?:[^\n]*\n)*?" if line.strip() == _GAP else _line(line) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(seen))) is not None


def _lines(text: str) -> list[str]:
    """Lines without blanks at their end; those of tables without what fills and parts them."""
    lines = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n").split("\n")
    return [
        re.sub(" +", " ", line) if line[:1] == "│" else line
        for line in lines
        if line[:1] not in tuple("╭├╰")
    ]


def _line(line: str) -> str:
    parts = re.split(r"<(\w+)>", line)
    return "".join(
        (_MARKS[part] if part in _MARKS else re.escape(f"<{part}>")) if odd % 2 else re.escape(part)
        for odd, part in enumerate(parts)
    )


def _nsc() -> None:
    sys.exit(nsc_main(sys.argv[1:]))


_PROGRAMS = {"nats": main, "nsc": _nsc}


class User:
    """Types the lines."""

    def __init__(self, cli: Cli, port: int = 0) -> None:
        self._cli = cli
        self._port = port
        self._stay: dict[str, Running] = {}

    def follow(self, steps: tuple[Step, ...]) -> None:
        """Types all lines, and fails with all that was not as it should be."""
        wrong = [problem for step in steps if (problem := self._step(step))]
        assert not wrong, "\n\n".join(wrong)

    def _step(self, step: Step) -> str:
        if isinstance(step, Line):
            return self._type(step)
        if isinstance(step, File):
            return self._file(step)
        running = self._stay[step.name]
        return self._wait(step.name, running, step.shows)

    def _type(self, line: Line) -> str:
        program, *words = shlex.split(self._filled(line.typed))
        environment = dict(line.environment)
        if line.stays:
            running = self._cli.start(*words, stdin=line.stdin, **environment)
            self._stay[line.stays] = running
            return self._wait(line.typed, running, line.shows or "<any>\n...")
        if line.answers:
            terminal = Terminal(self._cli, *words, lines=_ROWS, columns=_COLUMNS, **environment)
            for question, keys in line.answers:
                terminal.answer(question, keys)
            code, seen = terminal.finish(), terminal.shown(_ROWS, _COLUMNS)
        else:
            done = self._cli.run(
                *words, stdin=line.stdin, program=_PROGRAMS[program], **environment
            )
            code, seen = done.code, done.out + done.err
        return self._judge(line.typed, line.shows, line.code, seen, code)

    def _judge(self, name: str, wanted: str | None, code: int, seen: str, ended: int) -> str:
        if ended != code:
            return f"$ {name}\nended with {ended}, not {code}:\n{seen}"
        if wanted is not None and not matches(self._filled(wanted), seen):
            return f"$ {name}\nshowed:\n{seen}\nnot:\n{dedent(wanted)}"
        return ""

    def _wait(self, name: str, running: Running, wanted: str) -> str:
        """Waits until a command that stays has shown something."""
        text = self._filled(wanted)

        def shown() -> bool:
            return matches(text, running.out() + running.err()) or running.exit_code() is not None

        try:
            wait_until(shown, f"what {name} shows")
        except AssertionError:
            pass
        seen = running.out() + running.err()
        return "" if matches(text, seen) else f"$ {name}\nshowed:\n{seen}\nnot:\n{dedent(wanted)}"

    def _file(self, step: File) -> str:
        path = self._cli.home / step.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text)
        return ""

    def _filled(self, text: str) -> str:
        return (
            text.replace("{home}", str(self._cli.home))
            .replace("{url}", f"nats://127.0.0.1:{self._port}")
            .replace("{port}", str(self._port))
        )
