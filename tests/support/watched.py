"""A picture of a store's messages, kept from what its witness hears."""

from __future__ import annotations

from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.witness import Informer


class Picture:
    """`purged` and `deleted` count what went one by one, `sweeps` what did not."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._messages: dict[int, bytes] = {}
        self._stale = True
        self.purged = self.deleted = self.sweeps = 0
        store.witness = Informer(self._came, self._gone, self._swept)

    @property
    def messages(self) -> dict[int, bytes]:
        """{sequence: subject}; read from the store only after a sweep."""
        if self._stale:
            self._messages = {seq: self._store.load(seq).subject for seq, _ in self._store.oldest()}
            self._stale = False
        return self._messages

    def _came(self, seq: int, subject: bytes) -> None:
        assert seq == self._store.last_seq
        if not self._stale:
            assert seq > max(self._messages, default=0)
            self._messages[seq] = subject

    def _gone(self, seq: int, subject: bytes, purged: bool) -> None:
        assert not self._store.is_live(seq)
        if not self._stale:
            assert self._messages.pop(seq) == subject
        if purged:
            self.purged += 1
        else:
            self.deleted += 1

    def _swept(self) -> None:
        self.sweeps += 1
        self._stale = True
