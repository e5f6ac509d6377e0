"""What the streams of an account, and those being restored, have claimed: names, bytes, subjects.

Kept up to date with every change, so that a request does not have to look at each stream.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.subjects.collisions import PatternIndex
from pynats_server.work import Work

COUNT = "count"  # beside the kinds of storage
SUBJECTS = 128  # noted before a rest, about 0.3 ms


class Totals:
    """Bytes by kind of storage, of an account or of the whole server."""

    def __init__(self, whole: Totals | None = None) -> None:
        self._bytes: Counter[str] = Counter()
        self._whole = whole

    def of(self, storage: str) -> int:
        """The bytes of a kind of storage."""
        return self._bytes[storage]

    def add(self, storage: str, delta: int) -> None:
        """Counts bytes here and for the whole."""
        self._bytes[storage] += delta
        if self._whole is not None:
            self._whole.add(storage, delta)


@dataclass(frozen=True, slots=True)
class _Claim:
    storage: str
    size: int
    subjects: list[str]


class Claims:
    """`reserved` and `server` are the totals of the account's and of all accounts' streams,
    `restores` those of what is being restored anywhere on the server."""

    def __init__(self, server: Totals, restores: Totals) -> None:
        self.reserved = Totals(server)
        self._server = server
        self._server_restores = restores
        self._restores = Totals(restores)
        self._streams: dict[str, _Claim] = {}
        self._subjects = PatternIndex()
        self.restoring: dict[object, _Claim] = {}

    def put(self, config: StreamConfig) -> Work[None]:
        """A stream has come, or has another configuration. Names and bytes count at once."""
        before = self._streams.get(config.name)
        subjects = [] if config.mirror is not None else config.subjects
        claim = _Claim(config.storage, max(config.max_bytes, 0), subjects)
        self._take(config.name, claim)
        return self._index(config.name, before.subjects if before is not None else [], subjects)

    def drop(self, name: str) -> Work[None]:
        """A stream is no more. Idempotent."""
        before = self._streams.get(name)
        self._take(name, None)
        return self._index(name, before.subjects if before is not None else [], [])

    def _take(self, name: str, claim: _Claim | None) -> None:
        before = self._streams.pop(name, None)
        if before is not None:
            self.reserved.add(before.storage, -before.size)
        if claim is not None:
            self._streams[name] = claim
            self.reserved.add(claim.storage, claim.size)

    def _index(self, name: str, old: list[str], new: list[str]) -> Work[None]:
        for at in range(0, len(old), SUBJECTS):
            self._subjects.discard(old[at : at + SUBJECTS], name)
            yield
        for at in range(0, len(new), SUBJECTS):
            self._subjects.add(new[at : at + SUBJECTS], name)
            yield

    def clear(self) -> None:
        """The account has no streams any more."""
        for claim in self._streams.values():
            self.reserved.add(claim.storage, -claim.size)
        self._streams.clear()
        self._subjects.clear()

    def begin_restore(self, restore: object, config: StreamConfig) -> None:
        """A stream of that configuration is being restored: it claims a place and its bytes."""
        claim = _Claim(config.storage, max(config.max_bytes, 0), [])
        self.restoring[restore] = claim
        self._restores.add(claim.storage, claim.size)
        self._restores.add(COUNT, 1)

    def end_restore(self, restore: object) -> None:
        """It is a stream now, or given up. Idempotent."""
        claim = self.restoring.pop(restore, None)
        if claim is not None:
            self._restores.add(claim.storage, -claim.size)
            self._restores.add(COUNT, -1)

    def all_restores(self) -> int:
        """How many restores are under way in all accounts."""
        return self._server_restores.of(COUNT)

    def others(self, name: str) -> int:
        """How many streams and restores there are, without the stream of that name."""
        return len(self._streams) - (name in self._streams) + len(self.restoring)

    def promised(self, storage: str, name: str) -> int:
        """The account's bytes without those of that stream."""
        return self.reserved.of(storage) + self._restores.of(storage) - self._of(storage, name)

    def promised_by_server(self, storage: str, name: str) -> int:
        """All accounts' bytes without those of that stream of this account."""
        everywhere = self._server.of(storage) + self._server_restores.of(storage)
        return everywhere - self._of(storage, name)

    def _of(self, storage: str, name: str) -> int:
        claim = self._streams.get(name)
        return claim.size if claim is not None and claim.storage == storage else 0

    def captured(self, subjects: list[bytes], name: str) -> Work[bool]:
        """Whether another stream listens to some of the subjects."""
        return self._subjects.overlaps(subjects, name)
