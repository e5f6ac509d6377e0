"""Reading and writing configuration files."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pynats_common.files import read_whole
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError


def read_text(file: str) -> str:
    """The text of a file, `-` is standard input. Raises CliError."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else read_whole(file)
    except OSError as error:
        raise CliError(f"open {file}: {error_text(error)}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(f"{file} is not UTF-8 text") from None


def write_text(file: str, text: str) -> None:
    """Replaces a file as a whole, with the same rights: never half of it. Raises CliError."""
    path = Path(os.path.realpath(file))
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            if path.exists():
                os.chmod(name, path.stat().st_mode & 0o7777)  # noqa: PTH101
            os.replace(name, path)  # noqa: PTH105
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise CliError(f"write {file}: {error_text(error)}") from None
