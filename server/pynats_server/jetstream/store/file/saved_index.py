"""index.db of an open store: when it is saved, and whether the one on disk is still true."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from pynats_server.jetstream.store.file.disk import FULL
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.group_commit import Committer, Task
from pynats_server.jetstream.store.format.index_db import FullState, encode_index

INDEX_SHARE = 200  # the index is saved so seldom that encoding it takes at most 1/200 of the time


class SavedIndex:
    """The saved state of one stream. `tail_sum`: the record that it ends at."""

    def __init__(
        self, files: StreamFolder, committer: Committer, fail: Callable[[Exception], None]
    ) -> None:
        self.tail_sum = b""
        self._files = files
        self._committer = committer
        self._fail = fail
        self._stands = True
        self._cost_s = 0.0

    def wait_s(self) -> float:
        """How long a changed state waits until it is saved."""
        return max(self._files.config.index_interval_s, self._cost_s * INDEX_SHARE)

    def save(self, state_of: Callable[[], FullState]) -> None:
        """Save the state after the next sync; everything in it must have been written."""
        started = time.perf_counter()
        state = state_of()
        body = encode_index(state)
        self._cost_s = time.perf_counter() - started
        self.tail_sum = state.tail_sum
        self._stands = True
        self._committer.after(Task(partial(self._files.write_index, body), self._saved))

    def _saved(self, error: OSError | None) -> None:
        if error is not None and error.errno not in FULL:
            self._fail(error)

    def retire(self) -> None:
        """Delete the saved state after the next sync: it is about to be wrong."""
        if self._stands:
            self._stands = False
            path = self._files.messages / "index.db"
            self._committer.after(Task(partial(self._files.delete, [path])))

    def is_current(self, tail_sum: bytes, state_of: Callable[[], FullState]) -> bool:
        """Whether the saved state is the current one. Ask only when no file work is pending."""
        if not self._stands or self.tail_sum != tail_sum:
            return False
        return self._files.holds_index(encode_index(state_of()))
