"""A program at a pseudo terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping

from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.descriptors import readable

STYLE = re.compile(r"\x1b\[[0-9;]*m")
UP, DOWN, ENTER = "\x1b[A", "\x1b[B", "\r"


class Screen:
    """Each answer is sent after its question."""

    def __init__(self, command: list[str], environment: Mapping[str, str] = os.environ) -> None:
        self.control, terminal = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
            env={**environment, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"},
        )  # fmt: skip
        os.close(terminal)
        self.text = ""

    def answer(self, question: str, keys: str) -> None:
        """Waits for the question and types the keys."""
        self._read_until(question)
        os.write(self.control, keys.encode())

    def _read_until(self, words: str) -> None:
        deadline = Deadline()
        while words not in self.text:
            deadline.check(f"{words!r} after {self.text!r}")
            if not readable(self.control, deadline.remaining()):
                continue
            try:
                data = os.read(self.control, 4096)
            except OSError:
                data = b""
            assert data, f"{words!r} never came: {self.text}"
            self.text = STYLE.sub("", self.text + data.decode("utf-8", "replace"))
        self.text = self.text.partition(words)[2]

    def finish(self) -> int:
        """The exit code."""
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            os.close(self.control)
