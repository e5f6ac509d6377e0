"""Completion scripts: for each program and shell, and what shells make of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pynats_packaging.completions import completion_files
from pynats_packaging.programs import flag_programs

PROGRAMS = ("pynats", "pynats-server", "pynats-top", "pynk", "pynsc")
FILES = completion_files()


def test_every_program_has_one_for_each_shell() -> None:
    assert set(FILES) == {
        name
        for program in PROGRAMS
        for name in (f"bash/{program}", f"zsh/_{program}", f"fish/{program}.fish")
    }


def test_every_flag_is_in_every_script() -> None:
    for program in flag_programs():
        for flag in program.all_flags:
            for name in flag.names:
                bare = name.lstrip("-")
                assert f" {name} " in FILES[f"bash/{program.name}"].replace("'", " ")
                assert name in FILES[f"zsh/_{program.name}"]
                fish = FILES[f"fish/{program.name}.fish"]
                assert any(f" -{kind} {bare} " in fish for kind in "slo"), name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_read_the_scripts(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    for name, text in FILES.items():
        if name.startswith(shell):
            path = tmp_path / "script"
            path.write_text(text)
            subprocess.run([program, "-n", str(path)], check=True, timeout=30)


def offered(tmp_path: Path, *lines: str) -> list[list[str]]:
    """What bash offers for each line, whose last word is being written."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = "compopt() { :; }\n"
    for line in lines:
        words = line.split(" ")
        program = words[0]
        function = f"_{program.replace('-', '_')}_complete"
        quoted = " ".join(f"'{word}'" for word in words)
        script += FILES[f"bash/{program}"] + f"COMP_WORDS=({quoted})\nCOMP_CWORD={len(words) - 1}\n"
        script += f'{function}\nprintf "%s\\n" "${{COMPREPLY[@]}}"; echo =\n'
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert done.stderr == ""
    return [answer.split("\n")[:-1] for answer in done.stdout.removesuffix("=\n").split("=\n")]


def test_bash_offers_flags_values_files_and_commands(tmp_path: Path) -> None:
    (tmp_path / "my server.conf").touch()
    (tmp_path / "mine").mkdir()
    answers = offered(
        tmp_path,
        "pynats-server --http",
        "pynats-server --config m",
        "pynats-server -config = my",
        "pynats-server -sd m",
        "pynats-server -p ",
        "pynats-server --signal re",
        "pynats-server ",
        "pynats-server store ",
        "pynats-server store check --s",
        "pynats-server store check m",
        "pynk -gen ac",
        "pynk -sign my",
        "pynats-top -view s",
        "pynats-top -so",
    )
    assert [sorted(answer) for answer in answers] == [
        ["--http_port", "--http_ui", "--https_port"],
        ["mine", "my server.conf"],
        ["my server.conf"],
        ["mine"],
        [""],
        ["reload", "reopen"],
        ["help", "store", "version"],
        ["acknowledge-loss", "check", "restore-quarantined"],
        ["--stream"],
        ["mine"],
        ["account"],
        ["my server.conf"],
        ["servers", "slow", "streams"],
        ["-sort"],
    ]


def test_fish_offers_the_same(tmp_path: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("no fish here")
    for name, text in FILES.items():
        if name.startswith("fish/"):
            (tmp_path / Path(name).name).write_text(text)
    script = "for f in *.fish; source $f; end\n"
    lines = {
        "pynats-server --http": ["--http_port", "--http_ui", "--https_port"],
        "pynats-server --signal re": ["reload", "reopen"],
        "pynats-server store ": ["acknowledge-loss", "check", "restore-quarantined"],
        "pynats-server store check --st": ["--stream"],
        "pynk -gen ac": ["account"],
        "pynats-top -view s": ["servers", "slow", "streams"],
    }
    for line in lines:
        script += f"complete -C '{line}'; echo =\n"
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [fish, "--no-config", "-c", script],
        cwd=tmp_path, env=home, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    answers = done.stdout.removesuffix("=\n").split("=\n")
    found = [sorted(row.split("\t")[0] for row in text.splitlines()) for text in answers]
    assert found == list(lines.values())
