"""index.db of an open store: when it is saved, and whether the one on disk is still true."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.syncing.group_commit import Committer, Task
from pynats_server.jetstream.store.format.index_db import FullState, encode_around, encode_index
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.jetstream.store.search.queries import WALK
from pynats_server.work import Work

INDEX_SHARE = 200  # the index is saved so seldom that encoding it takes at most 1/200 of the time


class SavedIndex:
    """The saved state of one stream. `tail_sum`: the record that it ends at. `saved` is told how
    each save has ended."""

    def __init__(
        self, files: StreamFolder, committer: Committer, saved: Callable[[OSError | None], None]
    ) -> None:
        self.tail_sum = b""
        self._files = files
        self._committer = committer
        self._saved = saved
        self._stands = True
        self._retired = 0  # how often
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
        self._write(state.tail_sum, [body])

    def saving(self, state: FullState, listing: SubjectListing) -> Work[None]:
        """The same in steps: `state` is without its subjects, which are listed meanwhile. What
        would make the state wrong before it is saved ends it."""
        started = time.perf_counter()
        before, after = encode_around(state)
        cost_s, retired = time.perf_counter() - started, self._retired
        more = True
        while more:
            yield
            if self._retired != retired:
                return
            started = time.perf_counter()
            more = listing.step(WALK)
            cost_s += time.perf_counter() - started
        if not listing.broken:
            self._cost_s = cost_s
            self._write(state.tail_sum, [before, *listing.parts, after])

    def _write(self, tail_sum: bytes, parts: list[bytes]) -> None:
        self.tail_sum = tail_sum
        self._stands = True
        work = partial(_write_joined, self._files, parts)
        self._committer.after(Task(work, self._saved))

    def retire(self) -> None:
        """Delete the saved state after the next sync: it is about to be wrong."""
        self._retired += 1
        if self._stands:
            self._stands = False
            path = self._files.messages / "index.db"
            self._committer.after(Task(partial(self._files.delete, [path])))

    def is_current(self, tail_sum: bytes, state_of: Callable[[], FullState]) -> bool:
        """Whether the saved state is the current one. Ask only when no file work is pending."""
        if not self._stands or self.tail_sum != tail_sum:
            return False
        return self._files.holds_index([encode_index(state_of())])

    def finish(self, tail_sum: bytes, parts: list[bytes]) -> None:
        """Have the state saved that the store ends with, unless it is. Any thread may do it once
        the store takes nothing more and no file work is pending. Raises OSError."""
        if not self._stands or self.tail_sum != tail_sum or not self._files.holds_index(parts):
            _write_joined(self._files, parts)


def _write_joined(files: StreamFolder, parts: list[bytes]) -> None:
    files.write_index(b"".join(parts))
