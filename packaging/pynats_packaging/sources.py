"""The source tree that everything is made of: where it is, what is compiled, and its time."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COMPILED: Final = ("common", "server", "bench")  # folders with modules to compile: setup.py
_EPOCH: Final = "SOURCE_DATE_EPOCH"


class EpochError(Exception):
    """The time that was given is none."""


def source_epoch(root: Path) -> int:
    """Seconds since 1970 that all files get as their time, so that two builds are the same:
    $SOURCE_DATE_EPOCH, or the last commit's, or, in an unpacked archive, that of its files. Raises
    EpochError."""
    if given := os.environ.get(_EPOCH, ""):
        if not (given.isascii() and given.isdigit()):
            raise EpochError(f"${_EPOCH}: {given!r} is no number of seconds")
        return int(given)
    try:
        told = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True
        ).stdout.strip()
    except OSError:  # there is no git
        told = ""
    return int(told) if told else int((root / "pyproject.toml").stat().st_mtime)
