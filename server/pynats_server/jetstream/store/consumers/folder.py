"""One consumer's folder, `obs/<name>/`: made and removed as a whole, changed so that a crash leaves
the old or the new.

| file | |
| --- | --- |
| `meta.inf`, `meta.sum` | the configuration and its checksum |
| `meta.key` | with encryption: the sealed key of the others |
| `o.dat` | how far the consumer is |
| `o.prev` | how far it was some minutes ago |
| `known.dat` | a copy of `meta.inf` and `meta.key`, and where the consumer began |

nats-server knows all but the last two, which help when one of the others is damaged. It may have
set a consumer back since `o.prev` was written. But it removes the folder `__msgs__` of a stream
when it opens it: so we keep one, the *mark*, and trust `o.prev` only beside it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pynats_common.go.times import format_time_ns

from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import (
    Disk,
    make_durable_folder,
    move_durably,
    put_aside,
)
from pynats_server.jetstream.store.file.meta import replace_meta
from pynats_server.jetstream.store.format.consumer_file import Known, encode_known, with_tail
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.meta_inf import encode_meta, meta_sum, name_key

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer

FOLDER: Final = "obs"
META, SUMS, KEY = "meta.inf", "meta.sum", "meta.key"
STATE, PREVIOUS, KNOWN = "o.dat", "o.prev", "known.dat"
MARK: Final = Path("__msgs__") / "pynats"  # in the stream's folder
NAME_MAX: Final = 255  # bytes of a file's name on all usual file systems
PREVIOUS_AFTER_S: Final = 120.0  # until the earlier state is replaced by a newer one

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class StoredConsumer:
    """A consumer as backups and folders have it: its configuration as JSON, and how far it is."""

    name: str
    config: dict[str, Any]
    state: ConsumerState


def consumer_folder(stream: Path, name: str) -> Path:
    """Where a consumer is. Raises OSError for what cannot be the name of a folder."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
    if len(os.fsencode(name)) > NAME_MAX:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
    return stream / FOLDER / name


def set_mark(stream: Path, disk: Disk) -> None:
    """From now on nobody else has written into the folder of a stream. There must be no `o.prev` of
    earlier. Raises OSError."""
    mark = stream / MARK
    disk.make_folder(mark.parent)
    disk.close(disk.open(mark))
    disk.sync_folder(mark.parent)
    disk.sync_folder(stream)


