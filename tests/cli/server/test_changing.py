"""`pynats server config reload|account purge|passwd|mappings`, and what they refuse."""

from __future__ import annotations

import bcrypt
import pytest

from tests.cli.conftest import Cli
from tests.cli.server.conftest import UserCli
from tests.cli.terminal import Terminal

UNASKED = "cannot ask for confirmation without a terminal: --force is missing"


def test_reload_shows_the_server(system: Cli) -> None:
    done = system.run("server", "config", "reload", "p1", "--force")
    assert done.code == 0, done.err
    assert done.out.startswith("Server information for p1 (N")
    assert "Configuration Load Time: 2" in done.out


@pytest.mark.parametrize("words", ["config reload p1", "account purge B", "cluster balance"])
def test_nothing_is_done_without_a_confirmation(system: Cli, words: str) -> None:
    done = system.run("server", *words.split())
    assert (done.code, done.out) == (1, "")
    assert UNASKED in done.err


def test_purge_deletes_the_streams_of_an_account(system: Cli, as_user: UserCli) -> None:
    create = '{"name": "S", "subjects": ["s"], "storage": "memory"}'
    made = as_user("a").run("req", "$JS.API.STREAM.CREATE.S", create, "--raw")
    assert '"name":"S"' in made.out.replace(" ", "")
    done = system.run("server", "account", "purge", "A", "--force")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Purge operation on account A initiated\n"
    names = as_user("a").run("req", "$JS.API.STREAM.NAMES", "{}", "--raw")
    assert '"streams":null' in names.out.replace(" ", "").replace("[]", "null")


def test_the_meta_group_of_a_lone_server_is_missing(system: Cli) -> None:
    for words in ("step-down", "peer-remove n2 --force", "evacuate n2 --force"):
        done = system.run("server", "cluster", *words.split(), "--timeout", "300ms")
        assert done.code == 1
        assert "did not receive a response from the meta leader" in done.err
    done = system.run("server", "cluster", "rescue")
    assert (done.code, done.err) == (1, "pynats: error: no compatible servers found\n")
    domain = system.run("server", "cluster", "step-down", "--js-domain", "hub")
    assert domain.code == 1 and "domain" in domain.err


def test_balance_of_one_server_does_nothing(system: Cli, listeners: list[str]) -> None:
    done = system.run("server", "cluster", "balance", "1s", "--force", "--account", "A")
    assert (done.code, done.out) == (0, "\nBalanced 0 connections\n")
    assert "Server 'p1': 2 connections (offset: +0)" in done.err


def hash_of(out: str) -> bytes:
    return out.split()[-1].encode()


def test_passwd_is_what_a_server_takes(lone_cli: Cli) -> None:
    done = lone_cli.run("server", "passwd", "--pass", "long enough", "--cost", "4")
    assert done.code == 0 and done.out.startswith("$2a$04$")
    assert bcrypt.checkpw(b"long enough", hash_of(done.out))
    done = lone_cli.run("server", "mkpasswd", "-c", "4", PASSWORD="from the shell")
    assert bcrypt.checkpw(b"from the shell", hash_of(done.out))
    done = lone_cli.run("server", "passwd", "-g", "-c", "4")
    first, second = done.out.splitlines()
    password = first.removeprefix("Generated password: ")
    assert len(password) == 22
    assert second.startswith("       bcrypt hash: $2a$04$")
    assert bcrypt.checkpw(password.encode(), hash_of(done.out))
    assert done.out != lone_cli.run("server", "passwd", "-g", "-c", "4").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "short"], "password should be at least 10 characters long"),
        (["-p", "x" * 73], "password should be at most 72 bytes long"),
        (["-p", "long enough", "-c", "3"], "bcrypt cost should be between 4 and 31"),
        (["-p", "long enough", "-c", "32"], "bcrypt cost should be between 4 and 31"),
        ([], "cannot prompt for user input without a terminal: --pass is missing"),
    ],
)
def test_passwd_refuses(lone_cli: Cli, words: list[str], said: str) -> None:
    done = lone_cli.run("server", "passwd", *words, stdin="a password in the pipe\n")
    assert (done.code, done.out, done.err) == (1, "", f"pynats: error: {said}\n")


def test_passwd_asks_until_a_password_is_long_enough(lone_cli: Cli) -> None:
    asked = Terminal(lone_cli, "server", "passwd", "-c", "4")
    asked.answer("Enter password", "short\r")
    asked.answer("password should be at least 10 characters long", "")
    asked.answer("Enter password", "long enough\r")
    asked.answer("Re-enter password", "long enough\r")
    assert asked.finish() == 0
    assert bcrypt.checkpw(b"long enough", hash_of(asked.text))
    assert "long enough\n" not in asked.all
    asked = Terminal(lone_cli, "server", "passwd", "-c", "4")
    asked.answer("Enter password", "long enough\r")
    asked.answer("Re-enter password", "another one\r")
    assert asked.finish() == 1
    assert asked.text.endswith("error: entered and re-entered passwords do not match\n")


def test_mappings(lone_cli: Cli) -> None:
    pattern = ("a.*.*", "b.{{wildcard(2)}}.$1")
    done = lone_cli.run("server", "mappings", *pattern, "a.x.y")
    assert (done.code, done.out, done.err) == (0, "b.y.x\n", "")
    done = lone_cli.run("server", "mapping", *pattern, "c.x")
    assert (done.code, done.out) == (1, "")
    assert done.err == "pynats: error: no matching transforms available\n"
    done = lone_cli.run("server", "mappings", "a.*", "b.{{wildcard(2)}}", "a.x")
    assert done.err == (
        "pynats: error: invalid mapping destination: wildcard index out of range in "
        "{{wildcard(2)}}: [2]\n"
    )
    done = lone_cli.run("server", "mappings", "a.*")
    assert done.code == 1 and "without a terminal: dest is missing" in done.err
