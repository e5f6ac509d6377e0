"""Plugins: registered, run, listed; and reading never creates anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

PROGRAM = """#!/bin/sh
if [ "$1" = "--fisk-introspect" ]; then
  echo '{"name":"weather","help":"Weather of places","commands":[]}'
  exit 0
fi
echo "args: $*"
echo "user: $NATS_USER timeout: $NATS_TIMEOUT"
exit 3
"""


@pytest.fixture
def plugin(lone_cli: Cli, tmp_path: Path) -> str:
    lone_cli.environment["XDG_DATA_HOME"] = str(tmp_path / "data")
    path = tmp_path / "weather"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return str(path)


def test_a_plugin_is_registered_and_run(lone_cli: Cli, plugin: str, tmp_path: Path) -> None:
    done = lone_cli.run("plugins", "register", "weather", plugin)
    assert done.code == 0 and "was added or updated" in done.out and "experimental" in done.err
    file = tmp_path / "data/nats/cli/plugins/weather.json"
    assert json.loads(file.read_text())["cmd"] == plugin
    assert file.stat().st_mode & 0o777 == 0o600
    ran = lone_cli.run("weather", "in", "--user", "me", "Paris", "--timeout", "3s", "-x", "$(id)")
    assert ran.code == 3
    assert ran.out == "args: in Paris -x $(id)\nuser: me timeout: 3000000000ns\n"
    assert lone_cli.run("weather", "--help").out.startswith("args: --help")
    assert "weather  Weather of places" in lone_cli.run("--help").out
    assert "weather" in lone_cli.run("__complete", "=wea").out
    told = json.loads(lone_cli.run("--fisk-introspect").out)
    assert {"name": "weather", "commands": []}.items() <= told["commands"][-1].items()


def test_what_is_no_plugin_is_refused(lone_cli: Cli, plugin: str, tmp_path: Path) -> None:
    def refused(*words: str) -> str:
        done = lone_cli.run("plugins", "register", *words)
        assert done.code == 1
        return done.err.splitlines()[-1]

    assert refused("stream", plugin).endswith('"stream" is a command of this program')
    assert refused("ctx", plugin).endswith('"ctx" is a command of this program')
    assert refused("Foo1", plugin).endswith("plugin names must match ^[a-z]+$")
    assert "does not describe its commands" in refused("foo", "/bin/true")
    assert "ended with exit code 1" in refused("foo", "/bin/false")
    assert not (tmp_path / "data").exists()
    lone_cli.run("plugins", "register", "weather", plugin)
    assert "already registered, use --force" in refused("weather", plugin)
    assert lone_cli.run("plugins", "register", "weather", plugin, "--force").code == 0


def test_a_damaged_file_says_so_and_disturbs_nothing_else(
    lone_cli: Cli, plugin: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data/nats/cli/plugins"
    folder.mkdir(parents=True)
    for name, text in (("one", "{"), ("two", '{"cmd": 1, "def": {}}'), ("three", "[]")):
        (folder / f"{name}.json").write_text(text)
        done = lone_cli.run(name)
        assert done.code == 1 and "is not the file of a plugin" in done.err
    (folder / "four.json").write_text('{"cmd": "/no/such", "def": {}}')
    assert "cannot run plugin four" in lone_cli.run("four").err
    assert lone_cli.run("--help").code == 0
    assert lone_cli.run("nope").err == (
        "pynats: error: No such command 'nope': see pynats --help\n"
    )


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), ("errors", "lookup", "10059"), ("schema", "ls"), ("cheat",),
     ("context", "ls"), ("--fisk-introspect",), ("completion", "bash"), ("nope",)],
    ids=" ".join,
)  # fmt: skip
def test_reading_creates_nothing(words: tuple[str, ...], lone_cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    home.mkdir()
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        lone_cli.environment.pop(name, None)
    lone_cli.run(*words, HOME=str(home))
    assert list(home.iterdir()) == []
