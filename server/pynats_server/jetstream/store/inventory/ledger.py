"""Which blocks a stream has, written down: ledger.db.

It lies in the folder `__msgs__`, which nats-server removes from every stream that it opens: so one
that is found there was written after anybody else's visit. It may know less than there is (its end
may be lost in a power cut), never more: what it says of a block is written when that is durable,
and what is about to be untrue is changed before. So it names what is missing, and nothing else.

The loop says what is to be noted; the file is written by the worker that does the store's other
file work, in the same order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.syncing.group_commit import Committer, Task
from pynats_server.jetstream.store.format.ledger_file import (
    CUT,
    END_SIZE,
    MAGIC,
    Claim,
    LedgerContent,
    cut_entry,
    decode_ledger,
    encode_entries,
    holds_entry,
    removed_entry,
)
from pynats_server.jetstream.store.inventory.expected import Claims
from pynats_server.jetstream.store.seqset import SequenceSet

PLACE: Final = Path("__msgs__") / "ledger.db"  # in the stream's folder
GROWTH: Final = 4  # times of what it says may it be long, and
SPARE: Final = 64 * 1024  # bytes more, before it is written anew

Work = Callable[[], None]


class _Note(NamedTuple):
    """An entry, and when it was thought of: work that waits for room on the disk may be done after
    what was asked for later, and must not undo it."""

    number: int
    entry: bytes
    serial: int


class Ledger:
    """The ledger of one stream."""

    def __init__(self, stream: Path, key: bytes, disk: Disk, committer: Committer) -> None:
        self._stream = stream
        self._disk = disk
        self._committer = committer
        self._file = _LedgerFile(stream / PLACE, key, disk)
        self._claimed: set[int] = set()  # the blocks that it spoke of
        self._serial = 0
        self.unreadable: dict[int, OSError] = {}  # blocks of which nobody can tell how they look

    def read(self) -> Claims:
        """What it said when the stream was closed, or killed. Raises OSError."""
        claims = self._file.read()
        self._claimed = {number for number, claim in claims.items() if claim is not None}
        return claims

    def fitting(self, claims: Claims) -> dict[int, Claim]:
        """The claims whose files look as they should; a file that cannot be read is believed."""
        found = {}
        messages = self._stream / "msgs"
        for number, claim in claims.items():
            if claim is None:
                continue
            try:
                seen = self._disk.glance(messages / f"{number}.blk", END_SIZE)
            except OSError as error:
                found[number], self.unreadable[number] = claim, error
                continue
            if seen is not None and (not claim.end or seen == (claim.size, claim.end)):
                found[number] = claim
        return found

    # -- what happens to blocks -----------------------------------------------------------------

    def opened(self, blocks: Iterable[Block], claims: dict[int, Claim]) -> None:
        """These are all the blocks, and the claims that fit their files."""
        wanted: dict[int, Claim] = {}
        fresh: list[int] = []
        growing = 0
        for block in blocks:
            growing = block.index if block.file is not None else growing
            claim = claims.get(block.index)
            if block.file is None and (claim is None or not claim.end):
                claim = _claim(block)
                fresh.append(block.index)
            elif claim is None and block.msgs:  # the newest, to which more is added
                claim = Claim(block.first_seq, block.first_seq)
                fresh.append(block.index)
            if claim is not None:
                wanted[block.index] = claim
        if fresh or self._claimed - wanted.keys():
            work = partial(self._renew, wanted, fresh, growing)
            self._committer.after(Task(work, _ignore, lazy=True))

    def begun(self, block: Block) -> None:
        """Its first bytes are being written."""
        first = block.first_seq
        claim = Claim(first, first if block.msgs else first - 1)
        note = _Note(block.index, holds_entry(block.index, claim), self._next())
        work = partial(self._file.append, [note], durable=False)
        self._committer.after(Task(work, _ignore, lazy=True))

    def finished(self, block: Block) -> None:
        """The next block has begun, and the file will not change."""
        work = partial(self._add_file, block.index, _claim(block), self._next())
        self._committer.after(Task(work, _ignore, lazy=True))

    def rewriting(self, block: Block, replace: Work, drops: bool) -> Work:
        """The work that replaces a block's file. If records are dropped from it, what it has then
        is noted before."""
        number, claim, serial = block.index, _claim(block), self._next()

        def work() -> None:
            if drops:
                note = _Note(number, holds_entry(number, claim), serial)
                self._file.append([note], durable=True)
            replace()
            with contextlib.suppress(OSError):
                self._add_file(number, claim, serial)

        return work

    def removing(self, blocks: Iterable[int], delete: Work, covered: bool) -> Work:
        """The work that deletes blocks. `covered`: a durable floor tells it, too."""
        notes = [_Note(number, removed_entry(number), self._next()) for number in blocks]

        def work() -> None:
            with contextlib.suppress(OSError) if covered else contextlib.nullcontext():
                self._file.append(notes, durable=not covered)
            delete()

        return work

    def cut(self, last: int) -> None:
        """The stream is cut behind `last`; other messages get the sequences that follow."""
        work = partial(self._file.append, [_Note(0, cut_entry(last), self._next())], durable=True)
        self._committer.after(Task(work))

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    # -- in the worker --------------------------------------------------------------------------

    def _add_file(self, number: int, claim: Claim, serial: int) -> None:
        if self._measure(number, claim):
            note = _Note(number, holds_entry(number, claim), serial)
            self._file.append([note], durable=False)

    def _measure(self, number: int, claim: Claim) -> bool:
        found = self._disk.glance(self._stream / "msgs" / f"{number}.blk", END_SIZE)
        if found is not None:
            claim.size, claim.end = found
        return found is not None

    def _renew(self, claims: dict[int, Claim], fresh: list[int], growing: int) -> None:
        """Write all anew. What was read need not have been durable. The file of the block that is
        `growing` will not stay what it is."""
        for number in fresh:
            path = self._stream / "msgs" / f"{number}.blk"
            handle = self._disk.open(path)
            try:
                self._disk.sync(handle)
            finally:
                self._disk.close(handle)
            if number != growing:
                self._measure(number, claims[number])
        self._file.renew({number: holds_entry(number, c) for number, c in claims.items()})


def read_claims(stream: Path, key: bytes, disk: Disk) -> Claims:
    """What the ledger of a stream says, for tools. Raises OSError."""
    return _LedgerFile(stream / PLACE, key, disk).read()


def _claim(block: Block) -> Claim:
    """What lives in a block now."""
    deleted, _ = SequenceSet.decode(block.deleted.encode())
    last = block.last_seq if block.msgs else block.first_seq - 1
    return Claim(block.first_seq, last, deleted if block.msgs else SequenceSet(), block.nbytes)


def _ignore(_: OSError | None) -> None:
    """The ledger knows less then."""


class _LedgerFile:
    """The file; for one thread at a time."""

    def __init__(self, path: Path, key: bytes, disk: Disk) -> None:
        self._path = path
        self._key = key
        self._disk = disk
        self._entries: dict[int, bytes] = {}
        self._size = 0  # of what is intact; 0: there is no file
        self._sum = b""
        self._named = False  # the folders' entries are durable
        self._limit = SPARE  # how long it may get
        self._serials: dict[int, int] = {}  # of the blocks' last notes, and (0) of the last cut
        self._low = 0  # of blocks that are not in there

    def read(self) -> Claims:
        try:
            data = self._disk.read(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        found: LedgerContent = decode_ledger(data, self._key)
        self._size, self._sum = found.size, found.sum
        self._entries = dict(found.entries)
        self._limit = sum(map(len, self._entries.values())) * GROWTH + SPARE
        return found.claims

    def append(self, notes: list[_Note], durable: bool) -> None:
        """Add entries. Where they must be `durable` and there is no room for them, the ledger goes:
        one that knows nothing says nothing wrong. Raises OSError."""
        fresh = [note.entry for note in notes if self._is_fresh(note)]
        for number, entry, serial in notes:
            if entry not in fresh:
                continue
            self._serials[number] = serial
            if entry[0] == CUT:
                self._cut(entry)
            else:
                self._entries[number] = entry
        try:
            if fresh:
                self._append(fresh, durable)
        except OSError:
            if not durable:
                raise
            self._forget()

    def _is_fresh(self, note: _Note) -> bool:
        last = max(self._serials.get(note.number, self._low), self._serials.get(0, 0))
        return note.serial >= last

    def _cut(self, entry: bytes) -> None:
        data, _ = encode_entries([*self._entries.values(), entry], self._key, MAGIC)
        self._entries = decode_ledger(MAGIC + data, self._key).entries

    def _append(self, entries: list[bytes], durable: bool) -> None:
        lacks = not self._size and len(self._entries) > len(entries)
        if lacks or self._size > self._limit:
            self._replace()
            return
        data, checksum = encode_entries(entries, self._key, self._sum or MAGIC)
        if not self._size:
            self._disk.make_folder(self._path.parent)
            data = MAGIC + data
        handle = self._disk.open(self._path)
        try:
            self._disk.write(handle, data, self._size)
            if durable:
                self._disk.sync(handle)
        finally:
            self._disk.close(handle)
        self._size, self._sum = self._size + len(data), checksum
        if durable and not self._named:
            self._name()

    def _name(self) -> None:
        self._disk.sync_folder(self._path.parent)
        self._disk.sync_folder(self._path.parent.parent)
        self._named = True

    def renew(self, entries: dict[int, bytes]) -> None:
        """Write what was found when the stream was opened, and what was noted since then. Raises
        OSError."""
        if 0 not in self._serials:
            noted = {n: self._entries[n] for n in self._serials if n in self._entries}
            self._entries = {n: e for n, e in entries.items() if n not in self._serials} | noted
            self._replace()

    def _replace(self) -> None:
        """Write the whole file, without the blocks that have gone."""
        for number in [n for n, entry in self._entries.items() if entry == removed_entry(n)]:
            del self._entries[number]
        self._low = max(self._serials.values(), default=self._low)
        self._serials = {n: s for n, s in self._serials.items() if not n or n in self._entries}
        data, checksum = encode_entries(list(self._entries.values()), self._key, MAGIC)
        self._disk.make_folder(self._path.parent)
        self._disk.replace(self._path, MAGIC + data)
        self._size, self._sum = len(MAGIC) + len(data), checksum
        self._limit = self._size * GROWTH + SPARE
        self._name()

    def _forget(self) -> None:
        self._size, self._sum = 0, b""
        with contextlib.suppress(NotADirectoryError):  # then there is none
            self._disk.remove(self._path)
            self._disk.sync_folder(self._path.parent)
