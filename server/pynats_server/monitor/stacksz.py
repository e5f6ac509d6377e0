"""/stacksz: the stacks of all threads and tasks, innermost call first. Only code positions: values
and source text could hold secrets."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from types import FrameType


def stacks() -> str:
    """The stacks as text. Runs on the loop's thread."""
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
    # No source text: a call in an embedding program may contain a password.
    return "".join(
        f"  {entry.filename}:{entry.lineno} in {entry.name}\n"
        for entry in traceback.StackSummary.extract(
            traceback.walk_stack(frame), limit=limit, lookup_lines=False
        )
    )
