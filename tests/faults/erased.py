"""Whether the bytes of erased messages are in any file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.rekeying.ring import KeyRing

from tests.faults.verdict import Finding, Verdict
from tests.support.crashdisk import QuickDisk


def erased_left(play_bytes: Iterable[tuple[str, bytes]], erased: Iterable[bytes]) -> Verdict:
    """Erased payloads that files still have: (name, content without encryption or compression)."""
    doomed = list(erased)
    return [
        Finding("erased", f"{payload[:16]!r} in {name}")
        for name, data in play_bytes
        for payload in doomed
        if payload and payload in data
    ]


def plain_files(config: FileConfig, ring: KeyRing | None) -> list[tuple[str, bytes]]:
    """(name, content) of everything in a folder; blocks without encryption and compression."""
    made: list[tuple[str, bytes]] = []
    files = StreamFolder(config, QuickDisk(), lambda size: bytes(size))
    for path in sorted(config.folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        made.append((path.name, data))
        stem = path.name.partition(".")[0]
        if path.suffix == ".blk" and stem.isdigit() and path.parent.name == "msgs":
            for keys in (config.keys, *(ring.earlier if ring is not None else ())):
                files.config = replace(config, keys=keys)
                try:
                    plain, _ = files.unpack_file(files.make_block(int(stem), 1))
                except (BadKey, OSError):
                    continue
                made.append((path.name, plain))
    return made
