"""The memory that a process may use, as its control groups say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.machine.memory import limits

from tests.unit.machine.groups import laid_out


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
    assert limits(*laid_out(tmp_path, group, files)) == expected
