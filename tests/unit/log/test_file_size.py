"""The size of log files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.log.sinks import FileSink


@pytest.mark.parametrize("at_once", [1, 7, 500])
def test_a_file_has_at_most_one_line_too_many(tmp_path: Path, at_once: int) -> None:
    path = tmp_path / "log"
    sink = FileSink(path, 1000, 0, lambda text, error: f"# {text}\n".encode())
    lines = [b"%04d %s\n" % (number, b"x" * (number % 90)) for number in range(500)]
    for begin in range(0, len(lines), at_once):
        sink.write(b"".join(lines[begin : begin + at_once]), "INF")
    sink.close()
    backups = sorted(tmp_path.glob("log.*"))
    assert len(backups) > 15
    assert all(1000 < file.stat().st_size <= 1100 for file in backups)
    assert path.stat().st_size <= 1000
    written = b"".join(file.read_bytes() for file in [*backups, path]).splitlines(keepends=True)
    assert [line for line in written if not line.startswith(b"#")] == lines
