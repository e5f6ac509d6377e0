"""The cores that a process may keep busy, as its control groups say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.machine.cores import quotas

from tests.unit.machine.groups import laid_out


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        pytest.param("0::/\n", {"cpu.max": "50000 100000\n"}, [0.5], id="container"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, [], id="no limit"),
        pytest.param("0::/\n", {}, [], id="no files"),
        pytest.param(
            "0::/a/b\n",
            {"a/cpu.max": "150000 100000", "a/b/cpu.max": "400000 100000"},
            [4.0, 1.5],
            id="both groups",
        ),
        pytest.param(
            "5:cpuset:/c\n4:cpu,cpuacct:/c\n0::/\n",
            {"cpu/c/cpu.cfs_quota_us": "200000", "cpu/c/cpu.cfs_period_us": "100000"},
            [2.0],
            id="version 1",
        ),
        pytest.param(
            "4:cpu,cpuacct:/of/the/host\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            [],
            id="version 1, no limit",
        ),
    ],
)
def test_a_limit_of_the_control_group_counts(
    tmp_path: Path, group: str, files: dict[str, str], expected: list[float]
) -> None:
    assert quotas(*laid_out(tmp_path, group, files)) == expected


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert quotas(tmp_path / "none", tmp_path) == []
