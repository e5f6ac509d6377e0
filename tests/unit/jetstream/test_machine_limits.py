"""JetStream's default limits."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from pynats_server.jetstream.capacity import resolve
from pynats_server.machine import memory
from pynats_server.options import JetStreamOptions

MIB = 1 << 20


def test_what_streams_hold_already_does_not_lower_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = tmp_path / "jetstream" / "$G" / "streams" / "S" / "msgs"
    blocks.mkdir(parents=True)
    (tmp_path / "of_others").write_bytes(bytes(MIB))
    for number in range(4):
        with (blocks / f"{number}.blk").open("wb") as out:
            out.write(os.urandom(MIB))
            out.flush()
            os.fsync(out.fileno())  # before that, it has no blocks
    disk = SimpleNamespace(f_bavail=1, f_frsize=MIB)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    held = sum(path.stat().st_blocks * 512 for path in blocks.iterdir())
    assert held >= 4 * MIB
    found = resolve(JetStreamOptions(), tmp_path).max_file
    assert found == (held + MIB) // 4 * 3


def test_a_configured_limit_stands(tmp_path: Path) -> None:
    assert resolve(JetStreamOptions(max_file=5), tmp_path).max_file == 5
    assert resolve(JetStreamOptions(max_memory=7), tmp_path).max_memory == 7


def test_streams_in_memory_get_a_share_of_the_smallest_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "limits", lambda: [400 * MIB, 1 << 60])
    assert resolve(JetStreamOptions(), tmp_path).max_memory == 300 * MIB
