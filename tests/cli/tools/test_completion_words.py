"""Completion of our command lines: contexts of the machine, names of the server, shells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

STREAM = {"subjects": [], "retention": "limits", "max_consumers": -1, "max_msgs": -1,
          "max_bytes": -1, "max_age": 0, "storage": "memory", "num_replicas": 1}  # fmt: skip


def offered(cli: Cli, *words: str, **environment: str) -> list[str]:
    done = cli.run("__complete", f"={words[-1]}", *words[:-1], **environment)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_without_a_server(lone_cli: Cli) -> None:
    assert {"publish", "service", "schema", "completion"} <= set(offered(lone_cli, ""))
    assert "plugins" not in offered(lone_cli, "")  # hidden
    assert offered(lone_cli, "schema", "") == ["info", "request", "search", "validate"]
    assert offered(lone_cli, "completion", "z") == ["zsh"]
    assert offered(lone_cli, "--colors", "b") == ["blue"]
    assert offered(lone_cli, "--colors=b") == ["--colors=blue"]
    assert offered(lone_cli, "schema", "info", "io.nats.micro.v1.p") == [
        "io.nats.micro.v1.ping_response"
    ]
    assert "kv" in offered(lone_cli, "cheat", "")
    assert "--js-domain" in offered(lone_cli, "--js")
    assert offered(lone_cli, "errors", "ls", "x", "") == ["code", "description", "http"]
    assert offered(lone_cli, "schema", "ls", "--output", "j") == ["json", "jsonl"]
    assert offered(lone_cli, "nope", "") == []


def test_contexts_are_offered(lone_cli: Cli) -> None:
    for name in ("here", "there"):
        lone_cli.run("context", "add", name, "--server", "127.0.0.1:1")
    assert offered(lone_cli, "--context", "") == ["here", "there"]
    assert offered(lone_cli, "--context=t") == ["--context=there"]
    assert offered(lone_cli, "context", "select", "h") == ["here"]
    assert offered(lone_cli, "context", "add", "") == []
    assert offered(lone_cli, "bench", "compare", "") == ["here", "there"]
    assert offered(lone_cli, "bench", "compare", "here", "t") == ["there"]
    assert offered(lone_cli, "bench", "compare", "here", "there", "") == []


def test_names_of_the_server_are_offered(stream_cli: Cli) -> None:
    for name in ("ONE", "KV_BUCKET", "OBJ_FILES"):
        body = json.dumps({**STREAM, "name": name, "subjects": [f"{name}.>"]})
        stream_cli.run("schema", "req", f"$JS.API.STREAM.CREATE.{name}", body)
    assert set(offered(stream_cli, "sub", "--stream", "")) >= {"ONE", "KV_BUCKET"}
    assert "BUCKET" in offered(stream_cli, "bench", "kv", "get", "--bucket", "")
    serving = stream_cli.start("service", "serve", "calc")
    serving.wait_for("Requests Log")
    assert offered(stream_cli, "service", "info", "") == ["calc"]


def test_a_dead_server_has_no_names_and_makes_no_noise(lone_cli: Cli) -> None:
    dead = "nats://127.0.0.1:1"
    assert offered(lone_cli, "service", "info", "", NATS_URL=dead) == []
    assert offered(lone_cli, "--context", "nope", "service", "info", "") == []
    assert offered(lone_cli, "--timeout", "x", "service", "info", "") == []


def test_the_original_s_flags_are_known(lone_cli: Cli) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = lone_cli.run(f"--completion-script-{shell}")
        assert script.code == 0 and script.out == lone_cli.run("completion", shell).out
    assert lone_cli.run("--completion-script-none").code == 1
    assert lone_cli.run("--completion-bash", "schema", "inf").out == "info\n"
    told = json.loads(lone_cli.run("--server", "x", "--fisk-introspect").out)
    assert told["name"] == "pynats" and "kv" in told["cheats"]
    names = {command["name"] for command in told["commands"]}
    assert {"publish", "service", "errors", "schema", "trace"} <= names


def test_bash_completes(lone_cli: Cli, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = lone_cli.run("completion", "bash").out + (
        f'pynats() {{ "{sys.executable}" -m pynats_cli "$@"; }}\n'
        "COMP_WORDS=(pynats schema in); COMP_CWORD=2; _pynats_complete\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, check=True, timeout=60,
        env={**lone_cli.environment, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout == "info\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_read_the_scripts(shell: str, lone_cli: Cli, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    path = tmp_path / "script"
    path.write_text(lone_cli.run("completion", shell).out)
    subprocess.run([program, "-n", str(path)], check=True, timeout=60)
