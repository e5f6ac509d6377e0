"""What is asked for at a terminal, and that nothing is done without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pynats_common.accounts_store.store import Store

from tests.cli.auth.conftest import Auth
from tests.cli.conftest import Cli
from tests.support.screen import DOWN, ENTER, Screen


@pytest.fixture
def team(auth: Auth) -> None:
    auth("operator", "add", "O")
    auth("account", "add", "A", "--defaults")
    auth("account", "keys", "add", "A", "role")
    auth("user", "add", "U", "A", "--defaults")
    auth("account", "exports", "add", "e", "e.>", "A")
    auth("account", "imports", "add", "i", "x", "A", "--source", "SYSTEM")


@pytest.mark.usefixtures("team")
def test_nothing_is_removed_without_a_terminal_or_force(auth: Auth, store: Path) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    key = Store(store / "stores" / "O").operator().nats.signing_keys[0]
    for words in (
        ("user", "rm", "U", "A"), ("user", "rm", "U", "A", "--revoke"),
        ("account", "keys", "rm", "A", "--key", "role"), ("operator", "keys", "rm", "O", key),
        ("account", "exports", "rm", "e.>", "A"), ("account", "imports", "rm", "x", "A"),
    ):  # fmt: skip
        said = auth(*words, code=1)
        assert "cannot ask for confirmation without a terminal" in said.err, words
    for words in (("user", "rm", "--force"), ("account", "keys", "rm", "A", "--force")):
        auth(*words, code=1)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("team")
def test_what_is_missing_is_named(auth: Auth) -> None:
    for words, missing in (
        (("account", "add"), "ACCOUNT"), (("account", "add", "B"), "--connections"),
        (("user", "add", "V", "A"), "--payload"), (("operator", "add"), "NAME"),
        (("account", "keys", "add", "A"), "ROLE"), (("account", "mappings", "add", "A"), "SOURCE"),
    ):  # fmt: skip
        said = auth(*words, code=1).err
        assert "without a terminal" in said and missing in said, words


@pytest.mark.usefixtures("team")
def test_a_name_that_is_given_is_never_another(auth: Auth) -> None:
    for words in (
        ("operator", "info", "nope"), ("account", "info", "nope"), ("user", "info", "nope", "A"),
        ("account", "keys", "info", "A", "nope"), ("account", "exports", "info", "nope", "A"),
        ("account", "edit", "A", "--operator", "nope"),
    ):  # fmt: skip
        said = auth(*words, code=1).err
        assert "nope" in said or "unknown export" in said, words


def test_the_questions_at_a_terminal(auth: Auth, home_cli: Cli, store: Path) -> None:
    def screen(*words: str) -> Screen:
        command = [sys.executable, "-m", "pynats_cli", "auth", *words]
        return Screen(command, home_cli.environment)

    one = screen("operator", "add")
    one.answer("Operator Name", "O\n")
    one.answer("Signing Keys", "")
    assert one.finish() == 0
    two = screen("account", "add", "--jetstream")
    two.answer("Account Name", "B\n")
    two.answer("Maximum Connections (-1)", "x\n")
    two.answer("must be a number", "")
    two.answer("Maximum Connections (-1)", "7\n")
    two.answer("Maximum Subscriptions (-1)", "\n")
    two.answer("Maximum JetStream Disk Storage (1GB)", "2GB\n")
    two.answer("Maximum JetStream Memory Storage (1GB)", "\n")
    two.answer("Max Memory Storage: 1.0 GiB", "")
    assert two.finish() == 0
    limits = Store(store / "stores" / "O").account("B").nats.limits
    assert (limits.conn, limits.subs, limits.disk_storage) == (7, -1, 2 * 1024**3)
    three = screen("user", "add", "U")
    three.answer("Select an Account", "")
    three.answer("SYSTEM", ENTER)
    three.answer("Maximum Payload (-1)", "\n")
    three.answer("Maximum Subscriptions (-1)", "5\n")
    three.answer("Account: B", "")
    assert three.finish() == 0
    four = screen("user", "rm", "U", "B")
    four.answer("Really remove the User U", "n\n")
    assert four.finish() == 0
    auth("user", "info", "U", "B")
    five = screen("account", "info")
    five.answer("Select an Account", DOWN)
    five.answer("SYSTEM", ENTER)
    five.answer("System Account: true", "")
    assert five.finish() == 0
