"""Keys of a terminal, each at once; and a terminal that is left as it was found.

What a program changed of a terminal, the shell after it has to live with: it is put back at the
end, after an error, and when a signal ends the program.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from select import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SEQUENCE_S = 0.05  # bytes of one key arrive faster than separate keys
RESIZED = "resized"  # in place of a key: the terminal has another size
_DEADLY = ("SIGTERM", "SIGHUP", "SIGQUIT")
_HIDE, _SHOW, _ERASE_BELOW = b"\x1b[?25l", b"\x1b[?25h", b"\r\n\x1b[J"


class Keys:
    """See `raw_keys`."""

    def __init__(self, terminal: int, resized: int) -> None:
        self._terminal, self._resized = terminal, resized

    def next(self) -> str:
        """One key, or `RESIZED`; an arrow is its whole sequence. Keys typed ahead stay for the next
        question. Raises KeyboardInterrupt for Ctrl-C, and EOFError."""
        ready = select([self._terminal, self._resized], [], [])[0]
        if self._resized in ready:
            os.read(self._resized, 4096)
            return RESIZED
        return read_key(self._terminal)


def read_key(descriptor: int) -> str:
    """One key of a terminal that gives each at once."""

    def more() -> bytes:
        return os.read(descriptor, 1) if select([descriptor], [], [], SEQUENCE_S)[0] else b""

    data = os.read(descriptor, 1)
    if data in (b"", b"\x04"):
        raise EOFError
    if data == b"\x03":
        raise KeyboardInterrupt
    if data == b"\x1b":
        data += more()
        if data[1:] == b"O":
            data += more()
        elif data[1:] == b"[":
            # To the letter that ends it: the rest would be keys of their own.
            while (byte := more()) and not 0x40 <= byte[0] <= 0x7E:
                data += byte
            data += byte
        return data.decode("ascii", "replace")
    for bound in (0xC0, 0xE0, 0xF0):  # further bytes of a letter beyond ASCII
        if data[0] >= bound:
            data += more()
    return data.decode("utf-8", "replace")


@contextmanager
def raw_keys() -> Iterator[Keys]:
    """The keys of standard input, with a hidden cursor."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    sys.stderr.flush()
    with _as_it_was(descriptor, _SHOW), _resizes() as resized:
        os.write(sys.stderr.fileno(), _HIDE)
        output = termios.tcgetattr(descriptor)[1]
        tty.setraw(descriptor, termios.TCSADRAIN)
        after = termios.tcgetattr(descriptor)
        after[1] = output  # still processed, so that line ends work
        termios.tcsetattr(descriptor, termios.TCSADRAIN, after)
        yield Keys(descriptor, resized)


@contextmanager
def kept_terminal() -> Iterator[None]:
    """The terminal that is standard input is put back when a signal ends the program inside."""
    if sys.platform == "win32":
        yield
        return
    with _as_it_was(sys.stdin.fileno()):
        yield


@contextmanager
def _as_it_was(descriptor: int, text: bytes = b"") -> Iterator[None]:
    """Puts the terminal back and writes a text to it, at the end or before the program dies."""
    import termios

    before = termios.tcgetattr(descriptor)

    def put_back(text: bytes) -> None:
        with suppress(termios.error):  # it has gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        with suppress(OSError):
            os.write(sys.stderr.fileno(), text)

    def die(number: int, _: FrameType | None) -> None:
        put_back(_ERASE_BELOW + text)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    with _handled(die, *_DEADLY):
        try:
            yield
        finally:
            put_back(text)


@contextmanager
def _resizes() -> Iterator[int]:
    """A descriptor that can be read when the terminal's size has changed."""
    reading, writing = os.pipe()
    try:
        with _handled(lambda *_: _tell(writing), "SIGWINCH"):
            yield reading
    finally:
        os.close(reading)
        os.close(writing)


def _tell(pipe: int) -> None:
    os.write(pipe, b".")


@contextmanager
def _handled(act: Callable[[int, FrameType | None], None], *names: str) -> Iterator[None]:
    """`act` runs at these signals where the system's default would."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in names:
            number = getattr(signal, name)
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, act)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
