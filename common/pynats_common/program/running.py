"""What every program does around its work: Ctrl-C and output that cannot be written.

Ctrl-C may come while a program still loads, so this imports as little as possible.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # the module `typing` takes milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeAlias

    Main: TypeAlias = Callable[[], int | None]


class OutputError(OSError):
    """Standard output cannot be written."""


INTERRUPTED = 130  # exit code after Ctrl-C, as shells count


def run_program(name: str, load: Callable[[], Main], *, catches_interrupt: bool = True) -> NoReturn:
    """Runs what `load` imports, and exits with the code that it returns.

    Until then Ctrl-C ends the process as the system does, without a traceback; afterwards it is
    `KeyboardInterrupt`, and the code 130. Without `catches_interrupt` the program handles the
    signal itself. Errors of the system that nobody handled, such as a full standard output, are
    one line and the code 1.
    """
    open_missing_streams()
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    main = load()
    if ours and catches_interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code: int | str | None = 0
    try:
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
        end_line()
    except BrokenPipeError:  # the reader of our output has closed
        code = 1
    except OSError as error:
        code = 1
        try:
            print(f"{name}: {_described(error)}", file=sys.stderr)
        except (OSError, ValueError):
            pass  # nobody can be told
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the interpreter's end is no traceback either
    _let_go()
    if code == INTERRUPTED and _threads_are_left():
        os._exit(INTERRUPTED)
    sys.exit(code)


def _threads_are_left() -> bool:
    """Whether the interpreter's end would wait for others: one that reads a pipe to which nobody
    writes, perhaps for ever."""
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def open_missing_streams() -> None:
    """Opens /dev/null for streams that the shell closed (`>&-`); otherwise connections would get
    their descriptor numbers."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        for number in range(3):
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def end_line() -> None:
    """After Ctrl-C a terminal shows `^C`: what comes next begins a line of its own."""
    try:
        for stream in (sys.stderr, sys.stdout):
            if stream.isatty():
                os.write(stream.fileno(), b"\n")
                return
    except (OSError, ValueError):
        pass  # it has gone


def _described(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if isinstance(error, OutputError):
        return f"cannot write standard output: {reason}"
    try:
        sys.stdout.flush()  # what could not be written is still there
    except OSError:
        return f"cannot write standard output: {reason}"
    return reason


def _let_go() -> None:
    """Output that cannot be written is dropped; Python would complain about it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            except (OSError, ValueError):
                pass  # it has no descriptor
