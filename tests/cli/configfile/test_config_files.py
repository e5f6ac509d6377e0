"""`pynats server config fmt|lint|explain|convert`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

UGLY = "port=4222 # here\njetstream {store_dir: /d}\n"
TIDY = "port: 4222  # here\njetstream {\n  store_dir: /d\n}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.conf"
    path.write_text(UGLY)
    return path


def test_fmt_prints_and_changes_nothing(lone_cli: Cli, file: Path) -> None:
    done = lone_cli.run("server", "config", "fmt", str(file))
    assert (done.code, done.out, file.read_text()) == (0, TIDY, UGLY)


def test_fmt_writes_with_the_same_rights(lone_cli: Cli, file: Path) -> None:
    file.chmod(0o600)
    done = lone_cli.run("server", "config", "fmt", "--write", str(file))
    assert (done.code, done.out, file.read_text()) == (0, "", TIDY)
    assert file.stat().st_mode & 0o777 == 0o600
    again = lone_cli.run("server", "config", "fmt", "--check", str(file))
    assert (again.code, again.out) == (0, "")
    assert [path.name for path in file.parent.glob("*.conf*")] == ["a.conf"]


def test_fmt_checks_and_shows_differences(lone_cli: Cli, file: Path) -> None:
    done = lone_cli.run("server", "config", "fmt", "--check", str(file))
    assert (done.code, done.out) == (1, f"{file}\n")
    done = lone_cli.run("server", "config", "fmt", "--diff", str(file))
    assert done.code == 1
    assert "-port=4222 # here\n" in done.out
    assert "+port: 4222  # here\n" in done.out


def test_fmt_reads_standard_input(lone_cli: Cli) -> None:
    done = lone_cli.run("server", "config", "fmt", "-", stdin=UGLY)
    assert (done.code, done.out) == (0, TIDY)


def test_wrong_syntax_has_its_place(lone_cli: Cli, file: Path) -> None:
    file.write_text("port: 1\nx: [\n")
    done = lone_cli.run("server", "config", "fmt", str(file))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"pynats: error: {file}:3:1: Parse error: ")


def test_lint_has_one_line_for_each_and_an_exit_code(lone_cli: Cli, file: Path) -> None:
    file.write_text("listen: 127.0.0.1:4222\nprot: 1\n")
    done = lone_cli.run("server", "config", "lint", str(file))
    assert done.code == 1
    assert done.out == (
        f'{file}:2:1: error: unknown field "prot" (did you mean "port"?) [unknown-key]\n'
    )
    assert lone_cli.run("server", "config", "lint", str(file), "--ignore", "unknown-key").code == 0


def test_lint_of_warnings_only_fails_when_strict(lone_cli: Cli, file: Path) -> None:
    file.write_text("listen: 127.0.0.1:4222\ndebug: true\n")
    assert lone_cli.run("server", "config", "lint", str(file)).code == 0
    done = lone_cli.run("server", "config", "lint", str(file), "--strict", "--json")
    assert done.code == 1
    (finding,) = json.loads(done.out)
    assert (finding["line"], finding["severity"], finding["rule"]) == (2, "warning", "logging")


def test_explain(lone_cli: Cli) -> None:
    done = lone_cli.run("server", "config", "explain", "max_payload", "--json")
    (first, *_) = json.loads(done.out)
    assert (first["key"], first["default"], first["reloadable"]) == ("max_payload", "1048576", True)
    done = lone_cli.run("server", "config", "explain", "jetstream.limits")
    assert "default_max_consumers" in done.out
    done = lone_cli.run("server", "config", "explain", "max_paylod")
    assert (done.code, done.err) == (
        1,
        'pynats: error: "max_paylod" is no key of the configuration '
        '(did you mean "max_payload"?)\n',
    )


def test_convert_there_and_back(lone_cli: Cli, file: Path, tmp_path: Path) -> None:
    toml = tmp_path / "a.toml"
    done = lone_cli.run("server", "config", "convert", str(file), "--output", str(toml))
    assert (done.code, done.out) == (0, "")
    assert toml.read_text() == 'port = 4222  # here\n\n[jetstream]\nstore_dir = "/d"\n'
    done = lone_cli.run("server", "config", "convert", str(toml))
    assert done.out == 'port: 4222  # here\n\njetstream {\n  store_dir: "/d"\n}\n'


def test_convert_tells_on_stderr_what_it_replaced(lone_cli: Cli, file: Path) -> None:
    file.write_text("P = 1\nport: $P\n")
    done = lone_cli.run("server", "config", "convert", str(file), "--to", "yaml")
    assert (done.code, done.out) == (0, "port: 1\n")
    assert done.err == "pynats: variables are replaced by their values: P\n"
