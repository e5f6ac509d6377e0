"""Batches on a full disk: an atomic one is stored whole or not at all, and answered so; a fast one
says what is stored of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.folders import streams as stream_folders
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.stream.stream import Stream
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.fulldisk import FullDisk, disk_of_process
from tests.support.jetstream import PatientClient, api, serving
from tests.support.on_loop import on_loop

Json = dict[str, Any]
FULL = 10047
CONFIG = {
    "name": "C", "subjects": ["c.*"], "allow_atomic": True, "allow_batched": True,
    "allow_rollup_hdrs": True,
}  # fmt: skip
FOLDER = "jetstream/$G/streams/C"


def stream_of(server: Server) -> Stream:
    assert server.state.jetstream is not None
    stream = server.state.jetstream.accounts["$G"].streams["C"]
    assert isinstance(stream, Stream)
    return stream


def on_disk(folder: Path) -> list[bytes]:
    """What a restart would find, while nothing is being written."""
    store = FileStore(FileConfig("C", folder / FOLDER))
    found = [store.load(seq).payload for seq, _ in store.oldest()]
    store.close(keep=False)
    return found


async def batch(client: PatientClient, name: str, bodies: list[bytes], **more: str) -> Json:
    """The answer to the commit of an atomic batch; `more` are headers of its last message."""
    for place, body in enumerate(bodies, 1):
        headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(place)}
        if place < len(bodies):
            await client.publish(f"c.{place % 3}", body, headers=headers)
        else:
            headers |= {"Nats-Batch-Commit": "1", **more}
            reply = await client.request("c.last", body, headers=headers)
    found: Json = json.loads(reply.data)
    return found


@on_loop
async def test_an_atomic_batch_is_stored_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much room there is, also where a block ends; and what it would have replaced stays
    with it."""
    monkeypatch.setattr(stream_folders, "choose_block_size", lambda *_: 1500)
    with disk_of_process(FullDisk(below="/msgs/")) as disk:
        async with serving(tmp_path) as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            stream, kept, refused = stream_of(server), [b"first"], 0
            await client.request("c.last", b"first")
            for number, room in enumerate([*range(0, 1400, 45), None]):
                disk.room = room
                bodies = [b"%d.%d " % (number, place) + b"x" * 150 for place in range(5)]
                before = stream.store.state().bytes
                answer = await batch(client, f"b{number}", bodies, **{"Nats-Rollup": "sub"})
                disk.room = None
                if "error" in answer:
                    refused += 1
                    assert answer["error"]["err_code"] == FULL
                    assert stream.store.state().bytes == before
                else:
                    assert (answer["batch"], answer["count"]) == (f"b{number}", 5)
                    last = [body for body in kept if body.startswith(b"first") or b".4 " in body]
                    kept = [body for body in kept if body not in last] + bodies
                assert stream.store.msgs == len(kept)
                assert stream.account.usage("file").used == stream.store.state().bytes
                if "error" in answer or number % 5 == 0:
                    assert on_disk(tmp_path) == kept
            assert refused > 10
            assert len(kept) > 1


@pytest.mark.parametrize("gaps", ["fail", "ok"])
@on_loop
async def test_a_fast_batch_does_not_count_what_was_taken_back(tmp_path: Path, gaps: str) -> None:
    with disk_of_process(FullDisk(below="/msgs/")) as disk:
        async with serving(tmp_path) as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            stream = stream_of(server)
            heard = await client.subscribe("_R.>")

            async def say(sequence: int, operation: int = 1) -> None:
                reply = f"_R.id.100.{gaps}.{sequence}.{operation}.$FI"
                await client.publish("c.1", b"%d" % sequence, reply=reply)

            async def hear(kind: str) -> Json:
                while True:
                    found: Json = json.loads((await heard.next_msg(PATIENCE_S)).data)
                    if found.get("type", "end") == kind:
                        return found

            for sequence in range(1, 5):
                await say(sequence, int(sequence > 1))
            await client.flush()
            await wait_until_async(lambda: stream.durable_seq == 4, "the sync")
            disk.room = 0
            for sequence in range(5, 9):
                await say(sequence)
            await client.flush()
            await wait_until_async(lambda: disk.refused > 0, "a full disk")
            assert stream.store.last_seq == 4
            disk.room = None
            await say(9)
            gap = await hear("gap")
            assert (gap["last_seq"], gap["seq"]) == (5, 9)
            if gaps == "ok":
                await say(10, 2)
            end = await hear("end")
            expected = [1, 2, 3, 4] if gaps == "fail" else [1, 2, 3, 4, 9, 10]
            assert (end["count"], end["seq"]) == (expected[-1], len(expected))
            assert on_disk(tmp_path) == [b"%d" % sequence for sequence in expected]


@on_loop
async def test_a_fast_message_that_is_refused_ends_the_batch_with_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that begins a block finds no room for the end of the last one."""
    monkeypatch.setattr(stream_folders, "choose_block_size", lambda *_: 1000)
    with disk_of_process(FullDisk(below="/msgs/")) as disk:
        async with serving(tmp_path) as (server, client):
            assert "error" not in await api(client, "STREAM.CREATE.C", CONFIG)
            stream = stream_of(server)
            heard = await client.subscribe("_R.>")
            await client.flush()

            def say(sequence: int) -> None:
                reply = b"_R.id.100.fail.%d.%d.$FI" % (sequence, int(sequence > 1))
                stream.accept(b"c.1", reply, b"", b"x" * 200)

            say(1)
            await wait_until_async(lambda: stream.durable_seq == 1, "the sync")
            disk.room = 0
            for sequence in range(2, 7):  # the sixth begins a block
                if stream.fast_batches.table.batches:
                    say(sequence)
            disk.room = None
            said: list[Json] = []
            while not said or "count" not in said[-1]:
                said.append(json.loads((await heard.next_msg(PATIENCE_S)).data))
            assert said[-2]["error"]["err_code"] == FULL
            assert (said[-1]["count"], said[-1]["seq"]) == (1, 1)
            assert stream.store.last_seq == 1
