"""`pynats` at a terminal: a forked process that owns a pseudo-terminal, questions and answers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from pynats_cli.entry import main

from tests.cli.conftest import Cli
from tests.support.deadline import Deadline

_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[78=>])")


class AtTerminal:
    """One run; what it printed so far is in `screen`, without escape sequences."""

    def __init__(self, cli: Cli, arguments: tuple[str, ...], columns: int, lines: int) -> None:
        self._raw = b""
        self._seen = 0
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become_pynats(arguments, {**cli.environment, "TERM": "xterm"})
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    @property
    def screen(self) -> str:
        return _ESCAPES.sub("", self._raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def wait_for(self, text: str) -> None:
        """Waits until `text` comes, after what was waited for before."""
        deadline = Deadline()
        while (found := self.screen.find(text, self._seen)) < 0:
            assert self._read(), f"ended without {text!r}: {self.screen}"
            deadline.check(f"{text!r} at the terminal: {self.screen}")
        self._seen = found + len(text)

    def answer(self, question: str, text: str = "") -> None:
        """Waits for a question and answers it with a line."""
        self.wait_for(question)
        os.write(self._fd, text.encode() + b"\r")

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._fd, b"\x03")

    def finish(self) -> int:
        """Waits for the end and returns the exit code."""
        deadline = Deadline()
        while self._read():
            deadline.check(f"the end of pynats: {self.screen}")
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def _read(self) -> bool:
        """Reads what is there; False after the end."""
        ready, _, _ = select.select([self._fd], [], [], 0.05)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65_536)
        except OSError:  # the other side is closed
            return False
        self._raw += data
        return bool(data)


@contextmanager
def at_terminal(
    cli: Cli, *arguments: str, columns: int = 100, lines: int = 40
) -> Iterator[AtTerminal]:
    """Runs `pynats` at a terminal of this size."""
    running = AtTerminal(cli, arguments, columns, lines)
    try:
        yield running
    finally:
        running.close()


def _become_pynats(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    """Turns the forked process into `pynats`; never returns."""
    code = 99
    try:
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.argv = ["pynats", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
