"""Streams are created, updated, deleted and restored atomically, at whichever file operation the
process dies or the disk fails; an error reply means that nothing changed.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.server.server import Server

from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.jetstream import api, connect, jetstream_server
from tests.support.stumble import NEED_ROOM, Stumble, stumbling

DIED = 9
SURVIVED = 0
Streams = dict[str, tuple[Any, ...]]


async def streams_of(client: Client) -> Streams:
    found = (await api(client, "STREAM.LIST"))["streams"]
    return {
        s["config"]["name"]: (
            s["config"]["subjects"],
            s["config"]["max_msgs"],
            s["state"]["messages"],
            s["state"]["last_seq"],
        )
        for s in found
    }


async def create(client: Client, archive: bytes) -> dict[str, Any]:
    return await api(client, "STREAM.CREATE.NEW", {"name": "NEW", "subjects": ["new"]})


async def update(client: Client, archive: bytes) -> dict[str, Any]:
    changed = {"name": "OLD", "subjects": ["old", "older"], "max_msgs": 5}
    return await api(client, "STREAM.UPDATE.OLD", changed)


async def delete(client: Client, archive: bytes) -> dict[str, Any]:
    return await api(client, "STREAM.DELETE.OLD")


async def restore(client: Client, archive: bytes) -> dict[str, Any]:
    asked = {"config": {"name": "BACK", "subjects": ["back"]}, "state": {}}
    answer = await api(client, "STREAM.RESTORE.BACK", asked)
    if "error" in answer:
        return answer
    await client.request(answer["deliver_subject"], archive)
    found: dict[str, Any] = json.loads((await client.request(answer["deliver_subject"], b"")).data)
    return found


BEFORE: Streams = {"OLD": (["old"], -1, 20, 20), "KEPT": (["kept"], -1, 1, 1)}
KEPT = {"KEPT": BEFORE["KEPT"]}
Change = Callable[[Client, bytes], Awaitable[dict[str, Any]]]
CHANGES: dict[str, tuple[Change, Streams]] = {
    "create": (create, {**BEFORE, "NEW": (["new"], -1, 0, 0)}),
    "update": (update, {**KEPT, "OLD": (["old", "older"], 5, 5, 20)}),
    "delete": (delete, KEPT),
    "restore": (restore, {**BEFORE, "BACK": (["back"], -1, 7, 7)}),
}


async def prepare(folder: Path) -> bytes:
    """Makes the streams of BEFORE; returns a backup of one with seven messages."""
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        for name, count in (("OLD", 20), ("KEPT", 1), ("BACK", 7)):
            await api(client, f"STREAM.CREATE.{name}", {"name": name, "subjects": [name.lower()]})
            for number in range(count):
                await client.request(name.lower(), b"%d" % number)
        pieces = await client.subscribe("pieces")
        await api(client, "STREAM.SNAPSHOT.BACK", {"deliver_subject": "pieces"})
        archive = b""
        while (piece := await pieces.next_msg(PATIENCE_S)).data:
            archive += piece.data
            if piece.reply:
                await client.publish(piece.reply)
        await api(client, "STREAM.DELETE.BACK")
        await client.close()
    return archive


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("prepared") / "store"
    return folder, asyncio.run(prepare(folder))


async def interrupted(
    folder: Path, archive: bytes, change: Change, stumble: Stumble
) -> tuple[dict[str, Any], Streams]:
    """Makes a change while `stumble` is active; returns its reply and the streams afterwards."""
    async with jetstream_server(folder) as server:
        client = await connect(server.client_url)
        with stumbling(stumble):
            reply = await change(client, archive)
        found = await streams_of(client)
        ack = json.loads((await client.request("kept", b"more")).data)
        assert ack == {"stream": "KEPT", "seq": 2}
        await client.close()
    return reply, found


async def restarted(folder: Path) -> Streams:
    """The streams after a restart; every name must be a complete stream, or free for one."""
    async with jetstream_server(folder) as server:
        assert server.state.jetstream is not None
        assert server.state.jetstream.accounts["$G"].broken == {}
        client = await connect(server.client_url)
        found = await streams_of(client)
        for name in ("OLD", "NEW", "BACK"):
            if name not in found:
                made = await api(client, f"STREAM.CREATE.{name}", {"name": name})
                assert "error" not in made, made
            gone = await api(client, f"STREAM.DELETE.{name}")
            assert gone.get("success"), gone
        await client.close()
    found["KEPT"] = BEFORE["KEPT"]  # one more message does not matter here
    return found


def die_at(step: int, folder: Path, archive: bytes, change: Change) -> bool:
    """Lets a separate process die at the `step`th operation; False if there are fewer."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            stumble = Stumble(step, lambda: os._exit(DIED))
            asyncio.run(interrupted(folder, archive, change, stumble))
            status = SURVIVED
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (DIED, SURVIVED)
    return status == DIED


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", CHANGES)
def test_death_at_every_file_operation(
    name: str, prepared: tuple[Path, bytes], tmp_path: Path
) -> None:
    base, archive = prepared
    change, after = CHANGES[name]
    outcomes: list[bool] = []
    died = True
    while died:
        folder = tmp_path / str(len(outcomes))
        shutil.copytree(base, folder)
        died = die_at(len(outcomes) + 1, folder, archive, change)
        found = asyncio.run(restarted(folder))
        assert found in (BEFORE, after), (name, len(outcomes) + 1, found)
        outcomes.append(found == after)
        shutil.rmtree(folder)
    assert outcomes == sorted(outcomes)  # once done, never undone
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert len(outcomes) > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_an_error_at_every_file_operation(
    name: str, prepared: tuple[Path, bytes], tmp_path: Path
) -> None:
    base, archive = prepared
    change, after = CHANGES[name]

    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    step, refused = 0, 0
    reached = True
    while reached:
        step += 1
        stumble = Stumble(step, fail)
        folder = tmp_path / str(step)
        shutil.copytree(base, folder)
        reply, found = asyncio.run(interrupted(folder, archive, change, stumble))
        where = (name, step, stumble.what, reply)
        found["KEPT"] = BEFORE["KEPT"]
        assert found == (BEFORE if "error" in reply else after), where
        assert asyncio.run(restarted(folder)) == found, where
        refused += "error" in reply
        reached = stumble.reached
        shutil.rmtree(folder)
    assert 2 <= refused < step


