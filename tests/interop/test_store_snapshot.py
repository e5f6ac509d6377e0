"""Each server restores the other's backups; hostile archives are refused."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pynats_common import s2
from pynats_common.archive import Entry
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.snapshot import (
    BadArchive,
    unpack_snapshot,
    write_snapshot,
)
from pynats_server.jetstream.store.format.archive import (
    BadMessageArchive,
    read_archive,
    restore_messages,
    write_archive,
)
from pynats_server.jetstream.store.format.meta_inf import meta_sum
from pynats_server.jetstream.store.memory import MemoryStore
from test_store_reference import Contents, api, contents, read_all, reference, shown

from tests.support.deadline import PATIENCE_S
from tests.support.records import Recorded

META: dict[str, Any] = {
    "Created": "2026-01-02T03:04:05Z",
    "name": "T",
    "subjects": ["t.>"],
    "retention": "limits",
    "max_consumers": -1,
    "max_msgs": -1,
    "max_bytes": -1,
    "max_age": 0,
    "max_msgs_per_subject": -1,
    "max_msg_size": -1,
    "discard": "old",
    "storage": "file",
    "num_replicas": 1,
    "duplicate_window": 120000000000,
    "compression": "none",
    "consumer_limits": {},
}


@pytest.mark.reference
def test_the_reference_restores_our_backup(tmp_path: Path) -> None:
    store = FileStore(FileConfig("T", tmp_path / "ours", block_size=2000, compress=True))
    for i in range(300):
        store.append(b"t.%d" % (i % 3), None, b"value %d" % i, 10**18 + i)
    store.remove(7)
    archive = b"".join(write_snapshot(store, META))
    expected = contents(store)
    state = store.state()
    store.close()

    async def restore() -> None:
        async with reference(tmp_path / "js", None) as client:
            wanted = {
                "messages": state.msgs,
                "bytes": state.bytes,
                "first_seq": state.first_seq,
                "last_seq": state.last_seq,
            }
            config = {key: value for key, value in META.items() if key != "Created"}
            begun = await api(client, "STREAM.RESTORE.T", config=config, state=wanted)
            assert "error" not in begun, begun
            for at in range(0, len(archive), 4096):
                piece = archive[at : at + 4096]
                reply = await client.request(begun["deliver_subject"], piece)
                assert not reply.data
            end = await client.request(begun["deliver_subject"], b"")
            assert "error" not in json.loads(end.data)
            assert await read_all(client) == expected

    asyncio.run(restore())


def archive_of(entries: list[tuple[tarfile.TarInfo, bytes]]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in entries:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return io.BytesIO(s2.encode_stream(out.getvalue()))


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def unpack(source: io.BytesIO, target: Path, limit: int) -> dict[str, Any]:
    work = unpack_snapshot(source, "T", target, target.parent / "stage", limit)
    while True:
        try:
            next(work)
        except StopIteration as end:
            meta: dict[str, Any] = end.value
            return meta


def restored(store: FileStore | MemoryStore, archive: bytes) -> list[Entry]:
    """Fills the store; the documents of the archive."""
    entries = [each for each in read_archive(io.BytesIO(archive), 1 << 22) if each is not None]
    assert sum(restore_messages(store, entries)) == store.nbytes
    return [each for each in entries if not each.seq]


GOOD_META = json.dumps(META).encode()
GOOD = [(entry("meta.inf"), GOOD_META), (entry("meta.sum"), meta_sum("T", GOOD_META))]


@pytest.mark.parametrize(
    "bad",
    [
        [(entry("../evil"), b"x")],
        [(entry("/etc/evil"), b"x")],
        [(entry("msgs/../../evil"), b"x")],
        [(entry("msgs/1.blk", tarfile.SYMTYPE, "/etc/passwd"), b"")],
        [(entry("msgs/1.blk", tarfile.LNKTYPE, "meta.inf"), b"")],
        [(entry("msgs/1.blk", tarfile.CHRTYPE), b"")],
        [(entry("msgs/1.blk"), b"a"), (entry("msgs/1.blk"), b"b")],
        [(entry("msgs/1.blk"), bytes(200_000))],
        [(entry("x" * 5000), b"x")],
    ],
)
def test_hostile_archives_touch_nothing(
    tmp_path: Path, bad: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    with pytest.raises(BadArchive):
        unpack(archive_of([*GOOD, *bad]), tmp_path / "t", 100_000)
    assert list(tmp_path.iterdir()) == []


def test_our_backup_comes_back(tmp_path: Path) -> None:
    store = FileStore(FileConfig("T", tmp_path / "a", block_size=500))
    for i in range(50):
        store.append(b"t.%d" % (i % 3), None, b"value %d" % i, i + 1)
    store.erase(9)
    archive = b"".join(write_snapshot(store, META))
    assert unpack(io.BytesIO(archive), tmp_path / "b", 1 << 20) == META
    again = FileStore(FileConfig("T", tmp_path / "b", block_size=500))
    assert contents(again) == contents(store)
    assert again.problems == []
    again.close()
    for size in range(len(archive)):
        with pytest.raises(BadArchive):
            unpack(io.BytesIO(archive[:size]), tmp_path / "c", 1 << 20)
        assert not (tmp_path / "c").exists()
    store.close()


def make_store(kind: str, folder: Path) -> FileStore | MemoryStore:
    return MemoryStore("T") if kind == "memory" else FileStore(FileConfig("T", folder))


@pytest.mark.parametrize("target", ["file", "memory"])
@pytest.mark.parametrize("source", ["file", "memory"])
def test_message_archives_move_between_storages(tmp_path: Path, source: str, target: str) -> None:
    store = make_store(source, tmp_path / "a")
    for i in range(2000):
        headers = b"NATS/1.0\r\nNats-TTL: 1h\r\n\r\n" if i % 3 else None
        store.append(b"t.%d" % (i % 5), headers, b"value %d" % i * 9, i + 1)
        store.enforce_limits(max_msgs=1500)
    store.remove(1000)
    document = Entry(b"state.json", 5, 0, b"", b"{}")
    archive = b"".join(write_archive(store, [document]))
    again = make_store(target, tmp_path / "b")
    assert restored(again, archive) == [document]
    assert contents(again) == contents(store)
    assert again.subject_states(b">") == store.subject_states(b">")
    ours, theirs = again.state(deleted=True), store.state(deleted=True)
    assert (ours.first_seq, ours.last_seq, ours.deleted) == (501, 2000, theirs.deleted)
    assert again.next_expiry() == store.next_expiry()
    store.close()
    again.close()


async def take_archive(folder: Path) -> tuple[bytes, Contents, dict[str, Any]]:
    """A message archive of the real server, what is in it, the stream's state."""
    async with reference(folder, None) as client:
        await api(client, "STREAM.CREATE.T", name="T", subjects=["t.>"])
        for i in range(200):
            headers = {"A": "b"} if i % 3 == 0 else None
            await client.jetstream().publish(f"t.{i % 4}", b"v%d" % i * 9, headers=headers)
        await api(client, "STREAM.MSG.DELETE.T", seq=5)
        parts: list[bytes] = []
        done = asyncio.Event()

        async def collect(message: Any) -> None:
            if message.data:
                parts.append(message.data)
                await message.respond(b"")
            else:
                done.set()

        await client.subscribe("snapshot.here", cb=collect)
        begun = await api(client, "STREAM.SNAPSHOT.T", deliver_subject="snapshot.here")
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        return b"".join(parts), await read_all(client), begun["state"]


