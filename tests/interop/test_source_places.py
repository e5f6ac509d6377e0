"""How far sources and mirrors have come, compared with the real server's: when their copies are
removed, when the configuration changes, when origins are made anew, when folders change servers.

What must not come again would come before a new message of the same origin: so every step ends
with one, which is waited for.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pynats_server.jetstream.store.format.sources_db import decode_sources
from test_stream_backup import back_up, restore

from tests.support import jetstream
from tests.support.deadline import wait_until_async
from tests.support.jetstream import api
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

SLOW_S = 60.0  # the real server waits for seconds before it asks again for an origin


class Play:
    """A server on a store folder, and what was seen of it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder
        self.seen: list[Any] = []
        self._take(kind)

    def _take(self, kind: str) -> None:
        self.kind = kind
        config = f'jetstream {{ store_dir: "{self.folder}" }}\n'
        home = self.folder.parent / f"{self.folder.name}-{kind}"
        self._server = ServerProcess(kind, home, config)
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    async def up(self) -> None:
        self._server.start()
        self._client = await jetstream.connect(f"nats://127.0.0.1:{self._server.port}")

    async def down(self, kill: bool = False) -> None:
        if self._client is not None:
            await self._client.close()
        if kill:
            self._server.kill()
        else:
            self._server.stop()

    async def again(self, kill: bool = False, kind: str = "") -> None:
        await self.down(kill)
        self._take(kind or self.kind)
        await self.up()

    async def ask(self, subject: str, **body: Any) -> None:
        done = await api(self.client, subject, body or None)
        assert "error" not in done, done

    async def make(self, name: str, **config: Any) -> None:
        await self.ask(f"STREAM.CREATE.{name}", name=name, **config)

    async def change(self, name: str, **config: Any) -> None:
        await self.ask(f"STREAM.UPDATE.{name}", name=name, **config)

    async def publish(self, subject: str, *bodies: str) -> None:
        for body in bodies:
            reply = json.loads((await self.client.request(subject, body.encode())).data)
            assert "error" not in reply, reply

    async def held(self, name: str) -> list[tuple[int, str, str]]:
        state = (await api(self.client, f"STREAM.INFO.{name}"))["state"]
        found = []
        for seq in range(max(state["first_seq"], 1), state["last_seq"] + 1):
            reply = await api(self.client, f"STREAM.MSG.GET.{name}", {"seq": seq})
            if "message" in reply:
                message = reply["message"]
                data = base64.b64decode(message.get("data", "")).decode()
                found.append((seq, message["subject"], data))
        return found

    async def see(self, name: str, last: str) -> None:
        """Notes what a stream holds, as soon as that ends with a message `last`."""

        async def reached() -> bool:
            held = await self.held(name)
            return bool(held) and held[-1][2] == last

        await wait_until_async(reached, f"{last!r} at the end of {name}", SLOW_S)
        info = await api(self.client, f"STREAM.INFO.{name}")
        told = {s["name"] + s.get("filter_subject", ""): s for s in info.get("sources", ())}
        places = {key: (told[key].get("seq", 0), told[key]["lag"]) for key in sorted(told)}
        self.seen.append([name, info["state"]["first_seq"], await self.held(name), places])


O = {"subjects": ["o.*"]}  # noqa: E741
OF_O = {"sources": [{"name": "O"}]}


async def own_messages_stay(play: Play) -> None:
    await play.make("O", **O)
    await play.make("W", subjects=["w"], max_msgs=3, **OF_O)
    await play.publish("o.1", "m0", "m1", "m2", "m3", "m4")
    await play.see("W", "m4")
    await play.publish("w", "own0", "own1", "own2")
    for number, kill in enumerate((False, True)):
        await play.again(kill)
        await play.publish("o.1", f"new{number}")
        await play.see("W", f"new{number}")


async def purged(play: Play) -> None:
    await play.make("O", **O)
    await play.make("W", **OF_O)
    await play.publish("o.1", "a", "b", "c")
    await play.see("W", "c")
    await play.ask("STREAM.PURGE.W")
    for number, kill in enumerate((True, False)):
        await play.again(kill)
        await play.publish("o.1", f"new{number}")
        await play.see("W", f"new{number}")


