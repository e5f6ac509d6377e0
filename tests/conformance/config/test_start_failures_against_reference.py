"""Servers that cannot start: client libraries look for the real server's words in their output."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.deadline import PATIENCE_S
from tests.support.process import PYNATS, run_reference, server_command
from tests.support.records import Recorded

ANY_PORT = ("-a", "127.0.0.1", "-p", "-1")
UNUSABLE_STORES = ("file", "file/below", "with_file", "dangling", "x" * 300, "/proc/x", "/dev/null")
UNUSABLE_LOGS = (
    ["-l", "nope/x.log"],
    ["-l", "folder"],
    ["-r", "tcp://127.0.0.1:1"],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "with_file").mkdir()
    (tmp_path / "with_file/jetstream").touch()
    (tmp_path / "dangling").symlink_to("/nonexistent/x")
    (tmp_path / "cut.conf").write_text("port: {\n")
    (tmp_path / "includes.conf").write_text("include 'cut.conf'\n")
    return tmp_path


def last_line(output: str) -> str:
    """Without time and program."""
    lines = [line for line in output.split("\n") if line]
    return re.sub(r"^\[\d+\] \S+ \S+ |^\S+ \d\d:\d\d:\d\d |^\S+: ", "", lines[-1])


def theirs(recorded: Recorded, folder: Path, args: Iterable[str]) -> tuple[int, str]:
    def ask() -> dict[str, int | str]:
        done = run_reference(*args, folder=folder)
        return {"exit": done.returncode, "last": last_line(done.stderr)}

    answer = recorded.of(ask)
    return answer["exit"], answer["last"]


def ours(
    folder: Path, args: Iterable[str], environ: dict[str, str] | None = None
) -> tuple[int, str]:
    done = subprocess.run(
        [*server_command(PYNATS), *args], cwd=folder, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, env=os.environ | (environ or {}),
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, last_line(done.stderr)


@pytest.mark.parametrize("store", UNUSABLE_STORES)
def test_an_unusable_store_folder_is_refused_in_the_words_of_the_real_server(
    store: str, folder: Path, recorded: Recorded
) -> None:
    args = (*ANY_PORT, "-js", "-sd", store)
    code, words = theirs(recorded, folder, args)
    our_code, our_words = ours(folder, args)
    assert our_code == code == 1
    assert our_words.startswith(words)
    assert store.split("/", maxsplit=1)[0] in our_words  # ours names the place, too


@pytest.mark.parametrize("args", UNUSABLE_LOGS, ids=" ".join)
def test_an_unusable_log_is_refused_in_the_words_of_the_real_server(
    args: list[str], folder: Path, recorded: Recorded
) -> None:
    code, words = theirs(recorded, folder, (*ANY_PORT, *args))
    our_code, our_words = ours(folder, (*ANY_PORT, *args))
    assert our_code == code == 1
    assert our_words == words


@pytest.mark.parametrize("file", ["cut.conf", "includes.conf"])
def test_a_file_that_is_no_configuration_is_a_parse_error(
    file: str, folder: Path, recorded: Recorded
) -> None:
    code, words = theirs(recorded, folder, ("-c", file))
    our_code, our_words = ours(folder, ("-c", file))
    assert our_code == code == 1
    assert "Parse error" in words
    assert "cut.conf:2:1: Parse error: Unexpected EOF" in our_words


def test_toml_that_is_none_is_a_parse_error(folder: Path) -> None:
    (folder / "a.toml").write_text("port = \n")
    code, words = ours(folder, ("-c", "a.toml"))
    assert code == 1
    assert words.startswith("a.toml:1:8: Parse error: ")
