"""The source tree that everything is made of: where it is, what is compiled, and its time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from pynats_common.program.epoch import given_epoch

ROOT: Final = Path(__file__).resolve().parents[2]
COMPILED: Final = ("common", "server", "bench")  # folders with modules to compile: setup.py


def source_epoch(root: Path) -> int:
    """Seconds since 1970 that all files get as their time, so that two builds are the same:
    $SOURCE_DATE_EPOCH, or the last commit's, or, in an unpacked archive, that of its files. Raises
    EpochError."""
    if (given := given_epoch()) is not None:
        return given
    try:
        told = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True
        ).stdout.strip()
    except OSError:  # there is no git
        told = ""
    return int(told) if told else int((root / "pyproject.toml").stat().st_mtime)