class ConsumerFiles:
    """The files of one consumer. Everything that waits for the disk is for threads, one at a time;
    `seal` is for whoever wants it. A server has very many of them, so what can be worked out is not
    kept.
    """

    __slots__ = (
        "_previous_at", "_previous_floor", "_random", "_sealer", "_stream", "disk", "name", "start",
    )  # fmt: skip

    def __init__(
        self,
        stream: FileConfig,
        name: str,
        sealer: Sealer | None,
        disk: Disk,
        random: Random,
        start: int,
        previous_at: float = float("-inf"),
    ) -> None:
        consumer_folder(stream.folder, name)
        self._stream = stream
        self.name = name
        self.start = start  # the stream sequence that the consumer began behind
        self.disk = disk
        self._sealer = sealer
        self._random = random
        self._previous_at = previous_at  # when `o.prev` was written; -inf: nobody knows
        self._previous_floor: int | None = None  # in it; None: nobody knows, or there is none

    @property
    def durable(self) -> bool:
        """Whether promises need a sync."""
        return self._stream.sync_interval_s <= 0

    @property
    def folder(self) -> Path:
        """Where they are."""
        return consumer_folder(self._stream.folder, self.name)

    @property
    def label(self) -> str:
        """What checksums know the consumer as."""
        return f"{self._stream.name}/{self.name}"

    @property
    def hash_key(self) -> bytes:
        """The key of the checksums."""
        return name_key(self.label)

    @property
    def home(self) -> bytes:
        """The folder, for threads without Python."""
        return os.fsencode(f"{self._stream.folder}/{FOLDER}/{self.name}")

    # -- how far the consumer is --------------------------------------------------------------

    def seal(self, state: bytes, stream_last: int) -> bytes:
        """The content of `o.dat` for an encoded state."""
        whole = with_tail(state, stream_last, self.hash_key)
        if self._sealer is None:
            return whole
        return self._sealer.seal(whole, self._random(self._sealer.nonce_size))

    def next_write(self, floor: int, now_s: float) -> tuple[bool, bool]:
        """What else the next write of a state with this stream sequence as its floor has to do:
        whether an earlier `o.prev` is to be removed first, and whether there is to be a new one."""
        before = self._previous_floor
        is_due = now_s >= self._previous_at + PREVIOUS_AFTER_S
        # The consumer was set back, perhaps: what it had acknowledged counts no longer.
        forgets = floor < before if before is not None else is_due
        return forgets, is_due or forgets

    def begun(self, floor: int, now_s: float) -> None:
        """There is a new `o.prev`, or soon will be, of this floor."""
        self._previous_at, self._previous_floor = now_s, floor

    def write(self, sealed: bytes, floor: int, now_s: float, sync: bool) -> None:
        """Replaces `o.dat`, and `o.prev` when it is time for it. With `sync` it is durable. Raises
        OSError, and then the old or the new state is there."""
        forgets, keeps = self.next_write(floor, now_s)
        if forgets:
            self._forget_previous()
        self._put(STATE, sealed)
        if sync:
            self.disk.sync_folder(self.folder)
        if keeps:
            self._previous_at = now_s
            with contextlib.suppress(OSError):  # it is a help, not a promise
                self._put(PREVIOUS, sealed)
                self._previous_floor = floor

    def begin_again(self, sealed: bytes) -> None:
        """Replaces `o.dat` durably by a state that what was before may not overtake. Raises
        OSError."""
        self.disk.replace(self.folder / STATE, sealed)
        self._forget_previous()

    def _put(self, name: str, data: bytes) -> None:
        """Replaces a file; durable streams never find half of one."""
        path = self.folder / name
        temporary = path.with_name(name + ".tmp")
        self.disk.remove(temporary)
        handle = self.disk.open(temporary)
        try:
            try:
                self.disk.write(handle, data, 0)
                if self.durable:
                    self.disk.sync(handle)
            finally:
                self.disk.close(handle)
            self.disk.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                self.disk.remove(temporary)
            raise

    def _forget_previous(self) -> None:
        path = self.folder / PREVIOUS
        if path.name in self.disk.names(self.folder):
            self.disk.remove(path)
            self.disk.sync_folder(self.folder)
        self._previous_at, self._previous_floor = float("-inf"), None

    # -- what it is ---------------------------------------------------------------------------

    def change(self, config: dict[str, Any], created_ns: int) -> Exception | None:
        """Replaces the configuration, durably. Raises OSError, and then a restart finds the old
        one; returns an error where nobody knows."""
        before = self.disk.read(self.folder / META)
        data = self._meta(config, created_ns)
        try:
            self.describe(data)
        except OSError:
            try:
                if self.disk.read(self.folder / META) != before:
                    self.describe(before)
            except OSError as error:
                return error
            raise
        return None

    def describe(self, meta: bytes) -> None:
        """Replaces `meta.inf` with its checksum and its copy. Raises OSError."""
        replace_meta(self.disk, self.folder, self.label, meta)
        self.keep_known(meta)

    def keep_known(self, meta: bytes) -> None:
        """Keeps a copy of a `meta.inf`. Raises OSError."""
        key = self.disk.read(self.folder / KEY) if self._sealer is not None else b""
        self.disk.replace(
            self.folder / KNOWN, encode_known(Known(meta, key, self.start), self.hash_key)
        )

    def _meta(self, config: dict[str, Any], created_ns: int) -> bytes:
        about = _about(self.name, config, created_ns)
        return encode_meta(about, self._sealer, self._random)

    # -- its end ------------------------------------------------------------------------------

    def remove(self, doomed: Path) -> OSError | None:
        """Renames the folder to `doomed`, which the caller removes. Raises OSError if it stays;
        returns one if a power cut may bring it back."""
        return put_aside(self.disk, self.folder, doomed)


