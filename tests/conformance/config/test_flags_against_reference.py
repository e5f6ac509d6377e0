"""Command lines that end at once: same exit code and output as the real server's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pynats_common.go.flags import FlagError, read_flags
from pynats_server.process.flag_table import Flag
from pynats_server.process.flags import FLAGS, parse_command_line
from pynats_server.settings.top_level import TOP_LEVEL

from tests.support.process import run_reference
from tests.support.records import Recorded

USAGE = "<usage>"  # stands for the whole text in records
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
    ["--tls"],
    ["--tlsverify", "--tlskey", "missing.pem"],
    ["--tls", "--tlscert", "missing.pem"],
    ["--tlscert", "missing.pem", "--tlskey", "missing.pem"],
    ["--signal", f"bogus={NO_PROCESS}"],
    ["--signal", "stop=abc"],
    ["--signal=stop=12x"],
    ["-sl", "stop=1=2"],
    ["-sl", "stop=pidfile"],
]
Answer = tuple[int, str, str]  # exit code, output, complaints
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


def _reference(recorded: Recorded, folder: Path, args: list[str], part: str = "") -> Answer:
    def ask() -> dict[str, int | str]:
        done = run_reference(*args, folder=folder)
        stdout = done.stdout
        if args != ["-h"] and "Usage: nats-server" in stdout:
            stdout = USAGE
        if "--help_tls" in args:  # its list of ciphers is in random order
            stdout = "\n".join(sorted(stdout.splitlines()))
        return {"exit": done.returncode, "stdout": stdout, "stderr": done.stderr}

    answer = recorded.of(ask, part)
    return answer["exit"], answer["stdout"], answer["stderr"]


@pytest.mark.parametrize("args", SAME_OUTPUT, ids=" ".join)
def test_same_output(args: list[str], folder: Path, recorded: Recorded) -> None:
    code, stdout, stderr = _reference(recorded, folder, args)
    command = parse_command_line(args, "nats-server")
    assert (command.exit_code, command.stdout) == (code, stdout)
    # The real server leaves an empty line below lists of complaints.
    assert command.stderr.rstrip("\n") == stderr.rstrip("\n")


@pytest.mark.parametrize("args", BAD_FLAGS, ids=" ".join)
def test_a_wrong_flag_is_named_alone_with_a_pointer_to_the_help(
    args: list[str], folder: Path, recorded: Recorded
) -> None:
    """The real server says the same above 50 lines of usage, and exits as if all were well."""
    code, stdout, stderr = _reference(recorded, folder, args)
    assert (code, stdout) == (0, USAGE)
    command = parse_command_line(args, "nats-server")
    assert (command.exit_code, command.stdout) == (2, "")
    wrong = stderr.rstrip("\n")
    assert command.stderr == f"nats-server: {wrong}: see nats-server --help\n"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--prt", "port"),
        ("-jetstreem", "jetstream"),
        ("--Port=1", "port"),
        ("--log-size-limit", "log_size_limit"),
    ],
)
def test_a_mistyped_flag_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    said = parse_command_line([typed]).stderr
    assert said.endswith(f" (did you mean --{meant}?): see pynats-server --help\n")


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["help"], ["--help_tls"]], ids=" ".join)
def test_help(args: list[str], folder: Path, recorded: Recorded) -> None:
    code, stdout, stderr = _reference(recorded, folder, args)
    command = parse_command_line(args)
    assert (command.exit_code, command.stderr) == (code, stderr)
    assert command.stdout and stdout


def test_usage_shows_every_flag() -> None:
    ours = parse_command_line(["-h"]).stdout
    for flag in FLAGS:
        assert any(f"-{name}" in ours for name in flag.names), flag.names


def _is_ours_alone(flag: Flag) -> bool:
    setting = TOP_LEVEL.find_path(flag.path) if flag.path else None
    return setting is not None and setting.ours


def test_every_flag_exists_in_the_real_server(folder: Path, recorded: Recorded) -> None:
    values = {"bool": "=true", "int": "=1", "str": "=x"}
    theirs = [flag for flag in FLAGS if not _is_ours_alone(flag)]
    args = [f"-{name}{values[flag.kind]}" for flag in theirs for name in flag.names]
    quiet = [arg for arg in args if not arg.startswith(("-v", "-h", "-help", "-sl", "-signal"))]
    assert _reference(recorded, folder, [*quiet, "-v"], "all")[0] == 0
    wrong = sorted(f"-{name}=x" for flag in theirs if flag.kind == "bool" for name in flag.names)
    complaints = recorded.of(
        lambda: {arg: run_reference(arg, folder=folder).stderr.partition("\n")[0] for arg in wrong},
        "wrong",
    )
    assert list(complaints) == wrong
    for complaint in complaints.values():
        assert "invalid boolean value" in complaint


def test_flags_of_the_usage_of_the_real_server_are_known(folder: Path, recorded: Recorded) -> None:
    usage = _reference(recorded, folder, ["-h"])[1]
    names = set(re.findall(r"(?<![\w<-])--?([A-Za-z][\w]*)", usage.replace("(e.g.", "")))
    known = {name: flag.kind for flag in FLAGS for name in flag.names}
    assert len(names) > 40
    for name in names:
        try:
            read_flags(known, [f"-{name}=1"])
        except FlagError as error:  # pragma: no cover - the failure itself
            pytest.fail(str(error))
