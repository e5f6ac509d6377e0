"""Folders that nobody looks into any more, removed by a thread of their own.

Those of many consumers take long on a busy disk, and nobody waits for it: what is left when the
server stops goes after its next start.
"""

from __future__ import annotations

import os
from pathlib import Path

from pynats_server.jetstream.store.file.syncing.syncthread import SyncThreads


class Discarding:
    """Of one server."""

    def __init__(self) -> None:
        self._thread: SyncThreads | None = None
        self._count = 0

    def discard(self, folder: Path) -> None:
        """Removes a folder and all in it."""
        if self._thread is None:
            self._thread = SyncThreads(1)
        self._thread.finished()
        self._count += 1
        self._thread.discard(self._count, os.fsencode(folder))

    def close(self) -> None:
        """Gives up what is left."""
        if self._thread is not None:
            self._thread.close()
            self._thread = None