CODES = {"create": 10049, "update": 10069, "delete": 10050, "restore": 10062}


def held(server: Server) -> tuple[int, int, list[str]]:
    """What an account has claimed, what it uses, and what lies in the staging."""
    assert server.state.jetstream is not None
    jetstream = server.state.jetstream
    account = jetstream.accounts["$G"]
    staging = jetstream.context.staging
    names = [path.name for path in staging.iterdir()] if staging.is_dir() else []
    return account.reserved("file"), account.usage("file").used, names


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_is_full_from_any_operation_on_refuses_and_keeps_nothing(
    name: str, prepared: tuple[Path, bytes], tmp_path: Path
) -> None:
    """And when there is room again, the same request is granted."""
    base, archive = prepared
    change, after = CHANGES[name]

    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def tried(folder: Path, stumble: Stumble) -> bool:
        """Whether it was refused."""
        async with jetstream_server(folder) as server:
            client = await connect(server.client_url)
            before = held(server)
            with stumbling(stumble):
                reply = await change(client, archive)
            if "error" not in reply:
                await client.close()
                return False
            assert reply["error"]["err_code"] == CODES[name], (stumble.what, reply)
            assert await streams_of(client) == BEFORE, stumble.what
            await wait_until_async(lambda: held(server) == before, f"nothing left {stumble.what}")
            reply = await change(client, archive)
            assert "error" not in reply, (stumble.what, reply)
            assert await streams_of(client) == after
            await client.close()
        return True

    step, refused = 0, 0
    reached = True
    while reached:
        step += 1
        stumble = Stumble(step, full, lasting=True, kinds=NEED_ROOM)
        folder = tmp_path / str(step)
        shutil.copytree(base, folder)
        refused += asyncio.run(tried(folder, stumble))
        assert asyncio.run(restarted(folder)) == after, (step, stumble.what)
        reached = stumble.reached
        shutil.rmtree(folder)
    if name == "delete":
        assert refused == 0, "who deletes wants room"
    else:
        assert refused >= 2
