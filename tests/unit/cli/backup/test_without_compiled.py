"""Where nothing is compiled: a command that needs what is missing says so in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pynats_cli.app import main
from pynats_common import s2

NOTE = "needs the compiled module pynats_common.s2, which is not there"


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynats_common.s2", None)


def test_the_command_and_what_it_needs_are_named(
    nothing_compiled: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "backup.json").write_text('{"config":{"name":"S"},"state":{}}')
    (tmp_path / "stream.arc.s2").write_bytes(s2.encode_stream(b"NATSARC1\0\0\0\0\0"))
    monkeypatch.setattr(sys, "argv", ["pynats", "backup", "validate", str(tmp_path)])
    assert main() == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"pynats: error: pynats backup validate {NOTE}"


def test_others_do_not_need_it(
    nothing_compiled: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pynats", "backup", "stream", "--help"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("Usage: pynats backup stream")