async def deleted(play: Play) -> None:
    await play.make("O", **O)
    await play.make("W", **OF_O)
    await play.publish("o.1", "a", "b", "c")
    await play.see("W", "c")
    for seq in (3, 2):
        await play.ask("STREAM.MSG.DELETE.W", seq=seq)
    await play.again()
    await play.publish("o.1", "new")
    await play.see("W", "new")


async def aged(play: Play) -> None:
    await play.make("O", **O)
    await play.make("W", max_age=10**9, **OF_O)
    await play.publish("o.1", "a", "b", "c")
    await play.see("W", "c")

    async def empty() -> bool:
        return not await play.held("W")

    await wait_until_async(empty, "the end of the copies")
    await play.again()
    await play.publish("o.1", "new")
    await play.see("W", "new")


async def changed(play: Play) -> None:
    """Sources come, go, come back, change places and change what they take."""
    other: dict[str, Any] = {"name": "P"}
    filtered: dict[str, Any] = {"name": "O", "filter_subject": "o.1"}
    await play.make("O", **O)
    await play.make("P", subjects=["p.*"])
    await play.publish("p.1", "p0", "p1")
    await play.make("W", subjects=["w"], **OF_O)
    await play.publish("o.1", "a", "b", "c")
    await play.see("W", "c")
    await play.change("W", subjects=["w"], sources=[other, {"name": "O"}])
    await play.see("W", "p1")
    await play.publish("o.1", "d")
    await play.see("W", "d")
    await play.change("W", subjects=["w"], sources=[{"name": "O"}, other])
    await play.publish("p.1", "p2")
    await play.see("W", "p2")
    await play.change("W", subjects=["w"], sources=[other])
    await play.publish("o.1", "e")
    await play.publish("p.1", "p3")
    await play.see("W", "p3")
    await play.change("W", subjects=["w"], sources=[other, {"name": "O"}])
    await play.see("W", "e")
    await play.change("W", subjects=["w"], sources=[other, filtered])
    await play.publish("o.1", "e2")
    await play.see("W", "e2")
    await play.change("W", subjects=["w"], sources=[other, {**filtered, "opt_start_seq": 1}])
    await play.publish("o.1", "f")
    await play.see("W", "f")
    await play.ask("STREAM.PURGE.W")
    await play.again()
    await play.publish("o.1", "g")
    await play.see("W", "g")


async def added_to_a_purged_stream(play: Play) -> None:
    """What a stream that had messages takes of a new source is not older than its last one."""
    await play.make("O", **O)
    await play.make("P", subjects=["p.*"])
    await play.publish("p.1", "p0", "p1")
    await play.make("W", subjects=["w"], **OF_O)
    await play.publish("o.1", "a")
    await play.see("W", "a")
    await play.publish("w", "own")
    await play.ask("STREAM.PURGE.W")
    await play.change("W", subjects=["w"], sources=[{"name": "P"}, {"name": "O"}])
    await play.publish("p.1", "p2")
    await play.see("W", "p2")
    await play.publish("o.1", "b")
    await play.see("W", "b")


async def made_anew(play: Play) -> None:
    await play.make("O", **O)
    await play.make("W", **OF_O)
    await play.publish("o.1", "a", "b", "c")
    await play.see("W", "c")
    await play.ask("STREAM.PURGE.W")
    await play.down()
    shutil.rmtree(play.folder / "jetstream" / "$G" / "streams" / "O")
    await play.up()
    await play.make("O", **O)
    await play.publish("o.1", "A", "B", "C", "D")
    await play.see("W", "D")
    await play.again()
    await play.publish("o.1", "E")
    await play.see("W", "E")
    await play.ask("STREAM.PURGE.O")
    await play.again()
    await play.publish("o.1", "F")
    await play.see("W", "F")


