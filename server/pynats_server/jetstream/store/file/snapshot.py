"""Stream backups: an S2 stream around a tar of plain files, as nats-server makes and takes.

The archive holds `meta.inf`, `meta.sum`, `msgs/<n>.blk` (decrypted, uncompressed),
`msgs/index.db`, and whatever the caller adds for consumers (`obs/<name>/...`).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from pynats_common import s2
from pynats_common.archive import unpacked
from pynats_common.go.json import read_json

from pynats_server.jetstream.store.errors import StoreError
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format import tar
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.index_db import FullState, decode_index, encode_index
from pynats_server.jetstream.store.format.meta_inf import meta_sum, name_key
from pynats_server.jetstream.store.inventory.names import block_number

ALLOWED = re.compile(
    r"meta\.(inf|sum)|msgs/(index|thw|sched)\.db|sources\.db"
    r"|obs/[^/\\\0*>. ]{1,255}/(meta\.inf|meta\.sum|o\.dat)"
)
META_MAX = 2 << 20  # bytes of meta.inf: a configuration comes from one request


class BadArchive(StoreError):
    """The archive is not one a stream can be restored from; nothing was touched."""


def write_snapshot(
    store: FileStore, meta: dict[str, Any], extra: Iterable[tuple[str, bytes]] = ()
) -> Iterator[bytes]:
    """Chunks of the archive. The store must not change while this is consumed."""
    store.flush()
    config = json.dumps(meta, separators=(",", ":")).encode()
    yield s2.IDENTIFIER
    for name, data in (
        ("meta.inf", config),
        ("meta.sum", meta_sum(store.config.name, config)),
    ):
        yield s2.encode_chunks(_entry(name, data))
    for block in list(store.blocks):
        data = block.content() if block.loaded else store.files.read_block(block)
        yield s2.encode_chunks(_entry(f"msgs/{block.index}.blk", data))
    if not store.lost:
        body = encode_index(store.index_state())
        yield s2.encode_chunks(_entry("msgs/index.db", body + digest64(store.files.hash_key, body)))
    for name, data in extra:
        yield s2.encode_chunks(_entry(name, data))
    yield s2.encode_chunks(bytes(1024))


def _entry(name: str, data: bytes) -> bytes:
    import tarfile  # here and below: a server without backups does not pay for the import

    info = tarfile.TarInfo(name)
    info.size, info.mode, info.uname, info.gname = len(data), 0o600, "nats", "nats"
    return info.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512)


class _Plain:
    """The unpacked bytes of an S2 stream, read as they are needed."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._chunks = unpacked(source, limit)
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; fewer only at the end."""
        while len(self._held) < size:
            made = next(self._chunks, None)
            if made is None:
                break
            self._held += made
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def unpack_snapshot(
    source: IO[bytes], name: str, target: Path, staging: Path, limit: int
) -> Generator[int, None, dict[str, Any]]:
    """Unpack an archive of stream `name` into `target`, which must not exist yet.

    Everything is checked in `staging` (a fresh folder on the same file system) first: names
    outside the layout, links, devices, duplicates, more than `limit` bytes, another stream's
    configuration are refused with BadArchive and leave `target` untouched. Returns meta.inf. Rests
    after every piece of a file: yields the bytes written since then.
    """
    if target.exists():
        raise BadArchive(f"{target.name} exists already")
    staging.mkdir(parents=True, mode=0o700)
    try:
        yield from _unpack(source, staging, limit)
        meta = _checked_meta(staging, name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging.rename(target)
    except (ValueError, OSError) as error:
        raise BadArchive(f"cannot restore {name}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return meta


def _unpack(source: IO[bytes], staging: Path, limit: int) -> Iterator[int]:
    seen: set[str] = set()
    total = 0
    # Headers and padding are beside what counts.
    plain = _Plain(source, 2 * limit + (1 << 20))
    for piece in tar.pieces(plain.read):
        path = staging / piece.name
        if piece.first:
            if not _is_allowed(piece.name) or piece.name in seen:
                raise ValueError(f"unexpected content {piece.name!r}")
            seen.add(piece.name)
            total += piece.size + tar.BLOCK
            if total > limit or (piece.name.startswith("meta.") and piece.size > META_MAX):
                raise ValueError("the archive is larger than allowed")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("xb") as out:
                path.chmod(0o600)
                out.write(piece.data)
        else:
            with path.open("ab") as out:
                out.write(piece.data)
        yield len(piece.data)


def _is_allowed(name: str) -> bool:
    is_block = name.startswith("msgs/") and block_number(name.removeprefix("msgs/")) is not None
    return is_block or ALLOWED.fullmatch(name) is not None


def take_index(folder: Path, name: str) -> FullState | None:
    """What the index of an unpacked archive says, taken out of the folder: an index from outside
    only tells what should be there. None without an intact one."""
    path = folder / "msgs" / "index.db"
    try:
        data = path.read_bytes()
        path.unlink()
    except FileNotFoundError:
        return None
    try:
        if digest64(name_key(name), data[:-8]) != data[-8:]:
            return None
        return decode_index(memoryview(data)[:-8])
    except ValueError:
        return None


def _checked_meta(staging: Path, name: str) -> dict[str, Any]:
    data = (staging / "meta.inf").read_bytes()
    if (staging / "meta.sum").read_bytes().strip() != meta_sum(name, data):
        raise ValueError("meta.inf does not match its checksum")
    meta = read_json(data)
    if not isinstance(meta, dict) or meta.get("name") != name:
        raise ValueError("stream names do not match")
    return meta
