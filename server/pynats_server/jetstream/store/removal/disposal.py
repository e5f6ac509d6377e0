"""Giving memory back: millions of small pieces take long to free, so a thread does it.

Nothing else refers to what is handed over, and freeing needs no interpreter lock.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.subjects import SubjectTree

SMALL: Final = 2000
"""Subjects that are freed faster than a thread starts."""
FEW: Final = 2
"""As SMALL, blocks."""


def dispose(subjects: SubjectTree, blocks: Sequence[Block] = ()) -> None:
    """Frees a tree and the buffers of blocks that nobody uses any more."""
    if len(subjects) <= SMALL and len(blocks) <= FEW:
        _free(subjects, blocks)
        return
    threading.Thread(target=_free, args=(subjects, blocks), name="store-free", daemon=True).start()


def _free(subjects: SubjectTree, blocks: Sequence[Block]) -> None:
    subjects.clear()
    for block in blocks:
        block.free()
