"""States are replaced by threads, whole, and failures are told."""

from __future__ import annotations

import asyncio
import errno
import shutil
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    PREVIOUS_AFTER_S,
    ConsumerFiles,
    Plan,
    StoredConsumer,
    create_consumer,
    planned,
    prepare_folder,
)
from pynats_server.jetstream.store.consumers.recovery import Extent, recover_consumers
from pynats_server.jetstream.store.consumers.writing import StateWriter
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)

LAST = 1 << 30


async def written(
    writer: StateWriter, files: ConsumerFiles, state: ConsumerState, sync: bool = True
) -> OSError | None:
    done: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
    sealed = files.seal(encode_consumer_state(state, 0), LAST)
    writer.write(files, sealed, state.ack_floor[1], sync, done.set_result)
    return await done


def make(config: FileConfig, name: str) -> ConsumerFiles:
    stored = StoredConsumer(name, {}, ConsumerState())
    now_s = asyncio.get_running_loop().time()
    return create_consumer(config, stored, 0, LAST, config.folder.parent / "new", now_s)


def states(config: FileConfig) -> dict[str, ConsumerState]:
    found = recover_consumers(config, Extent(LAST, lambda _: 1), 0)
    assert found.broken == {}
    assert [consumer.problems for consumer in found.consumers if consumer.problems] == []
    return {consumer.name: consumer.state for consumer in found.consumers}


def test_states_are_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = FileConfig("S", tmp_path / "S")
        config.folder.mkdir()
        writer = StateWriter(asyncio.get_running_loop())
        large = {seq: (seq, 10**9) for seq in range(1, 100_001)}
        expected = {
            "large": ConsumerState((0, 0), (100_000, 100_000), large),
            "né\nw": ConsumerState((7, 7), (7, 7)),
        }
        for name, state in expected.items():
            files = make(config, name)
            for sync in (True, False):
                before = ConsumerState((1, 1), (9, 9), {5: (5, 0)})
                assert await written(writer, files, before, sync) is None
                assert states(config)[name] == before
                assert await written(writer, files, state, sync) is None
            assert sorted(path.name for path in files.folder.iterdir()) == [
                "known.dat", "meta.inf", "meta.sum", "o.dat",
            ]  # fmt: skip
        assert states(config) == expected
        assert writer.busy == 0
        writer.close()

    asyncio.run(scenario())


def test_many_consumers_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = FileConfig("S", tmp_path / "S", sync_interval_s=10)
        config.folder.mkdir()
        writer = StateWriter(asyncio.get_running_loop())
        many = [make(config, f"c{number}") for number in range(40)]
        for place in (3, 9):
            state = ConsumerState((place, place), (place, place))
            errors = await asyncio.gather(*(written(writer, files, state) for files in many))
            assert errors == [None] * len(many)
            assert set(map(str, states(config).values())) == {str(state)}
        writer.close()

    asyncio.run(scenario())


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = FileConfig("S", tmp_path / "S")
        config.folder.mkdir()
        writer = StateWriter(asyncio.get_running_loop())
        files, gone = make(config, "c"), make(config, "gone")
        state = ConsumerState((3, 3), (3, 3))
        assert await written(writer, files, state) is None
        (files.folder / "o.dat.tmp").mkdir()
        error = await written(writer, files, ConsumerState())
        assert error is not None and error.errno == errno.EISDIR
        shutil.rmtree(gone.folder)
        error = await written(writer, gone, ConsumerState())
        assert error is not None and error.errno == errno.ENOENT
        assert states(config) == {"c": state}
        (files.folder / "o.dat.tmp").rmdir()
        assert await written(writer, files, ConsumerState((4, 4), (4, 4))) is None
        assert states(config) == {"c": ConsumerState((4, 4), (4, 4))}
        writer.close()

    asyncio.run(scenario())


def test_the_earlier_state_is_kept_now_and_then(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = FileConfig("S", tmp_path / "S")
        config.folder.mkdir()
        writer = StateWriter(asyncio.get_running_loop())
        files = make(config, "c")
        later = asyncio.get_running_loop().time() + PREVIOUS_AFTER_S
        assert files.next_write(5, later - 1) == (False, False)
        assert files.next_write(5, later) == (True, True)
        (found,) = recover_consumers(config, Extent(LAST, lambda _: 1), 0).consumers
        files = found.files
        # After a restart nobody knows what is in the earlier one.
        assert files.next_write(5, 0.0) == (True, True)
        assert await written(writer, files, ConsumerState((5, 5), (5, 5))) is None
        assert (files.folder / "o.prev").read_bytes() == (files.folder / "o.dat").read_bytes()
        assert await written(writer, files, ConsumerState((6, 6), (6, 6))) is None
        assert (files.folder / "o.prev").read_bytes() != (files.folder / "o.dat").read_bytes()
        assert await written(writer, files, ConsumerState((4, 4), (4, 4))) is None
        assert (files.folder / "o.prev").read_bytes() == (files.folder / "o.dat").read_bytes()
        assert states(config) == {"c": ConsumerState((4, 4), (4, 4))}
        writer.close()

    asyncio.run(scenario())


def plan(config: FileConfig, name: str, floor: int = 0) -> Plan:
    state = ConsumerState((floor, floor), (floor, floor))
    now_s = asyncio.get_running_loop().time()
    return planned(config, StoredConsumer(name, {}, state), 0, LAST, now_s, Disk())


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_threads_make_the_folder_that_a_disk_makes(tmp_path: Path) -> None:
    async def scenario() -> None:
        config, other = FileConfig("S", tmp_path / "S"), FileConfig("S", tmp_path / "T")
        writer = StateWriter(asyncio.get_running_loop())
        for one in (config, other):
            one.folder.mkdir()
            prepare_folder(one.folder, Disk())
        names = ["plain", "né\nw", *(f"c{number}" for number in range(30))]
        await asyncio.gather(
            *(writer.build(plan(config, name, 7), tmp_path / f"new{name}") for name in names)
        )
        for name in names:
            stored = StoredConsumer(name, {}, ConsumerState((7, 7), (7, 7)))
            create_consumer(other, stored, 0, LAST, tmp_path / "new", 0.0)
        assert everything(config.folder) == everything(other.folder)
        assert sorted(states(config)) == sorted(names)
        await asyncio.gather(
            *(
                writer.remove(plan(config, name).files, tmp_path / f"old{name}")
                for name in names[1:]
            )
        )
        assert list(states(config)) == ["plain"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["S", "T"]
        writer.close()

    asyncio.run(scenario())


def test_what_cannot_be_made_or_removed_leaves_what_was_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = FileConfig("S", tmp_path / "S")
        config.folder.mkdir()
        prepare_folder(config.folder, Disk())
        writer = StateWriter(asyncio.get_running_loop())
        await writer.build(plan(config, "c", 7), tmp_path / "new")
        before = everything(tmp_path)
        with pytest.raises(FileExistsError, match="in the way of 'c'"):
            await writer.build(plan(config, "c", 8), tmp_path / "new")
        with pytest.raises(FileNotFoundError):
            await writer.build(plan(config, "d"), tmp_path / "nowhere" / "new")
        with pytest.raises(FileNotFoundError):
            await writer.remove(plan(config, "d").files, tmp_path / "old")
        with pytest.raises(FileNotFoundError):
            await writer.remove(plan(config, "c").files, tmp_path / "nowhere" / "old")
        assert everything(tmp_path) == before
        writer.close()

    asyncio.run(scenario())
