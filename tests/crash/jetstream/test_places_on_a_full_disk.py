"""sources.db on a full disk: how far the sources have come is known all the same, also when their
copies are gone and the server is killed."""

from __future__ import annotations

import errno
import random
import threading
from pathlib import Path

import pytest
from pynats_server.jetstream.folders import streams as stream_folders
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.server.server import Server

from tests.support.crashdisk import copy_tree
from tests.support.deadline import wait_until_async
from tests.support.fuzzing import examples
from tests.support.jetstream import api, serving
from tests.support.on_loop import on_loop

ROUNDS = 6
OPERATIONS = ("open", "write", "sync", "rename")
COPIES = {
    "FEW": {"max_msgs": 1}, "PURGED": {}, "OWN": {"max_msgs": 2, "subjects": ["own"]},
}  # fmt: skip


def last_of(server: Server, name: str) -> int:
    assert server.state.jetstream is not None
    return server.state.jetstream.accounts["$G"].streams[name].store.last_seq


class NoRoom:
    """Refuses one operation that `sources.db` needs, while it is switched on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
        self.refuses = False
        self.refused = 0
        self._saving = threading.local()  # others work for streams at the same time
        write_sources, real = StreamFolder.write_sources, getattr(Disk, operation)

        def saving(folder: StreamFolder, data: bytes) -> None:
            self._saving.now = True
            try:
                write_sources(folder, data)
            finally:
                self._saving.now = False

        def refusing(disk: Disk, *args: object) -> object:
            if getattr(self._saving, "now", False) and self.refuses:
                self.refused += 1
                raise OSError(errno.ENOSPC, "full")
            return real(disk, *args)

        monkeypatch.setattr(StreamFolder, "write_sources", saving)
        monkeypatch.setattr(Disk, operation, refusing)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("seed", range(examples(1)))
@on_loop
async def test_a_source_goes_on_where_it_was_though_sources_db_finds_no_room(
    tmp_path: Path, operation: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_folders, "choose_block_size", lambda *_: 700)
    disk, chance = NoRoom(monkeypatch, operation), random.Random(seed)
    own, folder = 0, tmp_path / "0"
    for number in range(ROUNDS):
        async with serving(folder) as (server, client):
            if not number:
                made = await api(client, "STREAM.CREATE.O", {"name": "O", "subjects": ["o"]})
                for name, more in COPIES.items():
                    config = {"name": name, "sources": [{"name": "O"}], **more}
                    made = await api(client, f"STREAM.CREATE.{name}", config)
                    assert "error" not in made, made
            for _ in range(8):
                disk.refuses = chance.random() < 0.8
                for _ in range(chance.randrange(1, 9)):
                    await client.publish("o", b"x" * chance.randrange(300))
                if chance.random() < 0.5:
                    await client.request("own", b"x")
                    own += 1
                await client.flush()
                if chance.random() < 0.4:
                    await api(client, "STREAM.PURGE.PURGED")

                def is_level() -> bool:
                    last = last_of(server, "O")
                    expected = {"FEW": last, "PURGED": last, "OWN": last + own}  # noqa: B023
                    found = {name: last_of(server, name) for name in COPIES}
                    assert all(found[name] <= expected[name] for name in COPIES)
                    return found == expected

                await wait_until_async(is_level, "each message once")
            image = tmp_path / str(number + 1)
            copy_tree(folder, image)
        folder = image
    assert disk.refused > 3
