"""Questions to the user at the terminal, and the user's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pynats_cli.errors import CliError


def require_terminal() -> None:
    """Raises CliError without a terminal."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()):
        raise CliError("cannot ask for confirmation without a terminal")


def confirm(question: str) -> bool:
    """Asks for yes or no, no by default. Raises CliError without a terminal."""
    require_terminal()
    answer = input(f"? {question} (y/N) ")
    return answer.strip().lower() in ("y", "yes")


def choose(question: str, choices: Sequence[str]) -> str:
    """Asks for one of the choices by name or number. Raises CliError."""
    require_terminal()
    for number, choice in enumerate(choices, start=1):
        print(f"  {number}. {choice}")
    answer = input(f"? {question} ")
    if answer in choices:  # a name may end with a blank
        return answer
    answer = answer.strip()
    if answer.isdecimal() and 1 <= int(answer) <= len(choices):
        return choices[int(answer) - 1]
    if answer in choices:
        return answer
    raise CliError(f'"{answer}" is not one of the choices')


def edit_text(text: str, suffix: str) -> str:
    """The text after editing it in $EDITOR. Raises CliError when that fails."""
    editor = shlex.split(os.environ.get("EDITOR", ""))
    if not editor:
        raise CliError("set EDITOR environment variable to your chosen editor")
    # Only the owner can read it: the text may hold secrets.
    handle, name = tempfile.mkstemp(suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        try:
            code = subprocess.run([*editor, name], check=False).returncode
        except OSError as error:
            raise CliError(f"cannot run {editor[0]}: {error.strerror}") from None
        if code != 0:
            raise CliError(f"{editor[0]} ended with exit code {code}")
        return path.read_text(encoding="utf-8")
    finally:
        path.unlink(missing_ok=True)
