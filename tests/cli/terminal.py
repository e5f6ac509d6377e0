"""`pynats` at a pseudo terminal: each answer is sent after its question."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Callable
from typing import Any

from pynats_cli.entry import main

from tests.cli.conftest import Cli
from tests.cli.inside import become
from tests.support.deadline import Deadline, wait_until
from tests.support.descriptors import readable

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
UP, DOWN, ENTER = "\x1b[A", "\x1b[B", "\r"


class Terminal:
    """A program that runs at a terminal; it is forked, as in `Running`."""

    def __init__(self, cli: Cli, *arguments: str, lines: int = 40, columns: int = 120,
                 program: Callable[[], Any] = main, **environment: str) -> None:  # fmt: skip
        sys.stdout.flush()
        sys.stderr.flush()
        self.text = ""
        self.all = ""
        self.raw = b""
        self._code: int | None = None
        variables = {**cli.environment, "TERM": "xterm", "NO_COLOR": "1", **environment}
        self.pid, self._control = pty.fork()
        if self.pid == 0:
            resize(0, lines, columns)
            become(arguments, variables, program)

    def answer(self, question: str, keys: str) -> None:
        """Waits for a text and then types."""
        self.read_until(question)
        self.type(keys)

    def read_until(self, words: str) -> None:
        """Waits for a text; what came before it is dropped."""
        deadline = Deadline()
        while words not in self.text:
            deadline.check(f"{words!r} after {self.text!r}")
            assert self._read(deadline), f"{words!r} never came: {self.text}"
        self.text = self.text.partition(words)[2]

    def read_some(self) -> bool:
        """Waits for output; False at its end."""
        return self._read(Deadline())

    def _read(self, deadline: Deadline) -> bool:
        if not readable(self._control, deadline.remaining()):
            return True
        try:
            data = os.read(self._control, 65_536)
        except OSError:
            data = b""
        self.raw += data
        found = STYLE.sub("", data.decode("utf-8", "replace").replace("\r", ""))
        self.text += found
        self.all += found
        return bool(data)

    def resize(self, lines: int, columns: int) -> None:
        resize(self._control, lines, columns)

    def screen(self, lines: int = 40, columns: int = 120) -> Any:
        """What such a terminal shows after all that came so far."""
        import pyte

        screen = pyte.Screen(columns, lines)
        pyte.ByteStream(screen).feed(self.raw)
        return screen

    def shown(self, lines: int = 40, columns: int = 120) -> str:
        """What the user sees after all that came so far."""
        shown = self.screen(lines, columns).display
        return "\n".join(line.rstrip() for line in shown).rstrip("\n")

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        os.kill(self.pid, number)

    def type(self, keys: str) -> None:
        os.write(self._control, keys.encode())

    def usual(self) -> bool:
        """Whether it echoes, and edits lines."""
        usual = termios.ECHO | termios.ICANON | termios.ISIG
        return bool(termios.tcgetattr(self._control)[3] & usual == usual)

    def finish(self) -> int:
        """Reads to the end; the exit code."""
        deadline = Deadline()
        while self._read(deadline):
            deadline.check("the end of the program")
        wait_until(self._ended, "the end of the program")
        assert self.usual() and self.raw.count(b"\x1b[?25l") <= self.raw.count(b"\x1b[?25h")
        os.close(self._control)
        assert self._code is not None
        return self._code

    def _ended(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return bool(pid)


def resize(descriptor: int, lines: int, columns: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
