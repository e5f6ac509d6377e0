"""The bench of pauses: what it measures is what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pynats_bench.contender import Contender, find_program
from pynats_bench.model import LoadError
from pynats_bench.pauses.__main__ import main, select
from pynats_bench.pauses.bomb import UNPACKED_BYTES, s2_bomb
from pynats_bench.pauses.cases import CASES
from pynats_bench.pauses.probe import Figures, Probe, figures
from pynats_bench.pauses.stream_cases import fill
from pynats_bench.pauses.world import World
from pynats_common.s2 import decode_stream


def test_percentiles_are_those_of_the_latencies() -> None:
    assert figures([n / 1000 for n in range(1000, 0, -1)]) == Figures(1000, 501, 991, 1000, 1000)
    assert figures([0.5]) == Figures(1, 500, 500, 500, 500)


def test_case_names_are_unique_and_groups_are_together() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    groups = [case.group for case in CASES]
    assert all(groups.index(g) + groups.count(g) > at for at, g in enumerate(groups))


def test_a_selection_brings_what_prepares_its_group() -> None:
    assert [case.name for case in select(["info-deleted"])] == ["fill-memory", "info-deleted"]
    with pytest.raises(LoadError, match="no case named 'nothing'"):
        select(["nothing"])


def test_the_bomb_is_small_and_unpacks_to_what_it_says() -> None:
    assert len(s2_bomb(1024)) < 32_000
    assert decode_stream(s2_bomb(1), UNPACKED_BYTES) == bytes(UNPACKED_BYTES)


def test_the_tenant_and_the_probe_do_what_they_say(tmp_path: Path) -> None:
    world = World(Contender("ours", find_program("pynats-server")), 300, 30.0, tmp_path)
    with world, Probe(world.running.endpoint, "publish") as probe:
        fill(world, "S")
        info = json.loads(world.tenant.ask("$JS.API.STREAM.INFO.S"))
        assert (info["state"]["messages"], info["state"]["num_subjects"]) == (300, 300)
        assert probe.end().count > 0


def test_the_command_measures_both_servers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    ours = str(find_program("pynats-server")[0])
    only = ["--only", "backup", "--size", "500", "--store", str(tmp_path)]
    code = main([*only, "--ours", ours, "--reference", ours, "--output", str(page)])
    assert code == 0, capsys.readouterr()
    rows = [line for line in page.read_text().splitlines() if line.startswith("| SNAPSHOT")]
    assert len(rows) == 2
