"""Looks at every block of a stream, as a start of the server does, and changes nothing."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pynats_server.jetstream.inspection.places import Place
from pynats_server.jetstream.inspection.report import Report
from pynats_server.jetstream.store.consumers.recovery import ALL, consumer_names
from pynats_server.jetstream.store.errors import BadKey, StoreError
from pynats_server.jetstream.store.file.config import FileConfig
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.file.starting.found import Recovered
from pynats_server.jetstream.store.file.starting.rebuilding import rebuild
from pynats_server.jetstream.store.inventory.expected import Claims
from pynats_server.jetstream.store.inventory.ledger import PLACE, read_claims
from pynats_server.jetstream.store.inventory.names import is_stray, key_number
from pynats_server.jetstream.store.inventory.unavailable import reason_of
from pynats_server.options import JetStreamOptions

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys

HELD: Final = "it is only looked at"
KEYS_TRIED: Final = 8  # files of keys, before the key is called the wrong one


@dataclass(frozen=True, slots=True)
class Look:
    """What a folder has: the report, and what it was made from; None if that failed."""

    place: Place
    report: Report
    files: StreamFolder | None = None
    found: DiskBlocks | None = None


def look(place: Place, options: JetStreamOptions) -> Look:
    """Reads all of a stream. Never raises for what is wrong with it."""
    report = Report(place.account, place.stream)
    try:
        files = _opened(place, options)
        saved, losses = files.read_index(), files.read_losses()
        claims = _claims(files)
        recovered = rebuild(files, saved, losses, claims)
    except (OSError, ValueError, StoreError) as error:
        report.failure = str(error) or repr(error)
        return Look(place, report)
    _describe(report, files, recovered)
    report.ledger = f"knows {len(claims)} blocks" if claims else "missing or empty"
    return Look(place, report, files, recovered.blocks)


def _claims(files: StreamFolder) -> Claims:
    try:
        return read_claims(files.config.folder, files.hash_key, files.disk)
    except OSError as error:
        files.hold(reason_of(str(PLACE), error))
        return {}


def _opened(place: Place, options: JetStreamOptions) -> StreamFolder:
    place.stream.encode()  # else it is no stream's name
    keys = _keys(place, options)
    config = FileConfig(place.folder.name, place.folder, keys=keys, held=HELD)
    files = StreamFolder(config, Disk(), os.urandom)
    files.sure_of_key = True
    files.open_stream_key()
    return files


def _keys(place: Place, options: JetStreamOptions) -> Keys | None:
    """The keys that open the stream. Raises BadKey where none of the configuration does, which says
    that before all blocks are called damaged."""
    disk, name = Disk(), place.folder.name
    numbers = sorted(filter(None, map(key_number, disk.names(place.folder / "msgs"))))
    if not numbers and not (place.folder / "meta.key").exists():
        return None
    # One of them may be damaged, or missing.
    locks = [(name, place.folder / "meta.key")]
    locks += [(f"{name}:{number}", place.folder / "msgs" / f"{number}.key") for number in numbers]
    from pynats_server.jetstream.store.format.crypt import Keys  # importing it takes 10 ms

    tried = [
        Keys(key, place.account, cipher)
        for key in (options.key, options.prev_key)
        if key
        for cipher in ("chacha", "aes")
    ]
    for context, path in locks[:KEYS_TRIED]:
        for keys in tried:
            with contextlib.suppress(BadKey, OSError):
                keys.recover(context, disk.read(path))
                return keys
    why = "does not open it" if tried else "is not known; name the configuration file with -c"
    raise BadKey(f"the stream is encrypted, and its key {why}")


def _describe(report: Report, files: StreamFolder, recovered: Recovered) -> None:
    found = recovered.blocks
    report.messages, report.nbytes = found.msgs, found.nbytes
    report.first_seq, report.last_seq = found.first_seq, found.last_seq
    if recovered.missing is not None:
        report.last_seq = max(report.last_seq, recovered.missing[0])
    report.blocks = len(files.block_indexes())
    for loss in found.losses.all:
        (report.acknowledged if loss.acknowledged_ns else report.lost).append(loss)
    report.damaged = dict(sorted(files.damage.items()))
    report.unavailable = list(dict.fromkeys(files.reasons))
    report.problems = list(files.problems)
    report.index = _worth(files, recovered)
    report.strays = [name for name in files.disk.names(files.messages) if is_stray(name)]
    report.quarantine = quarantined(files)
    _describe_rest(report, files)


def quarantined(files: StreamFolder) -> list[str]:
    """What is in the stream's quarantine."""
    try:
        return files.disk.names(files.config.folder / "quarantine")
    except OSError:
        return []


def _describe_rest(report: Report, files: StreamFolder) -> None:
    folder = files.config.folder
    try:
        name = read_meta(files.config, files.disk).get("name")
        if name != folder.name:
            report.configuration = f"it is of a stream {name!r}"
    except (OSError, ValueError, StoreError) as error:
        report.configuration = f"it cannot be read: {error}"
    try:
        report.consumers = len(consumer_names(folder))
    except OSError as error:
        report.unavailable.append(f"consumers {ALL}: {error}")


def _worth(files: StreamFolder, recovered: Recovered) -> str:
    state, found = recovered.saved, recovered.blocks
    if state is None:
        there = "index.db" in files.disk.names(files.messages)
        return "damaged or unreadable" if there else "missing"
    tail = found.blocks[-1] if found.blocks else None
    if tail is None or state.tail_index != tail.index or state.msgs != found.msgs:
        return "older than the blocks"
    if not tail.loaded:
        found.load_block(tail)
    return "current" if state.tail_sum == tail.last_sum() else "older than the blocks"