def _about(name: str, config: dict[str, Any], created_ns: int) -> dict[str, Any]:
    return {"Created": format_time_ns(created_ns), "Name": name, **config}


@dataclass(frozen=True, slots=True)
class Plan:
    """A consumer's folder that is to be made: what is in which file, and then how it goes on."""

    content: dict[str, bytes]
    files: ConsumerFiles


def planned(
    stream: FileConfig,
    consumer: StoredConsumer,
    created_ns: int,
    stream_last: int,
    now_s: float,
    disk: Disk | None = None,
    random: Random = os.urandom,
) -> Plan:
    """The folder of a new consumer. Raises OSError for a name that none can have."""
    disk = disk or Disk()
    sealer: Sealer | None = None
    key = b""
    if stream.keys is not None:
        key, seed = stream.keys.create(f"{stream.name}.{consumer.name}", random)
        sealer = stream.keys.seed_sealer(seed)
    start = consumer.state.ack_floor[1]
    files = ConsumerFiles(stream, consumer.name, sealer, disk, random, start, now_s)
    meta = encode_meta(_about(consumer.name, consumer.config, created_ns), sealer, random)
    content = {
        META: meta,
        SUMS: meta_sum(files.label, meta),
        STATE: files.seal(encode_consumer_state(consumer.state, created_ns), stream_last),
        KNOWN: encode_known(Known(meta, key, start), files.hash_key),
    }
    if key:
        content[KEY] = key
    return Plan(content, files)


def create_consumer(
    stream: FileConfig,
    consumer: StoredConsumer,
    created_ns: int,
    stream_last: int,
    built: Path,
    now_s: float,
    disk: Disk | None = None,
    random: Random = os.urandom,
) -> ConsumerFiles:
    """Makes a consumer's folder, all of it or nothing. It is put together as `built`, a name that
    is free, outside of `obs`. Raises OSError, and leaves nothing."""
    disk = disk or Disk()
    plan = planned(stream, consumer, created_ns, stream_last, now_s, disk, random)
    place = plan.files.folder
    if disk.names(place):
        raise FileExistsError(f"files of an earlier consumer are in the way of {place.name!r}")
    prepare_folder(stream.folder, disk)
    try:
        _fill(disk, built, plan.content)
        move_durably(disk, built, place)
    except OSError:
        _clear(disk, built)
        raise
    return plan.files


def write_consumer(
    stream: FileConfig, consumer: StoredConsumer, created_ns: int, stream_last: int
) -> None:
    """Writes a consumer into the folder of a stream that nobody serves yet. Raises OSError."""
    disk = Disk()
    plan = planned(stream, consumer, created_ns, stream_last, 0.0, disk)
    place = plan.files.folder
    make_durable_folder(place.parent)
    _fill(disk, place, plan.content)
    disk.sync_folder(place.parent)


def prepare_folder(stream: Path, disk: Disk | None = None) -> None:
    """Makes what a stream's folder needs to have consumers. Raises OSError."""
    disk = disk or Disk()
    _need_folder(disk, stream / FOLDER)
    if not (stream / MARK).is_file():
        with contextlib.suppress(FileExistsError):  # no place for one: less is trusted
            set_mark(stream, disk)


def _fill(disk: Disk, built: Path, content: dict[str, bytes]) -> None:
    disk.make_folder(built)
    handles: list[int] = []
    try:
        for name, data in content.items():
            handles.append(disk.open(built / name))
            disk.write(handles[-1], data, 0)
        disk.sync_together(handles, built)
    finally:
        for handle in handles:
            disk.close(handle)


def _need_folder(disk: Disk, folder: Path) -> None:
    if folder.is_dir():
        return
    disk.make_folder(folder)
    try:
        disk.sync_folder(folder.parent)
    except OSError:
        folder.rmdir()
        raise


def _clear(disk: Disk, folder: Path) -> None:
    with contextlib.suppress(OSError):
        for name in disk.names(folder):
            disk.remove(folder / name)
        folder.rmdir()
