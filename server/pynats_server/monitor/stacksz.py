"""/stacksz: what every thread and every task of the loop is doing, innermost call first. Code
positions only: no values and no source text, so no secrets."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from types import FrameType


def stacks() -> str:
    """A text for people. Runs in the loop's thread."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = [
        f"thread {ident} [{names.get(ident, 'unknown')}]:\n{_format(frame)}"
        for ident, frame in sys._current_frames().items()
    ]
    for task in asyncio.all_tasks():
        frames = task.get_stack()
        lines = "".join(_format(frame, 1) for frame in frames)
        parts.append(f"task {task.get_name()}:\n{lines}")
    return "\n".join(parts)


def _format(frame: FrameType, limit: int | None = None) -> str:
    # Positions without the source text: a call in an embedding program may name a password.
    return "".join(
        f"  {entry.filename}:{entry.lineno} in {entry.name}\n"
        for entry in traceback.StackSummary.extract(
            traceback.walk_stack(frame), limit=limit, lookup_lines=False
        )
    )
