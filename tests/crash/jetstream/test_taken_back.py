"""What a full disk takes back leaves no trace: not in the messages, ids, schedules, places or
limits, not in the log of operations, and not after a restart."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pynats_server.core.protocol.headers import build
from pynats_server.jetstream.config.model import StreamConfig, StreamSource
from pynats_server.jetstream.publish.batch.staging import MessagePack
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.stream.apply import Replica
from pynats_server.jetstream.stream.copying.names import header_value, identity, name_of
from pynats_server.jetstream.stream.log import OperationLog
from pynats_server.jetstream.stream.operations import (
    Append,
    AppendBatch,
    Configure,
    Operation,
    Skip,
)
from pynats_server.jetstream.stream.state_hash import described

from tests.support.crashdisk import QuickDisk
from tests.support.fulldisk import FullDisk
from tests.support.fuzzing import examples

TURNS = 60
BLOCK = 1500
SOURCE = StreamSource(name="O")
LIMITS = {
    "none": {},
    "per subject": {"max_msgs_per_subject": 2},
    "messages": {"max_msgs": 12},
    "bytes": {"max_bytes": 900, "max_msgs_per_subject": 3},
}


class QuickFullDisk(FullDisk, QuickDisk):
    """Without syncing."""


def config(limits: str) -> StreamConfig:
    return StreamConfig(
        name="S", subjects=["s.>"], duplicate_window=10**6, allow_rollup_hdrs=True,
        allow_msg_schedules=True, allow_msg_ttl=True, sources=[SOURCE], **LIMITS[limits],
    )  # fmt: skip


def replica_in(folder: Path, disk: Disk, log: OperationLog | None = None) -> Replica:
    failures: list[Exception] = []
    store = FileStore(FileConfig("S", folder, block_size=BLOCK), disk=disk)
    made = Replica(store, Usage(-1), "S", failures.append)
    store.on_undo = made.undone
    if log is not None:
        made.log = log
    return made


@dataclass
class Traffic:
    """Random operations, as the checks would pass them."""

    chance: random.Random
    number: int = 0
    scheduled: set[bytes] = field(default_factory=set)

    def operation(self) -> Operation:
        self.number += 1
        kind = self.chance.randrange(11)
        if kind == 0:
            return self.batch()
        if kind == 1:
            headers, ends = self.ending()
            rollup = self.chance.choice(("", "sub", "all"))
            return Skip(self.subject(), headers, self.number, rollup, ends)
        return self.append()

    def subject(self) -> bytes:
        return b"s.%d" % self.chance.randrange(5)

    def body(self) -> bytes:
        return b"%d " % self.number + b"x" * self.chance.randrange(120)

    def append(self) -> Append:
        match self.chance.randrange(6):
            case 0:
                subject = b"s.at.%d" % self.chance.randrange(3)
                block = build(((b"Nats-Schedule", b"@every 1s"), (b"Nats-Rollup", b"sub")))
                return Append(subject, block, self.body(), self.number, "sub")
            case 1:
                headers, ends = self.ending()
                return Append(self.subject(), headers, self.body(), self.number, "", ends)
            case 2:
                rollup = self.chance.choice(("sub", "all"))
                return Append(self.subject(), b"", self.body(), self.number, rollup)
            case 3:
                value = header_value(name_of(SOURCE), self.number, b"o", identity(7))
                block = build(((b"Nats-Stream-Source", value),))
                return Append(self.subject(), block, self.body(), self.number)
            case 4:
                block = build(((b"Nats-TTL", b"100s"),))
                return Append(self.subject(), block, self.body(), self.number)
        block = build(((b"Nats-Msg-Id", b"%d" % self.number),))
        return Append(self.subject(), block, self.body(), self.number)

    def ending(self) -> tuple[bytes, bytes]:
        """Headers of a message that a schedule has published, and the schedule if it ends."""
        subject = b"s.at.%d" % self.chance.randrange(3)
        ends = self.chance.randrange(2) == 0
        following = b"purge" if ends else b"2030-01-01T00:00:%02dZ" % (self.number % 60)
        block = build(((b"Nats-Scheduler", subject), (b"Nats-Schedule-Next", following)))
        return block, subject if ends else b""

    def batch(self) -> AppendBatch:
        pack, rollups = MessagePack(), []
        for place in range(self.chance.randrange(1, 5)):
            block = build(((b"Nats-Msg-Id", b"%d.%d" % (self.number, place)),))
            pack.add(self.subject(), block, self.body(), self.chance.randrange(5) == 0)
            if self.chance.randrange(4) == 0:
                rollups.append((place, self.subject()))
        return AppendBatch(pack, self.number, tuple(rollups))


def turns(chance: random.Random, disk: FullDisk, served: Replica) -> Iterator[bool]:
    """Some operations and a write each; whether it was refused."""
    traffic = Traffic(chance)
    for _ in range(TURNS):
        full = chance.randrange(2) == 0
        disk.room = chance.randrange(1200) if full else None
        refused = False
        for _ in range(chance.randrange(1, 9)):
            try:
                served.apply(traffic.operation())
            except StoreFull:
                refused = True
        try:
            served.store.flush()
        except StoreFull:
            refused = True
        assert full or not refused
        disk.room = None
        yield refused


def kept(state: list[bytes]) -> list[bytes]:
    """What a restart brings back; the times of schedules depend on messages that may be gone."""
    found = []
    for line in state:
        kind = line.split(b" ", 1)[0]
        if kind == b"schedule":
            line = b" ".join(line.split(b" ")[2:])
        if kind in (b"stream", b"message", b"deleted", b"schedule"):
            found.append(line)
    return sorted(found)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("seed", range(examples(3)))
def test_what_a_full_disk_takes_back_leaves_no_trace(
    tmp_path: Path, limits: str, seed: int
) -> None:
    disk, log, chance = QuickFullDisk(), OperationLog(), random.Random(seed)
    served = replica_in(tmp_path / "served", disk, log)
    served.apply(Configure(config(limits), 1))
    refusals = 0
    for turn, refused in enumerate(turns(chance, disk, served)):
        refusals += refused
        state = list(described(served, turn))
        replica = replica_in(tmp_path / "replica", QuickDisk())
        log.replay(replica)
        assert state == list(described(replica, turn)), turn
        replica.store.close()
        shutil.rmtree(tmp_path / "replica")
        shutil.copytree(tmp_path / "served", tmp_path / "killed")
        killed = replica_in(tmp_path / "killed", QuickDisk())
        killed.apply(Configure(config(limits), 1))
        killed.admission.recover(0)
        assert kept(state) == kept(list(described(killed, turn))), turn
        killed.store.close()
        shutil.rmtree(tmp_path / "killed")
    assert refusals > 5
    served.store.close()
