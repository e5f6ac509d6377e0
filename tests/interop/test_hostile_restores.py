"""Restores stay within limits, whatever is sent: those of the account, memory, and the stream."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_bench.pauses.bomb import UNPACKED_BYTES, s2_bomb, zeros_chunk
from pynats_common import s2
from pynats_common.archive import MAGIC, Entry, encode_entry, unpacked
from pynats_common.go.quoting import quote
from pynats_server.jetstream.api import snapshot
from pynats_server.jetstream.store.file import filestore
from pynats_server.jetstream.store.format import blockfile, tar
from pynats_server.jetstream.store.format.archive import BadMessageArchive, read_archive
from pynats_server.jetstream.stream.backup import Incoming
from pynats_server.options import AccountLimits, AccountOptions, JetStreamOptions, Options, User
from pynats_server.server.server import Server

from tests.support import jetstream
from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.on_loop import on_loop

CHUNK = UNPACKED_BYTES
END = Entry(b"", 0, 0, b"", b"")
NOW_NS = time.time_ns()


def archive(*entries: Entry) -> bytes:
    plain = MAGIC + b"".join(map(encode_entry, [*entries, END]))
    return s2.IDENTIFIER + s2.encode_chunks(plain)


def message(name: bytes, seq: int = 1, ts: int = NOW_NS, payload: bytes = b"x") -> Entry:
    return Entry(name, ts, seq, b"", payload)


# -- decoders -----------------------------------------------------------------------------------


def test_a_stream_unpacks_no_further_than_it_is_read() -> None:
    decoder = s2.StreamDecoder(1 << 40)
    decoder.push(s2_bomb(1000))
    assert decoder.produced == 0
    made = decoder.take()
    assert made == bytes(CHUNK)
    assert decoder.produced == CHUNK


@pytest.mark.parametrize("limit", [0, CHUNK - 1, CHUNK, 3 * CHUNK + 5])
def test_a_stream_never_unpacks_to_more_than_its_limit(limit: int) -> None:
    produced = 0
    with pytest.raises(ValueError, match="more than is allowed"):
        for made in unpacked(io.BytesIO(s2_bomb(1000)), limit):
            produced += len(made)
    assert produced == limit // CHUNK * CHUNK


def test_padding_behind_an_archive_is_read_no_further_than_its_bound() -> None:
    asked = 0

    def zeros(size: int) -> bytes:
        nonlocal asked
        asked += size
        return bytes(size)

    with pytest.raises(ValueError, match="more follows"):
        list(tar.pieces(zeros))
    assert asked <= tar.PADDING_MAX + 4 * tar.BLOCK


def tar_of(info: tarfile.TarInfo, data: bytes, form: int = tarfile.PAX_FORMAT) -> bytes:
    padded = info.tobuf(form) + data + bytes(-len(data) % 512)
    return padded + bytes(1024)


def file_info(name: str, size: int = 0, **more: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for field, value in more.items():
        setattr(info, field, value)
    return info


def read_tar(data: bytes) -> list[tuple[str, bytes]]:
    source = io.BytesIO(data)
    return [(piece.name, piece.data) for piece in tar.pieces(source.read)]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (tar_of(file_info("a" * 500), b"", tarfile.GNU_FORMAT), "not a regular file"),
        (tar_of(file_info("x", type=tarfile.GNUTYPE_SPARSE), b""), "not a regular file"),
        (tar_of(file_info("x", type=tarfile.SYMTYPE, linkname="y"), b""), "not a regular file"),
        (tar_of(file_info("x", pax_headers={"GNU.sparse.size": "9"}), b""), "sparse"),
        (tar_of(file_info("x", pax_headers={"size": "9" * 30}), b""), "not a size"),
        (tar_of(file_info("x", pax_headers={"comment": "c" * tar.PAX_MAX}), b""), "too large"),
        (tar_of(file_info("x", 1 << 32), b""), "cut off"),
        (tar_of(file_info("x", 1 << 32, type=tarfile.XHDTYPE), b""), "too large"),
        (tar_of(file_info("x", 4, type=tarfile.XHDTYPE), b"9 a="), "damaged"),
        (tar_of(file_info("x"), b"")[:-1024], "ends early"),
        (b"y" + tar_of(file_info("x"), b"")[1:], "damaged"),
    ],
)
def test_archives_that_no_backup_is_are_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_tar(data)


def test_long_names_and_large_files_are_read() -> None:
    name, data = "msgs/" + "n" * 200 + "/é", os.urandom(tar.PIECE + 7)
    found = read_tar(tar_of(file_info(name, len(data), mtime=1.5), data))
    assert [each for each, _ in found] == [name, name]
    assert b"".join(part for _, part in found) == data


ZEROED = b"\x00\x08\x00\x00" + bytes(4) + b"\x80\x80\x80\x02"  # damaged: 4 MiB are missing


@pytest.mark.parametrize("size", [b"\xff" * 8 + b"\x7f", b"\x80\x80\x80\x80\x10"])
@pytest.mark.parametrize("content", [zeros_chunk(), ZEROED], ids=["bomb", "damage"])
def test_a_block_unpacks_to_no_more_than_a_block_has(
    size: bytes, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockfile, "UNPACKED_MAX", 5 * CHUNK)
    packed = b"cmp\x01" + size + s2.IDENTIFIER + content * 40 + bytes(8)
    records, whole = blockfile.unpack_block(packed, None)
    assert not whole
    assert CHUNK < len(records) <= 5 * CHUNK + 8


def test_an_entry_is_as_large_as_what_is_left_to_read_at_most() -> None:
    """A size that is only claimed costs nothing."""
    claimed = encode_entry(message(b"t.a", payload=b""))[:-4] + b"\xff\xff\xff\x1f" + b"t.a"
    data = s2.encode_stream(MAGIC + claimed)
    with pytest.raises(BadMessageArchive, match="too large"):
        list(read_archive(io.BytesIO(data), 1 << 20))


# -- the API ------------------------------------------------------------------------------------


def server(folder: Path, whole: int = 1 << 30, **limits: int) -> Server:
    """Accounts A, with limits, and B."""
    accounts = {
        name: AccountOptions(users=[User(user=name, password=name)], jetstream=bounds)
        for name, bounds in (("A", AccountLimits(**limits)), ("B", AccountLimits()))
    }
    options = JetStreamOptions(enabled=True, store_dir=folder, max_file=whole)
    return Server(Options(host="127.0.0.1", port=-1, jetstream=options, accounts=accounts))


async def connect(server: Server, account: str = "A") -> Client:
    return await jetstream.connect(server.client_url, user=account, password=account)


async def begin(client: Client, name: str, **config: Any) -> dict[str, Any]:
    config = {"name": name, "subjects": [f"{name}.>"], **config}
    return await jetstream.api(client, f"STREAM.RESTORE.{name}", {"config": config, "state": {}})


async def restore(client: Client, name: str, data: bytes, **config: Any) -> dict[str, Any]:
    begun = await begin(client, name, **config)
    assert "error" not in begun, begun
    for at in range(0, len(data), 100_000):
        await client.request(begun["deliver_subject"], data[at : at + 100_000])
    found: dict[str, Any] = json.loads((await client.request(begun["deliver_subject"], b"")).data)
    return found


def refusal(answer: dict[str, Any]) -> str:
    assert answer["error"]["err_code"] == 10062, answer
    text: str = answer["error"]["description"]
    return text.removeprefix("restore failed: ")


@on_loop
async def test_others_are_served_while_a_restored_stream_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(tmp_path) as running:
        client, other = await connect(running), await connect(running, "B")
        opening, go_on = threading.Event(), threading.Event()
        recover = filestore.recover

        def held(files: Any, *more: Any) -> Any:
            if files.config.folder.parent.name == "streams":  # it is in its place
                opening.set()
                assert go_on.wait(PATIENCE_S)
            return recover(files, *more)

        monkeypatch.setattr(filestore, "recover", held)
        restored = asyncio.ensure_future(restore(client, "R", archive(message(b"R.a"))))
        await wait_until_async(opening.is_set, "the stream's opening")
        assert (await jetstream.api(other, "INFO"))["streams"] == 0
        go_on.set()
        assert (await restored)["state"]["messages"] == 1
        await client.request("R.b", b"y")  # it is written and acknowledged as usual
        info = await jetstream.api(client, "STREAM.INFO.R")
        assert info["state"]["messages"] == 2
        await client.close()
        await other.close()


@on_loop
async def test_a_bomb_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with server(tmp_path, max_storage=10 << 20) as running:
        client = await connect(running)
        for storage in ("file", "memory"):
            answer = await restore(client, "R", s2_bomb(3000), storage=storage)
            assert "more follows" in refusal(answer)
        claimed = encode_entry(message(b"R.a", payload=b""))[:-4] + b"\x80\x80\x80\x1e" + b"R.a"
        start = s2.encode_stream(MAGIC + claimed)  # a payload of 60 MiB
        answer = await restore(client, "R", start + zeros_chunk() * 3000)
        assert refusal(answer) == "an entry is too large"
        assert (await jetstream.api(client, "INFO"))["storage"] == 0
        assert list((tmp_path / "jetstream" / ".snap-staging").iterdir()) == []
        await client.close()


@pytest.mark.parametrize(
    "name", [b"R.a\r\nPUB x 0", b"R.*", b"R.>", b"R..a", b"R.a b", b"R.a\0", b"other", b"R"]
)
@on_loop
async def test_subjects_that_the_stream_does_not_have_are_refused(
    tmp_path: Path, name: bytes
) -> None:
    async with server(tmp_path) as running:
        client = await connect(running)
        good = message(b"R.good")
        text = refusal(await restore(client, "R", archive(good, message(name, 2))))
        assert text == f"message sequence 2: {quote(name)} is no subject of the stream"
        assert (await jetstream.api(client, "STREAM.NAMES"))["total"] == 0
        copies = {"subject_transform": {"src": "", "dest": "q.>"}}
        if name == b"other":  # a stream whose messages come under other subjects may have it
            made = await restore(client, "R", archive(good, message(name, 2)), **copies)
            assert made["state"]["messages"] == 2
        await client.close()


@on_loop
async def test_too_large_messages_are_refused(tmp_path: Path) -> None:
    async with server(tmp_path) as running:
        client = await connect(running)
        data = archive(message(b"R.a", payload=b"x" * 10), message(b"R.a", 2, payload=b"x" * 11))
        text = refusal(await restore(client, "R", data, max_msg_size=10))
        assert text == "message sequence 2 exceeds maximum message size"
        await client.close()


@pytest.mark.parametrize("ts", [2**63 - 1, NOW_NS + 10**15], ids=["largest", "later"])
@on_loop
async def test_a_time_to_come_does_not_move_the_later_messages(tmp_path: Path, ts: int) -> None:
    async with server(tmp_path) as running:
        client = await connect(running)
        begun_ns = time.time_ns()
        await restore(client, "R", archive(message(b"R.a", ts=ts)))
        ack = json.loads((await client.request("R.b", b"later")).data)
        account = running.state.jetstream.accounts["A"]  # type: ignore[union-attr]
        store = account.streams["R"].store
        assert [begun_ns <= store.load(seq).ts <= time.time_ns() for seq in (1, ack["seq"])] == [
            True,
            True,
        ]
        await client.close()


@on_loop
async def test_unfinished_restores_count_as_streams_and_claim_their_bytes(tmp_path: Path) -> None:
    async with server(tmp_path, max_streams=3, max_storage=10_000) as running:
        client = await connect(running)
        await jetstream.api(client, "STREAM.CREATE.S", {"name": "S", "max_bytes": 2000})
        assert "error" not in await begin(client, "R1", max_bytes=5000)
        refused = await begin(client, "R2", max_bytes=5000)
        assert refused["error"]["err_code"] == 10047
        assert "error" not in await begin(client, "R2")
        for answer in (
            await begin(client, "R3"),
            await jetstream.api(client, "STREAM.CREATE.T", {"name": "T"}),
        ):
            assert answer["error"]["err_code"] == 10027
        await client.close()


@on_loop
async def test_a_restore_that_ends_gives_back_what_it_claimed(tmp_path: Path) -> None:
    async with server(tmp_path, max_streams=1, max_storage=10_000) as running:
        client = await connect(running)
        for _ in range(3):
            assert "error" in await restore(client, "R", b"garbage", max_bytes=9000)
        assert "error" not in await restore(client, "R", archive(), max_bytes=9000)
        assert (await begin(client, "T"))["error"]["err_code"] == 10027
        assert running.state.jetstream is not None
        claims = running.state.jetstream.accounts["A"].claims
        assert (claims.others(""), claims.promised("file", "")) == (1, 9000)
        assert claims.promised_by_server("file", "R") == claims.all_restores() == 0
        await client.close()


@on_loop
async def test_an_account_and_the_server_have_so_many_unfinished_restores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "RESTORES_MAX", 2)
    monkeypatch.setattr(snapshot, "RESTORES_TOTAL", 3)
    async with server(tmp_path) as running:
        clients = [await connect(running, account) for account in "AB"]
        for client, name, taken in (
            (clients[0], "R1", True),
            (clients[0], "R2", True),
            (clients[0], "R3", False),
            (clients[1], "R1", True),
            (clients[1], "R2", False),
        ):
            answer = await begin(client, name)
            assert ("error" not in answer) == taken
            if not taken:
                assert refusal(answer) == "too many unfinished restores"
        for client in clients:
            await client.close()


@on_loop
async def test_idle_restores_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "NO_INPUT_S", 0.01)
    async with server(tmp_path, max_streams=1) as running:
        client = await connect(running)
        assert "error" not in await begin(client, "R1")
        assert running.state.jetstream is not None
        account = running.state.jetstream.accounts["A"]
        await wait_until_async(lambda: account.claims.others("") == 0, "the restore ends")
        assert list((tmp_path / "jetstream" / ".snap-staging").iterdir()) == []
        await client.close()


@on_loop
async def test_unfinished_restores_hold_no_more_than_the_account_may(tmp_path: Path) -> None:
    room = 500_000
    async with server(tmp_path, max_storage=room) as running:
        client = await connect(running)
        targets = [(await begin(client, f"R{n}"))["deliver_subject"] for n in range(4)]
        for _ in range(3):
            for target in targets:
                await client.request(target, os.urandom(90_000))
        staged = sum(
            path.stat().st_size for path in (tmp_path / "jetstream/.snap-staging").glob("*/archive")
        )
        assert 0 < staged <= room
        assert (await jetstream.api(client, "INFO"))["storage"] == staged
        for target in targets:
            assert "error" in json.loads((await client.request(target, b"")).data)
        assert (await jetstream.api(client, "INFO"))["storage"] == 0
        await client.close()


@on_loop
async def test_a_restore_under_way_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two steps, however many are left."""
    steps: list[str] = []

    def endless(_: Incoming, limit: int) -> Iterator[int]:
        try:
            while True:
                steps.append("step")
                yield 0
        finally:
            steps.append("end")

    monkeypatch.setattr(Incoming, "_build", endless)
    async with server(tmp_path) as running:
        client = await connect(running)
        begun = await begin(client, "R")
        await client.publish(begun["deliver_subject"], b"")
        await client.flush()
        await wait_until_async(lambda: len(steps) > 3, "the restore is under way")
        await client.close()
    assert steps[-1] == "end"
    assert list((tmp_path / "jetstream" / ".snap-staging").iterdir()) == []
