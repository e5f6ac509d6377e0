"""What all four programs have in common: the version, wrong flags, Ctrl-C, output that is full."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pynats_common.commandline.suggest import closest
from pynats_common.program.version import RELEASE

from tests.support.deadline import PATIENCE_S

ENTRIES = {
    "pynats-server": "pynats_server.entry",
    "pynats": "pynats_cli.entry",
    "pynsc": "pynsc.entry",
    "pynk": "pynk.entry",
}
PROGRAMS = list(ENTRIES)
ROOT = Path(__file__).parents[2]
NOTHING_LEFT = Path("/dev/full")


def python(program: str, before: str = "") -> list[str]:
    """The program as its console script runs it, after the statements `before`."""
    script = f"import sys; sys.argv[0] = {program!r}; {before}\n"
    return [sys.executable, "-c", f"{script}from {ENTRIES[program]} import main; main()"]


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if "NATS" not in key}
    environment |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), **more}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, cwd=folder,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_version_has_one_shape(program: str, tmp_path: Path) -> None:
    done = run([*python(program), "--version"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        rf"{program}: v\d+\.\d+\.\d+ \(PyNATS {re.escape(RELEASE)}\)\n", done.stdout
    )


def test_the_release_is_that_of_the_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert f'\nversion = "{RELEASE}"\n' in text


WRONG_FLAGS = [
    ("pynats-server", ["--prt", "4222"], "--port"),
    ("pynats-server", ["--bogus"], ""),
    ("pynats", ["--servr", "x", "rtt"], "--server"),
    ("pynats", ["pub", "a", "b", "--cuont", "3"], "--count"),
    ("pynats", ["--bogus"], ""),
    ("pynsc", ["--interactiv"], "--interactive"),
    ("pynsc", ["add", "account", "--nme", "x"], "--name"),
    ("pynsc", ["--bogus"], ""),
    ("pynk", ["-pubot"], "-pubout"),
    ("pynk", ["--bogus"], ""),
]


@pytest.mark.parametrize(("program", "arguments", "meant"), WRONG_FLAGS)
def test_a_wrong_flag_is_one_line_with_the_nearest_flag_and_the_way_to_the_help(
    program: str, arguments: list[str], meant: str, tmp_path: Path
) -> None:
    done = run([*python(program), *arguments], tmp_path)
    assert done.returncode in (1, 2)
    (line,) = (done.stdout + done.stderr).splitlines()
    assert re.search(rf"see {program}( add account| publish| rtt)? --help$", line)
    assert ("(did you mean " in line) == bool(meant)
    if meant:
        assert f"(did you mean {meant}?)" in line


WRONG_COMMANDS = [
    ("pynats-server", ["versoin"], "version"),
    ("pynats", ["pubb", "a"], "pub"),
    ("pynats", ["context", "lss"], "ls"),
    ("pynats", ["strem", "ls"], "stream"),
    ("pynsc", ["adds", "account"], "add"),
    ("pynsc", ["add", "acount"], "account"),
]


@pytest.mark.parametrize(("program", "arguments", "meant"), WRONG_COMMANDS)
def test_a_wrong_command_is_answered_with_the_nearest(
    program: str, arguments: list[str], meant: str, tmp_path: Path
) -> None:
    done = run([*python(program), *arguments], tmp_path)
    assert done.returncode == 1
    assert re.search(rf"\(did you mean ['\"]{meant}['\"]\?\)", done.stderr)


@pytest.mark.parametrize(
    ("word", "name"),
    [("prot", "port"), ("PORTS", "port"), ("port", ""), ("zzz", ""), ("p" * 100_000, "")],
)
def test_only_near_names_are_suggested(word: str, name: str) -> None:
    assert closest(word, ["host", "port"]) == name


@pytest.mark.skipif(not NOTHING_LEFT.exists(), reason="/dev/full is needed")
@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("pynats-server", ["--version"]),
        ("pynats-server", ["--help"]),
        ("pynats", ["--version"]),
        ("pynats", ["--help"]),
        ("pynats", ["context", "ls"]),
        ("pynats", ["schema", "ls"]),  # more than fits into the buffer
        ("pynats", ["rtt", "-s", "127.0.0.1:1"]),
        ("pynsc", ["--help"]),
        ("pynsc", ["env"]),
        ("pynsc", ["list", "operators"]),
        ("pynk", ["-gen", "user"]),
        ("pynk", ["--bogus"]),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    program: str, arguments: list[str], buffered: str, tmp_path: Path
) -> None:
    redirect = ["sh", "-c", 'exec "$@" > /dev/full', "sh"]
    done = run([*redirect, *python(program), *arguments], tmp_path, PYTHONUNBUFFERED=buffered)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"{program}: ")
    what = "" if buffered else "cannot write standard output: "  # nothing is left that tells
    assert done.stderr.endswith(f"{what}no space left on device\n")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_next_to_nothing_is_loaded_before_ctrl_c_is_taken_care_of(program: str) -> None:
    roots = [
        str(ROOT / each) for each in ("common", "server", "tools/nats_cli", "tools/nsc", "tools/nk")
    ]
    script = (
        f"import sys; sys.path[:0] = {roots!r}; before = set(sys.modules); import signal; "
        f"import {ENTRIES[program]}; print(len(set(sys.modules) - before), 'typing' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True
    )
    loaded, typing = done.stdout.split()
    assert int(loaded) < 26  # most of them for `signal`
    assert typing == "False"


# Ctrl-C when the program imports its module number N: N sweeps over the whole start.
CTRL_C = """
import os, signal

class Importing:
    count = 0

    def find_spec(self, name, *_):
        self.count += "pynats_common.program.running" in sys.modules
        if self.count == {number}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Importing())
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
STARTS = {
    "pynats-server": ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", "store"],
    "pynats": ["rtt", "-s", "127.0.0.1:1"],
    "pynsc": ["list", "operators"],
    "pynk": ["-gen", "user"],
}


NUMBERS = (1, 2, 5, 11, 23, 47, 90, 180)
FEWER = {"pynk": 80, "pynsc": 150}  # modules that these import, about


@pytest.mark.parametrize(
    ("program", "number"),
    [(name, n) for name in PROGRAMS for n in NUMBERS if n < FEWER.get(name, 1000)],
)
def test_ctrl_c_while_a_program_starts_is_no_traceback(
    program: str, number: int, tmp_path: Path
) -> None:
    before = CTRL_C.format(number=number)
    done = run([*python(program, before), *STARTS[program]], tmp_path)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if "Trapped" in done.stderr:  # the server was far enough to stop in order
        assert done.returncode == 0
    else:
        assert done.returncode in (-signal.SIGINT, 130)  # shells show both as 130
