"""The JetStream rows: selection, page, failures, and each kind of row, tiny."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_bench.compare import select_rows
from pynats_bench.contender import Contender, find_program
from pynats_bench.model import LoadError
from pynats_bench.report import OURS, REFERENCE, Outcome, markdown, rich_tables
from pynats_bench.rows import Heading, Row, Sample, Setting
from pynats_bench.streams.disk import WINDOWS, group_commit_rates
from pynats_bench.streams.publishing import JetStreamLoad, JetStreamSession, stored_messages
from pynats_bench.streams.rows import SECTION, Recovery, configuration, jetstream_rows

ROWS = jetstream_rows(0.001, Recovery(1000, 100))
# One of each way, storage and kind; the others differ in numbers only.
TRIED = (
    "jetstream-file-always-sync-128",
    "jetstream-file-2m-async-4096-subjects",
    "jetstream-file-default-batch100-128",
    "jetstream-memory-batch1000-128-subjects",
    "jetstream-ram-messages",
    "jetstream-ram-subjects",
    "jetstream-recovery",
    "jetstream-recovery-killed",
)


@pytest.fixture(scope="module", params=[OURS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def contender(request: pytest.FixtureRequest) -> Contender:
    return Contender(request.param, find_program(request.param))


def test_rows_are_selected_by_name_and_quick_leaves_the_heavy_out() -> None:
    names = [row.heading.name for row in select_rows(["jetstream-*-sync-128"], False)]
    assert names == [
        f"jetstream-{kind}-sync-128"
        for kind in ("file-always", "file-2m", "file-default", "memory")
    ]
    assert all(row.heading.section == SECTION for row in select_rows(["jetstream*"], False))
    quick = {row.heading.name for row in select_rows(None, True)}
    assert "jetstream-file-always-async-128" in quick
    assert not quick & {"jetstream-recovery", "jetstream-file-always-async-128-subjects"}
    everything = [row.heading.name for row in select_rows(None, False)]
    assert len(everything) == len(set(everything))


def test_the_recovered_stream_is_an_option() -> None:
    row = select_rows(["jetstream-recovery"], False, Recovery(10_000_000, 1024))[0]
    assert "10,000,000 messages of 1,024 B" in row.heading.title


def test_a_default_is_left_to_the_server(tmp_path: Path) -> None:
    assert "sync_interval" not in configuration(tmp_path, "")
    assert "sync_interval: always\n" in configuration(tmp_path, "always")


def test_the_page_has_a_second_table_with_the_disk() -> None:
    disk = (100.0, 6400.0, 20_000.0)
    stream = Outcome(
        Heading("jetstream-x", "a stream", "msg/s", section=SECTION),
        samples={OURS: [Sample(8.0, disk=disk)], REFERENCE: [Sample(4.0)]},
    )
    core = Outcome(Heading("x", "a row", "msg/s"), samples={OURS: [Sample(1.0)]})
    page = markdown([core, stream], "make it", [])
    before, after = page.split("## JetStream")
    assert "| a row |" in before and "| a stream |" not in before
    assert "| a stream | msg/s | 8.00 | 4.00 | 2.00 |" in after
    assert "| 100 / 6,400 / 20.0 k |" in after
    assert [table.title for table in rich_tables([core, stream])] == ["Side by side", "JetStream"]
    assert "## JetStream" not in markdown([core], "make it", [])


def test_the_disk_is_measured_at_every_window(tmp_path: Path) -> None:
    rates = group_commit_rates(tmp_path, 128, 0.003)
    assert len(rates) == len(WINDOWS) and min(rates) > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.heading.name in TRIED],
    ids=lambda row: row.heading.name,
)
def test_jetstream_row_takes_a_sample(row: Row, contender: Contender, tmp_path: Path) -> None:
    sample = row.sample(contender, Setting(seconds=0.002, store_folder=tmp_path))
    assert sample.value >= 0 and bool(sample.disk) is ("jetstream-file" in row.heading.name)
    assert not list(tmp_path.iterdir())


def test_every_tried_row_exists() -> None:
    assert set(TRIED) <= {row.heading.name for row in ROWS}


def test_a_server_without_jetstream_is_a_clear_failure(contender: Contender) -> None:
    with (
        Setting().start(contender) as server,
        pytest.raises(LoadError, match="the server has no JetStream"),
        JetStreamSession(server.endpoint, JetStreamLoad(3)),
    ):
        pass


def test_runs_purge_or_keep_and_the_stream_counts_agree(
    contender: Contender, tmp_path: Path
) -> None:
    config = tmp_path / "server.conf"
    config.write_text(configuration(tmp_path / "store", "2m"))
    with Setting().start(contender, config) as server:
        with JetStreamSession(server.endpoint, JetStreamLoad(9, 100, 1, 7)) as session:
            assert session.run(300).published == 300
            assert session.run(200).published == 200
            session.run(50, keep=True)
        assert stored_messages(server.endpoint) == 250
        with pytest.raises(LoadError, match=r"STREAM.CREATE.BENCH: .*10058"):
            JetStreamSession(server.endpoint, JetStreamLoad(9, storage="memory")).__enter__()
