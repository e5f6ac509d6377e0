"""JetStream's default limits."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from pynats_server.jetstream import capacity
from pynats_server.jetstream.capacity import memory_limits, resolve
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


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        pytest.param("0::/\n", {"memory.max": "1000\n"}, [1000], id="container"),
        pytest.param("0::/\n", {"memory.max": "max\n"}, [], id="no limit"),
        pytest.param("0::/\n", {}, [], id="no files"),
        pytest.param(
            "0::/\n", {"memory.high": "800", "memory.max": "1000"}, [800, 1000], id="slowed down"
        ),
        pytest.param(
            "0::/pod/container\n",
            {"pod/memory.max": "1000", "pod/container/memory.max": "max", "memory.max": "9000"},
            [1000, 9000],
            id="of a group above",
        ),
        pytest.param("0::/pod\n", {"other/memory.max": "10"}, [], id="of others"),
        pytest.param(
            "5:cpu:/c\n4:memory:/c\n0::/\n",
            {"memory/c/memory.limit_in_bytes": "2000\n", "cpu/c/memory.limit_in_bytes": "3"},
            [2000],
            id="version 1",
        ),
        pytest.param(
            "4:memory:/docker/of/the/host\n",
            {"memory/memory.limit_in_bytes": "3000"},
            [3000],
            id="version 1, only the container's own",
        ),
    ],
)
def test_memory_limits_of_control_groups(
    tmp_path: Path, group: str, files: dict[str, str], expected: list[int]
) -> None:
    hierarchy = tmp_path / "hierarchy"
    for name, text in files.items():
        (hierarchy / name).parent.mkdir(parents=True, exist_ok=True)
        (hierarchy / name).write_text(text)
    groups = tmp_path / "cgroup"
    groups.write_text(group)
    assert memory_limits(groups, hierarchy) == expected


def test_streams_in_memory_get_a_share_of_the_smallest_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "memory_limits", lambda: [400 * MIB, 1 << 60])
    assert resolve(JetStreamOptions(), tmp_path).max_memory == 300 * MIB
