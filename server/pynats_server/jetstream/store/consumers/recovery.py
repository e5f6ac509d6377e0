"""The consumers in a stream's folder, read back when the stream is opened.

A consumer is not given up because of damage. Its configuration comes from `meta.inf` or from the
copy of it in `known.dat`, whichever has the checksum of `meta.sum`. Without a sound `o.dat` it goes
on from a place that was surely acknowledged, so that it delivers again and leaves out nothing:
what the tail of `o.dat` says if only the front is damaged; else `o.prev`, if nobody but us has
written the folder since; else where it began. Damaged files are copied to the stream's
`quarantine/` first, and what was wrong is told.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.json import read_json
from pynats_common.go.text import text_of
from pynats_common.go.times import parse_time_ns

from pynats_server.jetstream.store.consumers.folder import (
    FOLDER,
    KEY,
    KNOWN,
    MARK,
    META,
    PREVIOUS,
    STATE,
    SUMS,
    ConsumerFiles,
    Random,
    StoredConsumer,
    set_mark,
)
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import BadKey, CorruptRecord, StoreError
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk, NotAFile
from pynats_server.jetstream.store.file.meta import SUM_FILES, read_sums
from pynats_server.jetstream.store.format.consumer_file import (
    Known,
    StateFile,
    Tail,
    decode_known,
    read_state_file,
)
from pynats_server.jetstream.store.format.consumer_state import (
    MAGIC,
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.meta_inf import meta_sum, name_key

LATEST_NS: Final = 366 * 86400 * 1_000_000_000  # a delivery further in the future is none
FILE_MAX: Final = 1 << 30  # bytes of a consumer's file, more than ten million waiting messages need
QUARANTINE: Final = "quarantine"
ALL: Final = "*"  # stands for the names of consumers that nobody can tell
SHOWN_MAX: Final = 100  # bytes of a consumer's name in the name of a file


@dataclass(frozen=True, slots=True)
class Extent:
    """The messages of the stream that the consumers are of. `seq_at` finds the first one that is
    not older than a time. Behind `whole_to` some are unavailable."""

    last_seq: int
    seq_at: Callable[[int], int]
    whole_to: int = SEQ_MAX


@dataclass(slots=True)
class RecoveredConsumer:
    """A consumer that can go on. `problems`: what was damaged; empty if nothing was."""

    name: str
    config: dict[str, Any]
    created_ns: int
    state: ConsumerState
    files: ConsumerFiles
    problems: list[str]


@dataclass(slots=True)
class Recovery:
    """`broken`: those that cannot go on, because nothing tells what they are, and why."""

    consumers: list[RecoveredConsumer] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def consumer_names(folder: Path) -> list[str]:
    """The consumers in a stream's folder, by name; also those that cannot be read. Other things
    may lie there, too. Raises OSError."""
    home = folder / FOLDER
    try:
        found = list(home.iterdir())
    except FileNotFoundError:
        if home.is_symlink():
            raise  # where it leads to may come back
        return []
    return sorted(path.name for path in found if _has_files(path))


def _has_files(path: Path) -> bool:
    """Whether a folder has files of a consumer, or cannot be looked into."""
    try:
        return any((path / name).is_file() for name in (META, SUMS, STATE, KNOWN))
    except OSError:
        return True


def recover_consumers(
    stream: FileConfig,
    extent: Extent,
    now_ns: int,
    disk: Disk | None = None,
    random: Random = os.urandom,
) -> Recovery:
    """All consumers of a stream, by name. Waits for the disk."""
    disk = disk or Disk()
    found = Recovery()
    try:
        names = consumer_names(stream.folder)
    except OSError as error:
        found.broken[ALL] = f"{FOLDER} cannot be read: {error}"
        return found
    if not names:
        return found
    alone = (stream.folder / MARK).is_file()  # nobody else has written since
    for name in names:
        try:
            reading = _Reading(stream, name, extent, now_ns, disk, random, alone)
            found.consumers.append(reading.run())
        except (OSError, ValueError, StoreError) as error:
            found.broken[text_of(os.fsencode(name))] = str(error) or repr(error)
    if not alone:
        with contextlib.suppress(OSError):  # without it, less is trusted the next time
            set_mark(stream.folder, disk)
    return found


def read_consumers(stream: FileConfig) -> list[StoredConsumer]:
    """The consumers in the folder of an unpacked backup, as they are there. Raises OSError,
    CorruptRecord, BadKey: one that cannot be read is not left out in silence."""
    made = []
    for name in consumer_names(stream.folder):
        reading = _Reading(stream, name, Extent(0, lambda _: 1), 0, Disk(), os.urandom, False)
        made.append(reading.strictly())
    return made


class _Reading:
    """One consumer being read."""

    def __init__(
        self,
        stream: FileConfig,
        name: str,
        extent: Extent,
        now_ns: int,
        disk: Disk,
        random: Random,
        alone: bool,
    ) -> None:
        self.stream = stream
        self.name = name
        self.extent = extent
        self.now_ns = now_ns
        self.disk = disk
        self.random = random
        self.alone = alone
        self.folder = stream.folder / FOLDER / name
        self.label = f"{stream.name}/{name}"
        self.hash_key = name_key(self.label)
        self.problems: list[str] = []
        self.cut = False  # the state on the disk is beyond the stream's last message

    def run(self) -> RecoveredConsumer:
        """Raises OSError, ValueError, BadKey or CorruptRecord if nothing tells what it is."""
        if not self.alone:
            self._forget_previous()
        known = self._known()
        meta, key = self._choose(known)
        config, created_ns, sealer = self._open(meta, key)
        start = self._start(config, created_ns, known)
        files = ConsumerFiles(
            self.stream, self.name, sealer, self.disk, self.random,
            known.start if known is not None else start,
        )  # fmt: skip
        if known is None or (known.meta, known.sealed_key) != (meta, key):
            with contextlib.suppress(OSError):
                files.keep_known(meta)
        state = self._state(sealer, start, config)
        _forget_future(state, self.now_ns)
        if self.problems or self.cut:
            self._begin_again(files, state)
        return RecoveredConsumer(self.name, config, created_ns, state, files, self.problems)

    def _begin_again(self, files: ConsumerFiles, state: ConsumerState) -> None:
        sealed = files.seal(encode_consumer_state(state, self.now_ns), self.extent.last_seq)
        try:
            files.begin_again(sealed)
        except OSError:
            # Without it the next start, when the stream has grown, would not know what was cut off,
            # and leave out new messages. Damage is seen again.
            if self.cut:
                raise

    def strictly(self) -> StoredConsumer:
        """Raises for any damage."""
        meta = self.disk.read(self.folder / META)
        if meta_sum(self.label, meta) not in read_sums(self.folder, self.disk):
            raise CorruptRecord(f"meta.inf of consumer {self.name!r} does not match meta.sum")
        config, _, sealer = self._open(meta, self._read(KEY) or b"")
        data = self._read(STATE)
        found = self._decoded(data, sealer) if data else StateFile(ConsumerState())
        if found.state is None:
            raise CorruptRecord(f"consumer {self.name!r} cannot be read: {found.problem}")
        return StoredConsumer(self.name, config, found.state)

    # -- what it is ---------------------------------------------------------------------------

    def _known(self) -> Known | None:
        try:
            data = self._read(KNOWN)
        except OSError as error:  # it is a help only
            self.problems.append(f"{KNOWN} cannot be read: {error}")
            return None
        if data is None:
            return None
        known = decode_known(data, self.hash_key)
        if known is None:
            self._problem(KNOWN, data, "is damaged and is made anew")
        return known

    def _choose(self, known: Known | None) -> tuple[bytes, bytes]:
        """`meta.inf` and `meta.key`; what of them was damaged is put right."""
        meta, key = self._read(META), self._read(KEY)
        sums = [data.strip() for name in SUM_FILES if (data := self._read(name)) is not None]
        copy = known.meta if known is not None else None
        if meta is not None and meta_sum(self.label, meta) in sums:
            chosen = meta
        elif copy is not None and copy == meta:
            chosen = copy
            self._problem(SUMS, self._read(SUMS), "did not match meta.inf")
            self._repair(chosen)
        elif copy is not None and (meta_sum(self.label, copy) in sums or self.alone):
            chosen = copy
            self._problem(META, meta, "did not match meta.sum; a copy was there")
            self._repair(chosen)
        else:
            why = "does not match meta.sum" if meta is not None else "is missing"
            self._problem(META, meta, why)
            raise CorruptRecord(f"meta.inf {why}, and there is no copy of it")
        return chosen, self._choose_key(key, known)

    def _choose_key(self, key: bytes | None, known: Known | None) -> bytes:
        keys = self.stream.keys
        copy = known.sealed_key if known is not None else b""
        if keys is None or key == copy or not copy:
            return key or b""
        if key is not None:
            with contextlib.suppress(BadKey):
                keys.recover(f"{self.stream.name}.{self.name}", key)
                return key
        keys.recover(f"{self.stream.name}.{self.name}", copy)
        self._problem(KEY, key, "did not open; a copy was there")
        with contextlib.suppress(OSError):
            self.disk.replace(self.folder / KEY, copy)
        return copy

    def _repair(self, meta: bytes) -> None:
        with contextlib.suppress(OSError):
            self.disk.replace(self.folder / META, meta)
            self.disk.replace(self.folder / SUMS, meta_sum(self.label, meta))

    def _open(self, meta: bytes, key: bytes) -> tuple[dict[str, Any], int, Any]:
        """The configuration, when the consumer was created, and what seals its files."""
        keys, sealer = self.stream.keys, None
        if key:
            if keys is None:
                raise BadKey("the consumer is encrypted, and there is no key")
            sealer = keys.seed_sealer(keys.recover(f"{self.stream.name}.{self.name}", key))
            meta = sealer.open(meta)
        loaded = read_json(meta)
        if not isinstance(loaded, dict) or loaded.get("Name", self.name) != self.name:
            raise CorruptRecord("meta.inf is not of this consumer")
        loaded.pop("Name", None)
        created_ns = parse_time_ns(loaded.pop("Created", "0001-01-01T00:00:00Z"))
        return loaded, created_ns, sealer

    # -- how far it is ------------------------------------------------------------------------

    def _state(self, sealer: Any, start: int, config: dict[str, Any]) -> ConsumerState:
        data = self._read(STATE)
        last = self.extent.last_seq
        if data is None:
            found = StateFile(None, None, "is missing")
        elif not data.strip(b"\0"):
            found = StateFile(None, None, "is empty")
        else:
            found = self._decoded(data, sealer)
        if found.state is None or found.state.delivered[1] > self.extent.whole_to:
            self._need_all()
        if found.state is not None:
            state = _cut(found.state, found.tail, last, _asked_start(config))
            self.cut = state is not found.state
            return state
        tail, where = found.tail, "its last acknowledgements"
        if tail is None and self.alone:
            tail, where = self._previous(sealer), "where it was some minutes before"
        if tail is None:
            where, consumer_seq = "where it began", 0
            seq = start if _asked_start(config) is not None else min(start, last)
            self.cut = seq < start
        else:
            seq = min(tail.ack_floor[1], last)
            self.cut = seq < tail.ack_floor[1]
            consumer_seq = tail.delivered[0]
        self._problem(STATE, data, f"{found.problem}; the consumer goes on from {where}")
        return ConsumerState((consumer_seq, seq), (consumer_seq, seq))

    def _need_all(self) -> None:
        """Raises StoreError where messages are unavailable: the consumer waits for them. Else it
        would take them for removed ones, and never deliver them."""
        if self.extent.whole_to < SEQ_MAX:
            raise StoreError(f"messages behind {self.extent.whole_to} are unavailable")

    def _decoded(self, data: bytes, sealer: Any) -> StateFile:
        if sealer is not None:
            try:
                data = sealer.open(data)
            except BadKey as error:
                if data[0] != MAGIC:  # restored folders carry it in the clear
                    return StateFile(None, None, str(error))
        return read_state_file(data, self.hash_key)

    def _previous(self, sealer: Any) -> Tail | None:
        data = self._read(PREVIOUS)
        if not data:
            return None
        found = self._decoded(data, sealer)
        return found.tail if found.state is not None else None

    def _forget_previous(self) -> None:
        """Raises OSError: one that stays could be trusted wrongly later."""
        if PREVIOUS in self.disk.names(self.folder):
            self.disk.remove(self.folder / PREVIOUS)
            self.disk.sync_folder(self.folder)

    def _start(self, config: dict[str, Any], created_ns: int, known: Known | None) -> int:
        """The stream sequence behind which it begins."""
        policy = config.get("deliver_policy", "all")
        asked = _asked_start(config)
        if asked is not None:
            return asked
        if policy == "by_start_time":
            with contextlib.suppress(ValueError, TypeError):
                return self._before(parse_time_ns(config.get("opt_start_time", "")))
        if policy in ("new", "last", "last_per_subject"):
            if known is not None:
                return known.start
            if policy == "new":
                return self._before(created_ns)
        return 0

    def _before(self, ts_ns: int) -> int:
        return max(self.extent.seq_at(ts_ns) - 1, 0)

    # -- help ---------------------------------------------------------------------------------

    def _read(self, name: str) -> bytes | None:
        path = self.folder / name
        try:
            if path.stat().st_size > FILE_MAX:
                raise OSError(errno.EFBIG, "larger than any file of a consumer", str(path))
            return self.disk.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if not isinstance(error, NotAFile) and error.errno != errno.ELOOP:
                raise
        self._put_aside(path)
        return None

    def _put_aside(self, path: Path) -> None:
        """Makes room for a file where something else lies."""
        self.problems.append(f"{path.name} was something else than a file")
        folder = self.stream.folder / QUARANTINE
        with contextlib.suppress(OSError):
            self.disk.make_folder(folder)
            kept = _kept_name(f"{self.name}.{path.name}", os.urandom(8))
            self.disk.rename(path, folder / kept)

    def _problem(self, file: str, data: bytes | None, text: str) -> None:
        """Notes that a file is damaged, and keeps a copy of it."""
        self.problems.append(f"{file} {text}")
        if not data:
            return
        with contextlib.suppress(OSError):
            quarantine(self.stream.folder, f"{self.name}.{file}", data, self.disk)


def quarantine(stream: Path, name: str, data: bytes, disk: Disk) -> None:
    """Keeps a copy of doubtful bytes of a consumer. Raises OSError."""
    folder = stream / QUARANTINE
    disk.make_folder(folder)
    path = folder / _kept_name(name, data)
    if path.name not in disk.names(folder):
        disk.replace(path, data)


def _kept_name(name: str, data: bytes) -> str:
    shown = name.encode()
    if len(shown) > SHOWN_MAX:
        name = f"{hashlib.sha256(shown).hexdigest()[:32]}.{name.rpartition('.')[2]}"
    return f"obs.{name}.{hashlib.sha256(data).hexdigest()[:16]}"


def _asked_start(config: dict[str, Any]) -> int | None:
    """The position that a configuration names as a sequence."""
    asked = config.get("opt_start_seq")
    if config.get("deliver_policy") == "by_start_sequence" and isinstance(asked, int):
        return max(asked - 1, 0)
    return None


def cut_off(consumer: StoredConsumer, last_seq: int) -> StoredConsumer:
    """A consumer of a backup without what is beyond the last message of its stream."""
    state = _cut(consumer.state, None, last_seq, _asked_start(consumer.config))
    return StoredConsumer(consumer.name, consumer.config, state)


def _cut(state: ConsumerState, tail: Tail | None, last: int, asked: int | None) -> ConsumerState:
    """Without what is beyond the stream's last message: a power cut took that, and its sequences
    will be used again. A position that was beyond it from the start is a wish, and stays."""
    floor, delivered = state.ack_floor, state.delivered
    if delivered[1] <= last:
        return state
    if tail is not None:
        if last >= tail.stream_last or delivered[1] > tail.stream_last:
            return state
    elif delivered == (0, asked):
        return state
    pending = {seq: entry for seq, entry in state.pending.items() if seq <= last}
    redelivered = {seq: times for seq, times in state.redelivered.items() if seq <= last}
    cut = ConsumerState((floor[0], min(floor[1], last)), (delivered[0], last), pending, redelivered)
    if not pending and not any(seq > cut.ack_floor[1] for seq in redelivered):
        cut.ack_floor = cut.delivered
    return cut


def _forget_future(state: ConsumerState, now_ns: int) -> None:
    """A wrong clock must not keep messages waiting for years, and one that was set back since the
    state was saved no longer than they have to."""
    ahead_ns = state.saved_ns - now_ns
    set_back_ns = ahead_ns if ahead_ns > SECOND_NS else 0  # the file knows seconds
    latest = now_ns + LATEST_NS
    for seq, (delivery, ts) in state.pending.items():
        at_ns = ts - set_back_ns
        state.pending[seq] = delivery, at_ns if 0 <= at_ns <= latest else now_ns
