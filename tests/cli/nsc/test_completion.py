"""Completion: the candidates at each place, and the scripts in the shells of this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Nsc = Callable[..., Any]


@pytest.fixture
def offered(nsc: Nsc) -> Callable[..., list[str]]:
    def ask(*words: str) -> list[str]:
        lines: list[str] = nsc("__complete", f"={words[-1]}", *words[:-1]).out.splitlines()
        return lines

    return ask


def test_commands_flags_and_names_are_offered(
    nsc: Nsc, offered: Callable[..., list[str]], home: Path
) -> None:
    nsc("add", "operator", "O")
    nsc("add", "account", "Alpha")
    nsc("add", "account", "Beta $(touch bad)")
    nsc("add", "user", "U", "-a", "Alpha")
    assert {"add", "push", "completion", "tool"} <= set(offered(""))
    assert offered("ge") == ["generate"]
    assert offered("completion", "") == ["bash", "fish", "powershell", "zsh"]
    assert offered("generate", "diagram", "") == ["component", "object"]
    assert "--allow-pubsub" in offered("add", "user", "--allow")
    assert offered("add", "user", "-a", "") == ["Alpha", "Beta $(touch bad)"]
    assert offered("describe", "user", "-a", "Alpha", "") == ["U"]
    assert offered("select", "operator", "") == ["O"]
    assert offered("add", "user", "--expiry", "") == []
    assert "--advertise" not in offered("add", "export", "--a")


def test_nothing_is_offered_from_an_empty_or_damaged_store(
    nsc: Nsc, offered: Callable[..., list[str]], home: Path
) -> None:
    assert offered("add", "user", "-a", "") == []
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    (home / ".config/nats/nsc/nsc.json").write_text("{")
    assert offered("select", "account", "") in ([], ["A"])


def test_bash_completes_and_evaluates_nothing(nsc: Nsc, home: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    nsc("add", "operator", "O")
    nsc("add", "account", "B $(touch bad)")
    nsc("add", "account", "Bee")
    script = nsc("completion", "bash").out + (
        f'pynsc() {{ "{sys.executable}" -m pynsc "$@"; }}\n'
        "COMP_WORDS=(pynsc describe account B); COMP_CWORD=3; _pynsc_complete\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
        'COMP_WORDS=(pynsc ""); COMP_CWORD=1; _pynsc_complete\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["B\\ \\$\\(touch\\ bad\\)", "Bee"] and "generate" in lines[2:]
    assert not (home / "bad").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid(shell: str, nsc: Nsc, home: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    path = home / "script"
    path.write_text(nsc("completion", shell).out)
    subprocess.run([program, "-n", str(path)], check=True, timeout=30)


def test_powershell_registers_a_completer(nsc: Nsc) -> None:
    assert "Register-ArgumentCompleter -Native -CommandName pynsc" in nsc(
        "completion", "powershell").out  # fmt: skip
