"""The user's editor. Nothing that was written in it is lost: what cannot be used can be edited
again, or stays in its file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pynats_cli.errors import CliError
from pynats_cli.screen.ask import confirm, has_terminal
from pynats_cli.screen.output import note

T = TypeVar("T")


@contextmanager
def edited(text: str, suffix: str, parse: Callable[[str], T]) -> Iterator[T]:
    """What `parse` makes of the text after the user has edited it. When that raises ValueError or
    CliError, the user is asked whether to edit it again. The file stays after a No, and after an
    error or Ctrl-C in the block. Raises CliError."""
    command = _editor()
    # Only the owner can read it: the text may hold secrets.
    handle, name = tempfile.mkstemp(suffix=suffix)
    path = Path(name)
    changed = False
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        while True:
            _run(command, name)
            found = _content(path)
            changed = found != text.encode()
            try:
                value = parse(found.decode())
                break
            except UnicodeDecodeError:
                error = CliError("what was edited is not valid UTF-8")
            except (ValueError, CliError) as reason:
                error = CliError(str(reason))
            if not has_terminal():
                raise error
            note(f"pynats: error: {error}")
            if not confirm("Edit it again?", default=True):
                raise error
        yield value
    except BaseException:
        if changed and path.exists():
            note(f"What was edited is in {name}")
        else:
            path.unlink(missing_ok=True)
        raise
    else:
        path.unlink(missing_ok=True)


def _editor() -> list[str]:
    try:
        found = shlex.split(os.environ.get("EDITOR") or os.environ.get("VISUAL") or "")
    except ValueError as error:
        raise CliError(f"EDITOR: {str(error).lower()}") from None
    if not found:
        raise CliError("set EDITOR environment variable to your chosen editor")
    return found


def _run(command: list[str], name: str) -> None:
    sys.stdout.flush()
    try:
        with _keys_left_to_it():
            code = subprocess.run([*command, name], check=False).returncode
    except OSError as error:
        raise CliError(f"cannot run {command[0]}: {error.strerror}") from None
    if code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt
    if code < 0:
        raise CliError(f"{command[0]} was ended by {_signal_name(-code)}")
    if code:
        raise CliError(f"{command[0]} ended with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # of those for real time only two have names
        return f"signal {number}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


@contextmanager
def _keys_left_to_it() -> Iterator[None]:
    """Ctrl-C is a key of some editors; the terminal sends its signal to us as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)]
    loop = signal.set_wakeup_fd(-1)  # it would hear of them after the editor's end
    # Not SIG_IGN, which the editor would inherit.
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(loop)
