"""Atomic batches and crashes: after a crash, the whole batch is visible or nothing of it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_server.jetstream.publish.batch.atomic import find_incomplete_batch
from pynats_server.jetstream.publish.batch.staging import MessagePack
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.client import INBOX, Client, ConnectionRefused, header_block
from tests.support.deadline import pause, wait_until
from tests.support.fulldisk import FullDisk
from tests.support.process import PYNATS, REFERENCE, ServerProcess


def pack(name: str, count: int, size: int = 10) -> MessagePack:
    """A batch in its stored form."""
    made = MessagePack()
    for n in range(1, count + 1):
        headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(n)}
        if n == count:
            headers["Nats-Batch-Commit"] = "1"
        made.add(b"s.%d" % (n % 3), header_block(headers), b"%d " % n + b"x" * size)
    return made


def contents(store: FileStore) -> list[tuple[int, bytes, bytes]]:
    found = []
    for seq in range(store.first_seq, store.last_seq + 1):
        message = store.get(seq)
        if message is not None:
            found.append((seq, message.subject, message.payload))
    return found


def recover(folder: Path, block_size: int) -> FileStore:
    """Opens a store the way a stream does at start."""
    store = FileStore(FileConfig("S", folder, block_size=block_size))
    first = find_incomplete_batch(store)
    if first is not None:
        store.truncate(first - 1)
    return store


def write(folder: Path, block_size: int, plain: int) -> tuple[Path, int, int]:
    """A folder with some messages and then a batch in one write; returns the block file with the
    batch, and its size before and after."""
    store = FileStore(FileConfig("S", folder, block_size=block_size))
    for n in range(plain):
        store.append(b"s.0", None, b"plain %d" % n, 1)
    store.flush()
    pack("first", 2).append_to(store, 2)
    store.flush()
    sizes = {path: path.stat().st_size for path in (folder / "msgs").glob("*.blk")}
    pack("second", 7).append_to(store, 3)
    store.flush()
    grown = [
        (path, sizes.get(path, 0), path.stat().st_size)
        for path in (folder / "msgs").glob("*.blk")
        if path.stat().st_size > sizes.get(path, 0)
    ]
    assert len(grown) == 1, "the batch went into one block"
    return grown[0]


@pytest.mark.parametrize(
    ("block_size", "plain", "step"), [(1 << 20, 3, 1), (1 << 20, 0, 11), (400, 3, 11), (300, 6, 11)]
)
def test_a_cut_at_any_byte_leaves_all_or_nothing(
    tmp_path: Path, block_size: int, plain: int, step: int
) -> None:
    origin = tmp_path / "origin"
    block, before, after = write(origin, block_size, plain)
    whole = recover(shutil.copytree(origin, tmp_path / "whole"), block_size)
    everything = contents(whole)
    assert len(everything) == plain + 9
    for size in [*range(before, after, step), after - 1, after]:
        folder = tmp_path / "cut"
        shutil.copytree(origin, folder)
        with (folder / "msgs" / block.name).open("r+b") as file:
            file.truncate(size)
        store = recover(folder, block_size)
        expected = everything if size == after else everything[:-7]
        assert contents(store) == expected, f"cut to {size} of {before}..{after}"
        # The stream continues, and its new messages survive another start.
        again = store.append(b"s.0", None, b"next", 4)
        assert again == len(expected) + 1
        store.flush()
        reopened = recover(folder, block_size)
        assert contents(reopened) == [*expected, (again, b"s.0", b"next")]
        shutil.rmtree(folder)


def test_zeros_at_any_byte_leave_all_or_nothing(tmp_path: Path) -> None:
    """The file has its new size, but only the first pages of the write."""
    origin = tmp_path / "origin"
    block, before, after = write(origin, 1 << 20, 2)
    for size in range(before, after, 5):
        folder = tmp_path / f"zeros-{size}"
        shutil.copytree(origin, folder)
        with (folder / "msgs" / block.name).open("r+b") as file:
            file.truncate(size)
            file.truncate(after)
        found = contents(recover(folder, 1 << 20))
        # Only a record that ends in zeros can be complete.
        assert len(found) == 4, size
        shutil.rmtree(folder)


@pytest.mark.parametrize("block_size", [1 << 20, 300])
def test_a_full_disk_keeps_nothing_of_a_batch(tmp_path: Path, block_size: int) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=block_size), disk=disk)
    pack("a", 3).append_to(store, 1)
    store.flush()
    before = contents(store)
    for room in (0, 1, 100, 500, 700):
        disk.room = room
        with pytest.raises(StoreFull):
            pack("b", 9).append_to(store, 2)
            store.flush()
        assert contents(store) == before
    disk.room = None
    assert pack("c", 2).append_to(store, 3) == 5
    store.flush()
    assert len(contents(recover(tmp_path, block_size))) == 5


def test_only_what_nobody_was_told_of_is_dropped(tmp_path: Path) -> None:
    """Headers that look like a batch are not enough: it must be a prefix, at the end."""
    store = FileStore(FileConfig("S", tmp_path))
    for n in (3, 4):
        headers = header_block({"Nats-Batch-Id": "odd", "Nats-Batch-Sequence": str(n)})
        store.append(b"s.1", headers, b"", 1)
    assert find_incomplete_batch(store) is None
    pack("whole", 3).append_to(store, 1)
    assert find_incomplete_batch(store) is None
    store.remove(store.last_seq)  # its commit message existed and was deleted
    assert find_incomplete_batch(store) is None
    store.append(b"s.1", None, b"", 1)
    assert find_incomplete_batch(store) is None


# -- whole servers ----------------------------------------------------------------------------


def json_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


BATCH = 20
STREAM = {"name": "B", "subjects": ["s.>"], "allow_atomic": True}


def batch_bytes(number: int) -> bytes:
    """A batch in wire format; the payloads number batch and message."""
    made = []
    for n in range(1, BATCH + 1):
        headers = {"Nats-Batch-Id": f"b{number}", "Nats-Batch-Sequence": str(n)}
        if n == BATCH:
            headers["Nats-Batch-Commit"] = "1"
        block = header_block(headers)
        payload = b"%d/%d" % (number, n)
        reply = b"%s.%d " % (INBOX.encode(), number) if n == BATCH else b""
        made.append(
            b"HPUB s.%d %s%d %d\r\n%b%b\r\n"
            % (n % 7, reply, len(block), len(block) + len(payload), block, payload)
        )
    return b"".join(made)


class Publisher:
    """Publishes batches as fast as it can until the server dies; knows which were acknowledged."""

    def __init__(self, port: int, first: int) -> None:
        self.client = Client(port)
        self.number = first
        self.acknowledged: set[int] = set()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while True:
                for _ in range(4):
                    self.client.publish_raw(batch_bytes(self.number))
                    self.number += 1
                while len(self.acknowledged) < self.number - 16:
                    self._collect(1.0)
        except ConnectionRefused:
            return

    def _collect(self, timeout_s: float) -> None:
        message = self.client.next(1, timeout_s)
        if message is not None and b'"count":20}' in message.payload:
            self.acknowledged.add(int(message.subject.rsplit(".", 1)[1]))

    def finish(self) -> None:
        """After the server was killed: reads the answers that it had sent."""
        self.thread.join()
        self.client.close()


def stored_batches(folder: Path) -> Iterator[list[bytes]]:
    """The payloads of each batch, in the order of sequences."""
    store = FileStore(FileConfig("B", folder / "store/jetstream/$G/streams/B"))
    rows = [payload for _, _, payload in contents(store)]
    assert store.state().lost == []
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
    store.close()


def test_killed_while_publishing_batches(tmp_path: Path) -> None:
    chance = random.Random(5)
    server = ServerProcess(PYNATS, tmp_path, flags=("-js", "-sd", str(tmp_path / "store")))
    number, acknowledged = 1, set()
    for attempt in range(6):
        with server:
            with Client(server.port) as client:
                if attempt == 0:
                    reply = client.request("$JS.API.STREAM.CREATE.B", json_bytes(STREAM))
                    assert reply is not None and b"did_create" in reply.payload
            publisher = Publisher(server.port, number)
            publisher.thread.start()
            wait_until(lambda p=publisher: p.acknowledged, "an acknowledgement")
            pause(chance.uniform(0.05, 0.4))  # the moment of death is the input of this test
            server.signal(signal.SIGKILL)
            server.wait()
            publisher.finish()
            number = publisher.number
            acknowledged |= publisher.acknowledged
    assert acknowledged
    with server:  # recovers, and stops cleanly
        pass
    found = set()
    for rows in stored_batches(tmp_path):
        numbers = {int(row.partition(b"/")[0]) for row in rows}
        assert len(numbers) == 1, rows
        assert [int(row.partition(b"/")[2]) for row in rows] == list(range(1, BATCH + 1))
        found |= numbers
    assert acknowledged <= found


@pytest.mark.reference
def test_the_reference_reads_a_folder_with_batches(tmp_path: Path) -> None:
    """Also when a batch made a block longer than usual."""
    flags = ("-js", "-sd", str(tmp_path / "store"))
    big = {f"Nats-Batch-{name}": value for name, value in (("Id", "big"), ("Sequence", "1"))}
    with ServerProcess(PYNATS, tmp_path, flags=flags) as server, Client(server.port) as client:
        client.request("$JS.API.STREAM.CREATE.B", json_bytes(STREAM))
        for n in range(1, 31):
            last = {"Nats-Batch-Commit": "1"} if n == 30 else {}
            block = header_block({**big, "Nats-Batch-Sequence": str(n), **last})
            client.publish(
                "s.1", b"%02d" % n + b"z" * 900_000, block, f"{INBOX}.big" if last else ""
            )
        reply = client.next(1)
        assert reply is not None and b'"count":30}' in reply.payload
        client.publish_raw(batch_bytes(1))
        reply = client.next(1)
        assert reply is not None and b'"count":20}' in reply.payload
    blocks = list((tmp_path / "store/jetstream/$G/streams/B/msgs").glob("*.blk"))
    assert max(path.stat().st_size for path in blocks) > 27_000_000
    with ServerProcess(REFERENCE, tmp_path, flags=flags) as server, Client(server.port) as client:
        info = client.request("$JS.API.STREAM.INFO.B")
        assert info is not None
        assert b'"messages":50' in info.payload and b'"lost"' not in info.payload
        for seq in (1, 30, 31, 50):
            got = client.request("$JS.API.STREAM.MSG.GET.B", json_bytes({"seq": seq}))
            assert got is not None and b"error" not in got.payload[:200]
