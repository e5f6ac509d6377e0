"""Stream backups: an S2 stream around a tar of plain files, as nats-server makes and takes.

The archive holds `meta.inf`, `meta.sum`, `msgs/<n>.blk` (decrypted, uncompressed),
`msgs/index.db`, and whatever the caller adds for consumers (`obs/<name>/...`).
"""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from pynats_common.go.json import read_json

from pynats_server.jetstream.store.errors import StoreError
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format import s2
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.index_db import encode_index
from pynats_server.jetstream.store.format.meta_inf import meta_sum

ALLOWED = re.compile(
    r"meta\.(inf|sum)|msgs/(\d{1,10}\.blk|(index|thw|sched)\.db)|sources\.db"
    r"|obs/[^/\\\0*>. ]{1,255}/(meta\.inf|meta\.sum|o\.dat)"
)


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


class _Plain(io.RawIOBase):
    """The unpacked bytes of an S2 stream, read as they are needed."""

    def __init__(self, source: IO[bytes], limit: int) -> None:
        self._source = source
        self._decoder = s2.StreamDecoder(limit)
        self._held = b""
        self.handed_out = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        parts = [self._held]
        have = len(self._held)
        while size < 0 or have < size:
            data = self._source.read(1 << 16)
            if not data:
                self._decoder.close()
                break
            made = self._decoder.feed(data)
            parts.append(made)
            have += len(made)
        whole = b"".join(parts)
        if size < 0:
            size = len(whole)
        self._held = whole[size:]
        whole = whole[:size]
        self.handed_out += len(whole)
        return whole


def unpack_snapshot(
    source: IO[bytes], name: str, target: Path, staging: Path, limit: int
) -> dict[str, Any]:
    """Unpack an archive of stream `name` into `target`, which must not exist yet.

    Everything is checked in `staging` (a fresh folder on the same file system) first: names
    outside the layout, links, devices, duplicates, more than `limit` bytes, another stream's
    configuration are refused with BadArchive and leave `target` untouched. Returns meta.inf.
    """
    import tarfile

    if target.exists():
        raise BadArchive(f"{target.name} exists already")
    staging.mkdir(parents=True, mode=0o700)
    try:
        _unpack(source, staging, limit)
        meta = _checked_meta(staging, name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging.rename(target)
    except (ValueError, OSError, tarfile.TarError, EOFError) as error:
        raise BadArchive(f"cannot restore {name}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return meta


def _unpack(source: IO[bytes], staging: Path, limit: int) -> None:
    import tarfile

    seen: set[str] = set()
    total = 0
    plain = _Plain(source, 2 * limit + (1 << 20))
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
                raise ValueError(f"{member.name!r} is not a regular file")
            if not ALLOWED.fullmatch(member.name) or member.name in seen:
                raise ValueError(f"unexpected content {member.name!r}")
            seen.add(member.name)
            total += member.size
            if total > limit:
                raise ValueError("the archive is larger than allowed")
            path = staging / member.name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = archive.extractfile(member)
            assert content is not None
            with path.open("xb") as out:
                path.chmod(0o600)
                shutil.copyfileobj(content, out, 1 << 20)
                if out.tell() != member.size:
                    raise ValueError(f"{member.name!r} is cut off")
        # tarfile takes an end between two files for the end of the archive; the format marks it.
        while plain.read(1 << 16):
            pass
        if plain.handed_out < archive.offset + tarfile.BLOCKSIZE:
            raise ValueError("the archive ends early")


def _checked_meta(staging: Path, name: str) -> dict[str, Any]:
    data = (staging / "meta.inf").read_bytes()
    if (staging / "meta.sum").read_bytes().strip() != meta_sum(name, data):
        raise ValueError("meta.inf does not match its checksum")
    meta = read_json(data)
    if not isinstance(meta, dict) or meta.get("name") != name:
        raise ValueError("stream names do not match")
    return meta