async def started_later(play: Play) -> None:
    """Where to begin counts once."""
    await play.make("O", **O)
    await play.publish("o.1", "a", "b", "c")
    time = (await api(play.client, "STREAM.MSG.GET.O", {"seq": 2}))["message"]["time"]
    starts: dict[str, dict[str, Any]] = {"Q": {"opt_start_seq": 2}, "T": {"opt_start_time": time}}
    names = []
    for name, start in starts.items():
        await play.make(f"W{name}", sources=[{"name": "O", **start}])
        await play.make(f"M{name}", mirror={"name": "O", **start})
        names += [f"W{name}", f"M{name}"]
    for name in names:
        await play.see(name, "c")
        await play.ask(f"STREAM.PURGE.{name}")
    for number, kill in enumerate((False, True)):
        await play.again(kill)
        await play.publish("o.1", f"new{number}")
        for name in names:
            await play.see(name, f"new{number}")
            await play.ask(f"STREAM.PURGE.{name}")


async def counted(play: Play) -> None:
    async def add(number: int) -> None:
        reply = await play.client.request("o.1", b"", headers={"Nats-Incr": str(number)})
        assert "error" not in json.loads(reply.data)

    await play.make("O", allow_msg_counter=True, **O)
    await play.make("W", allow_msg_counter=True, **OF_O)
    for number in (1, 2, 3):
        await add(number)
    await play.see("W", '{"val":"6"}')
    await play.ask("STREAM.PURGE.W")
    await play.again()
    await add(10)
    await play.see("W", '{"val":"16"}')


SCENARIOS = [
    own_messages_stay, purged, deleted, aged, changed, added_to_a_purged_stream, made_anew,
    started_later, counted,
]  # fmt: skip


