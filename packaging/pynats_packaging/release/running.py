"""Other programs, which must succeed, and environments to run them in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 50  # lines of a program that has failed


class ReleaseError(Exception):
    """What is wrong, for whoever makes the release."""


def say(text: str) -> None:
    """A line for whoever waits."""
    print(f"release: {text}", flush=True)


def run(
    command: Sequence[str | Path], cwd: Path | None = None, epoch: int = 0, **variables: str
) -> str:
    """What a program prints. Raises ReleaseError with the end of its output."""
    environment = {**os.environ, **variables}
    environment.pop("PYTHONPATH", None)
    if epoch:
        environment["SOURCE_DATE_EPOCH"] = str(epoch)
    shown = " ".join(str(word) for word in command)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd, env=environment, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise ReleaseError(f"{shown}: {error}") from None
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN:])
        raise ReleaseError(f"exit code {done.returncode} of: {shown}\n{output}")
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A Python environment in a folder."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, interpreter: Path) -> Environment:
        """A new and empty one: not even pip is in it."""
        run([interpreter, "-m", "venv", "--clear", "--without-pip", folder])
        return cls(folder)

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    @property
    def size(self) -> int:
        """Bytes of what is installed in it."""
        files = (path for path in self.folder.rglob("*") if not path.is_symlink())
        return sum(path.stat().st_size for path in files if path.is_file())