def test_we_read_the_message_archive_of_the_reference(tmp_path: Path, recorded: Recorded) -> None:
    kept = tmp_path / "kept"

    def ask() -> str:
        archive, found, _ = asyncio.run(take_archive(tmp_path / "js"))
        kept.mkdir()
        (kept / "archive").write_bytes(archive)
        return shown(found)

    expected = recorded.folder(kept, ask)
    archive = (kept / "archive").read_bytes()
    store = FileStore(FileConfig("T", tmp_path / "ours"))
    documents = restored(store, archive)
    assert [document.name for document in documents] == [b"state.json"]
    assert shown(contents(store)) == expected
    store.close()
    for size in range(0, len(archive), 200):
        with pytest.raises(BadMessageArchive):
            list(read_archive(io.BytesIO(archive[:size]), 1 << 20))


@pytest.mark.reference
def test_the_reference_reads_our_message_archive(tmp_path: Path) -> None:
    archive, expected, state = asyncio.run(take_archive(tmp_path / "js"))
    store = FileStore(FileConfig("T", tmp_path / "ours"))
    documents = restored(store, archive)
    ours = b"".join(write_archive(store, documents))
    store.close()

    async def give() -> None:
        async with reference(tmp_path / "js2", None) as client:
            config = {key: value for key, value in META.items() if key != "Created"}
            begun = await api(client, "STREAM.RESTORE.T", config=config, state=state)
            reply = await client.request(begun["deliver_subject"], ours)
            end = await client.request(begun["deliver_subject"], b"")
            assert not reply.data
            assert "error" not in json.loads(end.data)
            assert await read_all(client) == expected

    asyncio.run(give())
