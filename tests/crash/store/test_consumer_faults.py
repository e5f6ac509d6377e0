"""Consumers' folders on a failing disk: whichever operation fails, a refused change leaves the old
state, and nothing stands in the way of the next try."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.consumers.folder import (
    ConsumerFiles,
    StoredConsumer,
    create_consumer,
)
from pynats_server.jetstream.store.consumers.recovery import (
    Extent,
    RecoveredConsumer,
    recover_consumers,
)
from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    encode_consumer_state,
)
from pynats_server.jetstream.store.format.crypt import Keys

from tests.support.crashdisk import QuickDisk
from tests.support.faultdisk import FOR_GOOD, FailingDisk, Fault

EXTENT = Extent(1000, lambda _: 1)
OLD, NEW = (
    ConsumerState((3, 3), (5, 5), {4: (4, 10**9), 5: (5, 10**9)}),
    ConsumerState((5, 5), (5, 5)),
)
each_key = pytest.mark.parametrize("keys", [None, Keys("secret", "A")], ids=["plain", "sealed"])


def failing_at(at: int, lasting: bool) -> FailingDisk:
    """The nth operation that changes something fails; with `lasting`, all after it, too."""
    return FailingDisk(Fault("any", at, errno.EIO, FOR_GOOD if lasting else 0))


def make(config: FileConfig, disk: QuickDisk, version: int = 1) -> ConsumerFiles:
    stored = StoredConsumer("c", {"version": version}, OLD)
    return create_consumer(config, stored, 0, 1000, config.folder.parent / "new", 0.0, disk)


def found(config: FileConfig) -> RecoveredConsumer | None:
    recovery = recover_consumers(config, EXTENT, 0, QuickDisk())
    assert recovery.broken == {}
    for consumer in recovery.consumers:
        assert consumer.problems == []
    return recovery.consumers[0] if recovery.consumers else None


def failures(work: Callable[[FailingDisk], Any], lasting: bool = False) -> Iterator[OSError | None]:
    """`work` with each of its operations failing, and what it raised."""
    for at in range(1, 200):
        disk, error = failing_at(at, lasting), None
        try:
            work(disk)
        except OSError as raised:
            error = raised
        if disk.changed < at:
            assert at > 4
            return
        yield error


@each_key
@pytest.mark.parametrize("lasting", [False, True])
def test_a_failed_creation_leaves_nothing(scratch: Path, keys: Keys | None, lasting: bool) -> None:
    config = FileConfig("S", scratch / "S", keys=keys)
    config.folder.mkdir()
    for error in failures(lambda disk: make(config, disk), lasting):
        assert error is not None
        if found(config) is not None:
            # The folder could neither be synced nor moved back.
            assert lasting
            break
    else:
        assert found(config) is not None, "the last one did not fail"


@each_key
def test_a_failed_change_leaves_the_old_configuration(scratch: Path, keys: Keys | None) -> None:
    config = FileConfig("S", scratch / "S", keys=keys)
    files = make(config, QuickDisk())
    version = 1

    def change(disk: FailingDisk) -> None:
        files.disk = disk
        assert files.change({"version": version + 1}, 0) is None

    for error in failures(change):
        files.disk = QuickDisk()
        version += error is None
        consumer = found(config)
        assert consumer is not None
        assert consumer.config == {"version": version}


@each_key
def test_a_raised_change_is_undone(scratch: Path, keys: Keys | None) -> None:
    """Also when the disk fails for good in the middle of it: what could not be undone is returned,
    never raised."""
    config = FileConfig("S", scratch / "S", keys=keys)
    files = make(config, QuickDisk())

    def change(disk: FailingDisk) -> Exception | None:
        files.disk = disk
        return files.change({"version": 2}, 0)

    raised = returned = 0
    for at in range(1, 40):
        disk = failing_at(at, True)
        try:
            doubt = change(disk)
        except OSError:
            doubt, raised = None, raised + 1
            consumer = found(config)
            assert consumer is not None and consumer.config == {"version": 1}
        if doubt is not None:
            returned += 1
        files.disk = QuickDisk()
        assert files.change({"version": 1}, 0) is None
    assert raised and returned


@each_key
@pytest.mark.parametrize("lasting", [False, True])
def test_a_failed_removal_leaves_the_consumer(
    scratch: Path, keys: Keys | None, lasting: bool
) -> None:
    config = FileConfig("S", scratch / "S", keys=keys)
    for at in (1, 2):
        files = make(config, QuickDisk())
        files.disk = failing_at(at, lasting)
        doomed = scratch / f"old{at}"
        try:
            doubt = files.remove(doomed)
        except OSError:
            assert found(config) is not None
            files.disk = QuickDisk()
            files.remove(scratch / f"older{at}")
        else:
            assert (doubt is not None) == lasting
            assert found(config) is None


@each_key
@pytest.mark.parametrize("aside", [False, True], ids=["alone", "with the earlier state"])
@pytest.mark.parametrize("durable", [False, True])
def test_a_failed_write_leaves_the_old_or_the_new_state(
    scratch: Path, keys: Keys | None, aside: bool, durable: bool
) -> None:
    config = FileConfig("S", scratch / "S", keys=keys, sync_interval_s=0 if durable else 10)
    files = make(config, QuickDisk())
    at_s = 1000.0 if aside else 1.0
    assert files.next_write(5, at_s) == (aside, aside)

    def write(disk: FailingDisk) -> None:
        shutil.rmtree(files.folder)
        again = make(config, QuickDisk())
        again.disk = disk
        again.write(again.seal(encode_consumer_state(NEW, 0), 1000), 5, at_s, True)

    seen = []
    for error in failures(write):
        consumer = found(config)
        assert consumer is not None
        assert consumer.state in ((NEW,) if error is None else (OLD, NEW))
        seen.append(consumer.state == NEW)
        assert not list(files.folder.glob("*.tmp"))
    assert not seen[0] and seen[-1]


def test_names_that_are_none_are_refused(scratch: Path) -> None:
    config = FileConfig("S", scratch / "S")
    config.folder.mkdir()
    for name in ("", ".", "..", "a/b", "a\0b", "é" * 128):
        stored = StoredConsumer(name, {}, ConsumerState())
        with pytest.raises(OSError):
            create_consumer(config, stored, 0, 0, scratch / "new", 0.0, QuickDisk())
    assert list(scratch.rglob("*")) == [config.folder]
    for name in ("x" * 255, "é" * 127, "a\nb", "ü.x", "%"):
        stored = StoredConsumer(name, {}, ConsumerState())
        create_consumer(config, stored, 0, 0, scratch / "new", 0.0, QuickDisk())
    recovery = recover_consumers(config, EXTENT, 0)
    assert len(recovery.consumers) == 5 and recovery.broken == {}


def test_a_name_that_is_taken_keeps_what_it_has(scratch: Path) -> None:
    config = FileConfig("S", scratch / "S")
    make(config, QuickDisk())
    with pytest.raises(FileExistsError):
        make(config, QuickDisk(), version=2)
    consumer = found(config)
    assert consumer is not None and consumer.config == {"version": 1}
    assert not (scratch / "new").exists()
