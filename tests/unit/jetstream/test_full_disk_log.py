"""What a full disk takes back is not in the log of operations either."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.core.protocol.headers import build
from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.stream.apply import OutOfOrder, Replica
from pynats_server.jetstream.stream.log import OperationLog
from pynats_server.jetstream.stream.operations import Append, Configure, Leap, Remove
from pynats_server.jetstream.stream.state_hash import described

from tests.support.fulldisk import FullDisk

CONFIG = StreamConfig(
    name="S", subjects=["s.*"], max_msgs=40, max_msgs_per_subject=5, duplicate_window=1000
)


def replica_in(folder: Path, disk: Disk | None = None) -> Replica:
    errors: list[Exception] = []
    store = FileStore(FileConfig("S", folder, block_size=2000), disk=disk)
    made = Replica(store, Usage(-1), "S", errors.append)
    store.on_undo = made.undone
    return made


def message(number: int) -> Append:
    block = build(((b"Nats-Msg-Id", b"%d" % number),))
    return Append(b"s.%d" % (number % 9), block, b"x", number + 1, "sub" if number % 7 == 0 else "")


@pytest.mark.parametrize("unwritten", range(1, 12))
def test_a_log_has_nothing_of_what_a_full_disk_took_back(tmp_path: Path, unwritten: int) -> None:
    disk, log = FullDisk(), OperationLog()
    served = replica_in(tmp_path / "served", disk)
    served.log = log
    served.apply(Configure(CONFIG, 1))
    number = 0
    for _ in range(6):
        for _ in range(10):
            served.apply(message(number := number + 1))
        served.apply(Remove(number - 4))
        served.store.flush()
        for _ in range(unwritten):
            served.apply(message(number := number + 1))
        if unwritten % 2:
            served.apply(Leap(served.store.last_seq + 3, number + 1))
        last, disk.room = served.store.last_seq, 0
        with pytest.raises(StoreFull):
            served.store.flush()
        disk.room = None
        assert served.store.last_seq < last
    replica = replica_in(tmp_path / "replica")
    log.replay(replica)
    assert list(described(replica, number)) == list(described(served, number))
    replica.store.close()
    served.store.close()


def test_a_replica_takes_no_operation_out_of_order(tmp_path: Path) -> None:
    replica = replica_in(tmp_path)
    replica.apply(Configure(CONFIG, 1))
    replica.apply(Append(b"s.1", b"", b"x", 1, last=0))
    before = list(described(replica, 2))
    for last in (0, 2):
        with pytest.raises(OutOfOrder):
            replica.apply(Append(b"s.1", b"", b"x", 2, last=last))
    assert list(described(replica, 2)) == before
    replica.store.close()
