"""Every byte flipped, every length cut, in every file of a small store."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import (
    BadKey,
    CorruptRecord,
    FileConfig,
    FileStore,
    SequenceNotFound,
)
from pynats_server.jetstream.store.file.meta import read_meta, write_meta
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import QuickDisk

COUNT = 12
META = {"name": "S", "subjects": ["t.>"], "max_msgs": 10}
Contents = dict[int, tuple[bytes, bytes, bytes]]


def make(folder: Path, form: str) -> tuple[FileConfig, Contents]:
    cipher: Any = form if form == "chacha" else None
    config = FileConfig(
        "S",
        folder,
        block_size=220,
        compress=form == "s2",
        keys=Keys("k", "A", cipher) if cipher else None,
    )
    store = FileStore(config)
    for i in range(COUNT):
        headers = b"NATS/1.0\r\nA: b\r\n\r\n" if i % 4 == 0 else None
        store.append(b"t.%d" % (i % 2), headers, b"value %d" % i, i + 1)
    store.remove(5)
    store.enforce_limits(max_msgs=10)
    store.flush()
    write_meta(store, META)
    contents = {}
    for seq, _ in store.oldest():
        m = store.load(seq)
        contents[seq] = (m.subject, m.headers, m.payload)
    store.close()
    return config, contents


def folder_bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def check(config: FileConfig, expected: Contents, what: str, spared: set[int]) -> None:
    """The store opens and serves exact copies or says what is missing; `spared` must be served."""
    try:
        store = FileStore(config, disk=QuickDisk())
    except BadKey:
        return  # only meta.key can cause this, and it names itself
    missing = []
    for seq in range(1, COUNT + 1):
        try:
            m = store.load(seq)
        except (SequenceNotFound, CorruptRecord):
            if seq in expected:
                missing.append(seq)
            continue
        assert seq in expected, f"{what}: deleted message {seq} came back"
        assert (m.subject, m.headers, m.payload) == expected[seq], f"{what}: {seq} is damaged"
    named = set(store.state().lost)
    unnamed = [seq for seq in missing if seq not in named]
    assert not unnamed, f"{what}: {unnamed} vanished without a word ({store.problems})"
    assert not spared & set(missing), f"{what}: intact {spared & set(missing)} not served"
    assert store.append(b"t.0", None, b"more", 99) > COUNT, f"{what}: sequence used twice"
    try:
        assert read_meta(config) == META, f"{what}: a damaged configuration is served"
    except (BadKey, CorruptRecord):
        assert "meta." in what, f"{what}: an intact configuration is refused"
    store.close()


def owners(config: FileConfig) -> dict[str, set[int]]:
    """Which sequences live in each block file."""
    store = FileStore(config)
    held = {}
    for block in store.blocks:
        if not block.loaded:
            store.load_block(block)
        held[f"{block.index}.blk"] = {row[0] for row in block.live()}
    store.close()
    return held


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flip", "cut"])
@pytest.mark.parametrize("form", ["plain", "s2", "chacha"])
def test_no_damage_is_served_or_hidden(scratch: Path, form: str, kind: str) -> None:
    golden = scratch / "golden"
    config, expected = make(golden, form)
    held = owners(config)
    files = [p for p in sorted(golden.rglob("*")) if p.is_file()]
    assert len(files) >= 4
    copy = scratch / "copy"
    for path in files:
        data = path.read_bytes()
        name = path.relative_to(golden)
        # Other blocks never suffer; in the damaged plain block at most the touched record does.
        harmed = held.get(path.name, set())
        if path.name.endswith(".key"):
            harmed = held[path.with_suffix(".blk").name] if path.parent.name == "msgs" else set()
        spared = set(expected) - harmed
        for at in range(len(data)):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(golden, copy)
            hurt = bytearray(data)
            if kind == "flip":
                hurt[at] ^= 1 << (at % 8)
            else:
                del hurt[at:]
            (copy / name).write_bytes(hurt)
            before = folder_bytes(copy)
            moved = FileConfig("S", copy, config.block_size, config.compress, config.keys)
            check(moved, expected, f"{kind} {name}@{at}", spared)
            after = folder_bytes(copy)
            slack = len(data) if path.name == "index.db" else 0
            index = golden / "msgs" / "index.db"
            assert after + slack + index.stat().st_size >= before, f"{kind} {name}@{at} shrank"


def test_torn_tail_at_every_byte_keeps_what_came_before(scratch: Path) -> None:
    config = FileConfig("S", scratch / "s")
    store = FileStore(config)
    ends = []
    for i in range(5):
        store.append(b"a", None, b"x" * i, i + 1)
        store.flush()
        ends.append((config.folder / "msgs" / "1.blk").stat().st_size)
    whole = (config.folder / "msgs" / "1.blk").read_bytes()
    for size in range(len(whole)):
        copy = scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        (copy / "msgs").mkdir(parents=True)
        (copy / "msgs" / "1.blk").write_bytes(whole[:size])
        torn = FileStore(FileConfig("S", copy))
        kept = sum(end <= size for end in ends)
        assert torn.state().msgs == kept
        assert torn.append(b"a", None, b"next", 9) == kept + 1
        torn.close()
        again = FileStore(FileConfig("S", copy))
        assert again.load(kept + 1).payload == b"next"
        again.close()
    store.close()
