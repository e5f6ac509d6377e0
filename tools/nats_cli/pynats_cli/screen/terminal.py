"""The terminal's size."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO


def terminal_size(stream: TextIO | None = None) -> os.terminal_size:
    """Columns and lines of the terminal that the stream is, standard output if None, whatever
    COLUMNS says; of a usual one where there is none."""
    try:
        size = os.get_terminal_size((stream or sys.stdout).fileno())
    except (OSError, ValueError):
        return shutil.get_terminal_size()
    return size if size.columns and size.lines else os.terminal_size((80, 24))
