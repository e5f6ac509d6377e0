"""When states of consumers are written: soon, together, never twice at once, again after a failure;
and when somebody who waits for it is told."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

from pynats_server.jetstream.consumer.saving import LARGE, UNDER_WAY_MAX, SavedConsumer, Saving
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    ConsumerFiles,
    StoredConsumer,
    create_consumer,
)
from pynats_server.jetstream.store.errors import StoreClosed
from pynats_server.jetstream.store.format.consumer_file import read_state_file
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.meta_inf import name_key
from pynats_server.work import Turns

from tests.support.crashdisk import QuickDisk
from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async

FULL = OSError(errno.ENOSPC, "full")
Told = list[Exception | None]


class Counted:
    """A state that is one number."""

    def __init__(self) -> None:
        self.changes = 0
        self.encoded: list[int] = []
        self.broken: Exception | None = None

        self.size = 0

    def to_save(self) -> CountedThen:
        if self.broken is not None:
            raise self.broken
        self.encoded.append(self.changes)
        return CountedThen(self)


class CountedThen:
    """What it was at a moment. `may_go` holds up those who encode it."""

    may_go = threading.Event()

    def __init__(self, state: Counted) -> None:
        self.floor_stream = state.changes
        self._size = state.size

    def __len__(self) -> int:
        return self._size

    def encode(self, now: int) -> bytes:
        if self._size:
            assert self.may_go.wait(PATIENCE_S)
        place = (self.floor_stream, self.floor_stream)
        return encode_consumer_state(ConsumerState(place, place), now)


class SlowWriter:
    """Writes what it is told to, when it is told to."""

    def __init__(self) -> None:
        self.under_way: list[tuple[ConsumerFiles, int, bool, Callable[[Exception | None], None]]]
        self.under_way = []
        self.written: list[tuple[str, int, bool]] = []  # consumer, its floor, whether synced
        self.most = 0

    def write(
        self, files: ConsumerFiles, sealed: bytes, floor: int, sync: bool,
        done: Callable[[Exception | None], None],
    ) -> None:  # fmt: skip
        assert files not in [job[0] for job in self.under_way], "written twice at a time"
        self.under_way.append((files, floor, sync, done))
        self.most = max(self.most, len(self.under_way))

    def finish(self, error: Exception | None = None) -> None:
        """The first write has ended."""
        files, floor, sync, done = self.under_way.pop(0)
        if error is None:
            self.written.append((files.folder.name, floor, sync))
        done(error)


class Scene:
    """Consumers that are saved."""

    def __init__(self, folder: Path, sync_interval_s: float = 0.0) -> None:
        self.config = FileConfig("S", folder, sync_interval_s=sync_interval_s)
        self.writer = SlowWriter()
        self.warnings: list[str] = []
        self.turns = Turns(asyncio.get_running_loop(), self.failed)
        self.saving = Saving("A", self.turns, self.writer, self.warnings.append)

    @staticmethod
    def failed(error: BaseException) -> None:
        raise error

    def consumer(self, name: str = "c") -> tuple[SavedConsumer, Counted]:
        stored = StoredConsumer(name, {}, ConsumerState())
        built = self.config.folder / "built"
        files = create_consumer(self.config, stored, 0, 0, built, 0.0, QuickDisk())
        state = Counted()
        return self.saving.add(state, files, lambda: 7), state

    async def begun(self, count: int = 1) -> None:
        """Returns when so many writes are under way."""
        await wait_until_async(lambda: len(self.writer.under_way) == count, "a write")


def change(consumer: tuple[SavedConsumer, Counted], times: int = 1) -> None:
    for _ in range(times):
        consumer[1].changes += 1
        consumer[0].changed()


def run(scenario: Callable[[Path], Coroutine[Any, Any, None]], folder: Path) -> None:
    asyncio.run(scenario(folder))


def test_changes_share_a_write(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        change(one, 5)
        await scene.begun()
        change(one, 3)  # they wait for the end of it
        for _ in range(20):
            await next_turn()
        assert one[1].encoded == [5]
        scene.writer.finish()
        await scene.begun()
        scene.writer.finish()
        assert one[1].encoded == [5, 8]
        assert one[0].is_saved
        assert scene.writer.written == [("c", 5, False), ("c", 8, False)]

    run(scenario, tmp_path)


def test_answers_share_a_synced_write(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        told: Told = []
        for _ in range(50):
            change(one)
            one[0].when_saved(told.append)
        await scene.begun()
        assert one[1].encoded == [50]
        one[0].when_saved(told.append)  # what is being written has it
        for _ in range(50):
            change(one)
            one[0].when_saved(told.append)
        assert told == []
        scene.writer.finish()
        assert told == [None] * 51
        await scene.begun()
        scene.writer.finish()
        assert told == [None] * 101
        one[0].when_saved(told.append)
        assert len(told) == 102, "what is saved needs no write"
        assert scene.writer.written == [("c", 50, True), ("c", 100, True)]

    run(scenario, tmp_path)


def test_what_was_written_without_a_sync_is_synced_for_an_answer(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        told: Told = []
        change(one)
        await scene.begun()
        one[0].when_saved(told.append)  # under way, but without a sync
        scene.writer.finish()
        assert told == []
        await scene.begun()
        scene.writer.finish()
        assert told == [None]
        assert scene.writer.written == [("c", 1, False), ("c", 1, True)]

    run(scenario, tmp_path)


def test_a_stream_that_syncs_now_and_then_needs_only_the_write(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder, sync_interval_s=10.0)
        one = scene.consumer()
        told: Told = []
        change(one)
        await scene.begun()
        one[0].when_saved(told.append)
        scene.writer.finish()
        assert told == [None]
        assert scene.writer.written == [("c", 1, False)]

    run(scenario, tmp_path)


def test_a_failure_answers_nobody_and_is_tried_again(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        told: Told = []
        change(one)
        one[0].when_saved(told.append)
        await scene.begun()
        change(one)
        one[0].when_saved(told.append)  # for the next one, which will not come soon
        scene.writer.finish(FULL)
        assert told == [FULL, FULL]
        change(one)
        one[0].when_saved(told.append)
        assert told == [FULL, FULL, FULL], "who asks meanwhile is told at once"
        assert scene.saving.failing == {one[0]}
        assert len(scene.warnings) == 1
        assert not one[0].is_saved
        await scene.begun()
        scene.writer.finish()
        assert one[1].encoded == [1, 3]
        assert scene.saving.failing == set()
        change(one)
        one[0].when_saved(told.append)
        await scene.begun()
        scene.writer.finish()
        assert told[3:] == [None]

    run(scenario, tmp_path)


def test_a_state_that_cannot_be_encoded_keeps_no_other_from_being_saved(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        bad, good = scene.consumer("bad"), scene.consumer("good")
        bad[1].broken = MemoryError("no room")
        told: Told = []
        for one in (bad, good):
            change(one)
            one[0].when_saved(told.append)
        await scene.begun()
        scene.writer.finish()
        await wait_until_async(lambda: len(told) == 2, "both are told")
        assert {repr(error) for error in told} == {"None", "MemoryError('no room')"}

    run(scenario, tmp_path)


def test_many_take_turns(tmp_path: Path) -> None:
    """One encodes some in a turn, and threads have no more than they are allowed."""

    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        scene.turns.budget_ns, scene.turns.now = 2, iter(range(10**9)).__next__
        many = [scene.consumer(f"c{number}") for number in range(200)]
        for one in many:
            change(one)
        for done in range(200):
            await wait_until_async(lambda: bool(scene.writer.under_way), f"write {done}")
            scene.writer.finish()
        assert sorted(name for name, _, _ in scene.writer.written) == sorted(
            one[0].files.folder.name for one in many
        )
        assert scene.writer.most <= UNDER_WAY_MAX
        assert all(one[1].encoded == [1] for one in many)

    run(scenario, tmp_path)


def test_whoever_cancels_what_waits_for_its_turn_keeps_nothing_from_being_saved(
    tmp_path: Path,
) -> None:
    """Too many requests of an account end those that wait, and what else waits there."""

    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        told: Told = []

        loop = asyncio.get_running_loop()
        loop.call_soon(scene.turns.charge, scene.turns.budget_ns)  # no time is left in this pass
        one[1].changes += 1
        one[0].when_saved(told.append)
        loop.call_soon(scene.turns.cancel_waiting, "A")
        await scene.begun()
        scene.writer.finish()
        assert told == [None]

    run(scenario, tmp_path)


def test_the_encodings_of_a_turn_are_bounded(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        many = [scene.consumer(f"c{number}") for number in range(UNDER_WAY_MAX)]
        scene.turns.budget_ns, scene.turns.now = 1, iter(range(10**9)).__next__
        for one in many:
            change(one)
        counts = []
        while len(scene.writer.under_way) < UNDER_WAY_MAX:
            await next_turn()
            counts.append(len(scene.writer.under_way))
        assert {after - before for before, after in pairwise(counts)} <= {0, 1}

    run(scenario, tmp_path)


def test_the_end_waits_for_a_write_and_begins_none(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one, other = scene.consumer("one"), scene.consumer("other")
        told: Told = []
        change(one)
        one[0].when_saved(told.append)
        await scene.begun()
        change(one)
        one[0].when_saved(told.append)
        ending = asyncio.ensure_future(one[0].end())
        change(other)
        await other[0].end()
        for _ in range(20):
            await next_turn()
        assert not ending.done()
        scene.writer.finish()
        await ending
        change(one)
        one[0].when_saved(told.append)
        await wait_until_async(lambda: not scene.saving._later, "the time of all has come")
        for _ in range(20):
            await next_turn()
        assert scene.writer.under_way == []
        assert [type(error) for error in told] == [StoreClosed] * 3
        assert (one[1].encoded, other[1].encoded) == ([1], [])

    run(scenario, tmp_path)


def test_a_clean_end_saves_what_has_changed(tmp_path: Path) -> None:
    """Also what failed before, and when the server runs nothing in turns any more."""

    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        many = [scene.consumer(f"c{number}") for number in range(3 * UNDER_WAY_MAX)]
        clean = scene.consumer("clean")
        change(many[0])
        await scene.begun()
        scene.writer.finish(FULL)
        for one in many[1:]:
            change(one)
        scene.turns.stop()
        flushing = asyncio.ensure_future(scene.saving.flush(one[0] for one in [*many, clean]))
        while not flushing.done():
            await next_turn()
            if scene.writer.under_way:
                scene.writer.finish(FULL if not scene.writer.written else None)
                if not scene.writer.written:
                    scene.writer.written.append(("failed", 0, True))
        await flushing
        assert len(scene.writer.written) == len(many)
        assert all(synced for _, _, synced in scene.writer.written)
        assert clean[1].encoded == []
        scene.saving.stop()

    run(scenario, tmp_path)


def test_a_state_that_the_files_do_not_tell_is_saved(tmp_path: Path) -> None:
    """As after a removal that failed."""

    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        change(one)
        await one[0].end()
        again = scene.saving.add(one[1], one[0].files, lambda: 7, are_alike=False)
        told: Told = []
        again.when_saved(told.append)
        assert told == []
        await scene.begun()
        scene.writer.finish()
        assert told == [None]
        assert scene.writer.written == [("c", 1, True)]

    run(scenario, tmp_path)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        one = scene.consumer()
        change(one, 4)
        files = one[0].files
        found = read_state_file(
            files.seal(one[1].to_save().encode(0), one[0].stream_last()), name_key("S/c")
        )
        assert found.state == ConsumerState((4, 4), (4, 4))
        assert found.tail is not None and found.tail.stream_last == 7
        await one[0].end()

    run(scenario, tmp_path)


async def being_encoded(scene: Scene, told: Told) -> tuple[SavedConsumer, Counted]:
    """A consumer whose large state a thread encodes until `CountedThen.may_go`."""
    one = scene.consumer()
    one[1].size = LARGE + 1
    change(one)
    CountedThen.may_go.clear()
    one[0].when_saved(told.append)
    await wait_until_async(lambda: one[1].encoded == [1], "a snapshot")
    return one


def test_a_large_state_is_encoded_in_a_thread(tmp_path: Path) -> None:
    """What changes meanwhile is for the next write, and the loop goes on."""

    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        told: Told = []
        one = await being_encoded(scene, told)
        change(one)
        one[0].when_saved(told.append)
        for _ in range(20):
            await next_turn()
        assert one[1].encoded == [1]
        assert scene.writer.under_way == []
        CountedThen.may_go.set()
        await scene.begun()
        scene.writer.finish()
        assert told == [None]
        await scene.begun()
        scene.writer.finish()
        assert told == [None, None]
        assert scene.writer.written == [("c", 1, True), ("c", 2, True)]

    run(scenario, tmp_path)


def test_a_consumer_that_ends_while_a_thread_encodes_it_is_not_written(tmp_path: Path) -> None:
    async def scenario(folder: Path) -> None:
        scene = Scene(folder)
        told: Told = []
        one = await being_encoded(scene, told)
        ending = asyncio.ensure_future(one[0].end())
        await next_turn()
        CountedThen.may_go.set()
        await ending
        assert [type(error) for error in told] == [StoreClosed]
        assert scene.writer.under_way == []

    run(scenario, tmp_path)