def run(kind: str, folder: Path, scenario: Callable[[Play], Awaitable[None]]) -> Any:
    async def work() -> list[Any]:
        play = Play(kind, folder)
        await play.up()
        try:
            await scenario(play)
        finally:
            await play.down()
        return play.seen

    return plain(asyncio.run(work()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_source_goes_on_where_it_was(
    tmp_path: Path, recorded: Recorded, scenario: Callable[[Play], Awaitable[None]]
) -> None:
    theirs = recorded.of(lambda: run(REFERENCE, tmp_path / "theirs", scenario))
    assert run(PYNATS, tmp_path / "ours", scenario) == theirs


# -- folders that change servers ----------------------------------------------------------------


MOVED = {
    "W": ["own1", "own2", "new0"],
    "PURGED": ["new0"],
    "WHOLE": ["m0", "m1", "m2", "m3", "m4", "new0"],
    "RENAMED": ["new0"],
}


async def fill(play: Play) -> None:
    """Copies that are gone, and some that are there."""
    await play.make("O", **O)
    await play.make("W", subjects=["w"], max_msgs=3, **OF_O)
    await play.make("PURGED", **OF_O)
    await play.make("WHOLE", **OF_O)
    await play.make(
        "RENAMED",
        sources=[
            {"name": "O", "subject_transforms": [{"src": "o.1", "dest": ""}]},
            {"name": "O", "filter_subject": "o.2"},
        ],
    )
    await play.publish("o.1", "m0", "m1", "m2", "m3", "m4")
    for name in ("W", "PURGED", "WHOLE", "RENAMED"):
        await play.see(name, "m4")
    await play.publish("w", "own0", "own1", "own2")
    for name in ("PURGED", "RENAMED"):
        await play.ask(f"STREAM.PURGE.{name}")


async def go_on(play: Play, number: int) -> None:
    play.seen.clear()
    await play.publish("o.1", f"new{number}")
    for name in ("W", "PURGED", "WHOLE", "RENAMED"):
        await play.see(name, f"new{number}")


def bodies(held: list[tuple[int, str, str]]) -> list[str]:
    return [body for _, _, body in held]


def saved(folder: Path, name: str) -> dict[str, int]:
    path = folder / "jetstream" / "$G" / "streams" / name / "sources.db"
    places = decode_sources(path.read_bytes(), b"").places
    return {key.decode(): place.seq for key, place in places.items()}


def test_we_go_on_in_a_folder_of_the_reference(tmp_path: Path, recorded: Recorded) -> None:
    folder = tmp_path / "js"

    def ask() -> Any:
        return run(REFERENCE, folder, fill)

    recorded.folder(folder, ask)
    assert saved(folder, "W") == {"O > >": 5}
    assert saved(folder, "RENAMED")["O o.1 >"] == 5

    async def work() -> None:
        play = Play(PYNATS, folder)
        await play.up()
        try:
            await go_on(play, 0)
            assert {name: bodies(held) for name, _, held, _ in play.seen} == MOVED
        finally:
            await play.down()

    asyncio.run(work())


@pytest.mark.reference
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_folders_go_to_and_fro(tmp_path: Path, kill: bool) -> None:
    async def work() -> None:
        play = Play(PYNATS, tmp_path / "js")
        await play.up()
        try:
            await fill(play)
            for number in range(4):
                # The real server remembers what is removed when it stops, not when it is killed.
                ours = play.kind == PYNATS
                await play.again(kill and ours, REFERENCE if ours else PYNATS)
                await go_on(play, number)
                copies = ["m0", "m1", "m2", "m3", "m4", *(f"new{n}" for n in range(number + 1))]
                held = {name: bodies(held) for name, _, held, _ in play.seen}
                assert held["WHOLE"] == copies
                assert held["PURGED"] == held["RENAMED"] == copies[5:]
                assert held["W"] == ["own0", "own1", "own2", *copies[5:]][-3:]
        finally:
            await play.down()

    asyncio.run(work())


# -- backups ------------------------------------------------------------------------------------

NAMES = ("O", "W", "PURGED", "WHOLE", "RENAMED")


async def backups(play: Play, kept: Path) -> None:
    kept.mkdir()
    for name in NAMES:
        chunks, begun, _ = await back_up(play.client, name)
        (kept / name).write_bytes(b"".join(chunks))
        (kept / f"{name}.json").write_text(json.dumps(begun))


async def restored(play: Play, kept: Path, names: tuple[str, ...]) -> None:
    for name in names:
        begun = json.loads((kept / f"{name}.json").read_text())
        made = await restore(play.client, [(kept / name).read_bytes()], begun, name)
        assert "error" not in made, made


@pytest.mark.parametrize("names", [NAMES, (*NAMES[1:], "O")], ids=["origin first", "origin last"])
def test_a_restored_source_goes_on_with_the_restored_origin(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    async def work() -> None:
        play = Play(PYNATS, tmp_path / "js")
        await play.up()
        try:
            await fill(play)
            await backups(play, tmp_path / "kept")
            for name in NAMES:
                await play.ask(f"STREAM.DELETE.{name}")
            await restored(play, tmp_path / "kept", names)
            await go_on(play, 0)
            assert {name: bodies(held) for name, _, held, _ in play.seen} == MOVED
            await play.again(kill=True)
            await go_on(play, 1)
            assert [bodies(held)[-2:] for _, _, held, _ in play.seen] == [["new0", "new1"]] * 4
        finally:
            await play.down()

    asyncio.run(work())


def test_we_go_on_with_backups_of_the_reference(tmp_path: Path, recorded: Recorded) -> None:
    kept = tmp_path / "kept"

    async def theirs(play: Play) -> None:
        await fill(play)
        await backups(play, kept)

    async def work() -> None:
        play = Play(PYNATS, tmp_path / "js")
        await play.up()
        try:
            await restored(play, kept, NAMES)
            await go_on(play, 0)
            assert {name: bodies(held) for name, _, held, _ in play.seen} == MOVED
        finally:
            await play.down()

    recorded.folder(kept, lambda: run(REFERENCE, tmp_path / "theirs", theirs))
    asyncio.run(work())


@pytest.mark.reference
def test_the_reference_restores_our_sources(tmp_path: Path) -> None:
    """It takes everything over again, as from its own backups: a restored origin is a new one."""

    async def work() -> None:
        play = Play(PYNATS, tmp_path / "js")
        await play.up()
        try:
            await fill(play)
            await backups(play, tmp_path / "kept")
            await play.down()
            play = Play(REFERENCE, tmp_path / "theirs")
            await play.up()
            await restored(play, tmp_path / "kept", NAMES)
            await go_on(play, 0)
            held = {name: bodies(held) for name, _, held, _ in play.seen}
            copies = ["m0", "m1", "m2", "m3", "m4"]
            assert held["WHOLE"] == [*copies, *copies, "new0"]
        finally:
            await play.down()

    asyncio.run(work())
