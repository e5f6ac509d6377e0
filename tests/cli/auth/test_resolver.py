"""`auth account push` and `query` with a server in operator mode, whose resolver is full."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_common import jwt
from pynats_common.accounts_store.store import Store

from tests.cli.auth.conftest import Auth
from tests.cli.conftest import KINDS, Cli, Result, url_of
from tests.support.process import ServerProcess


def operator_config(root: Path, folder: Path) -> str:
    """With an operator of the store, as its documentation says."""
    store = Store(root / "stores" / "O")
    system = store.operator().nats.system_account
    return (
        f"operator: {store.operator_path()}\nsystem_account: {system}\n"
        f'resolver {{ type: full, dir: "{folder / "jwt"}" }}\n'
        f"resolver_preload {{ {system}: {store.account_path('SYSTEM').read_text()} }}\n"
    )


class Team:
    """An operator with a system user, an account A with a user, and a server of it."""

    def __init__(self, cli: Cli, auth: Auth, server: ServerProcess) -> None:
        self.cli, self.auth, self.server = cli, auth, server

    def asks(self, user: str, *words: str, code: int = 0) -> Result:
        creds = self.cli.home / f"{user}.creds"
        done = self.cli.run("-s", url_of(self.server), "--creds", str(creds), *words)
        assert done.code == code, done.out + done.err
        assert "Traceback" not in done.err
        return done


@pytest.fixture(params=KINDS)
def team(request: pytest.FixtureRequest, home_cli: Cli, auth: Auth, store: Path) -> Iterator[Team]:
    auth("operator", "add", "O")
    auth("account", "add", "A", "--defaults")
    for user, account in (("sys", "SYSTEM"), ("u", "A")):
        auth("user", "add", user, account, "--defaults",
             "--credential", str(home_cli.home / f"{user}.creds"))  # fmt: skip
    folder = home_cli.home / "server"
    folder.mkdir()
    with ServerProcess(request.param, folder, operator_config(store, folder)) as server:
        yield Team(home_cli, auth, server)


def test_accounts_go_to_the_servers_and_come_back(team: Team, store: Path) -> None:
    team.asks("u", "rtt", code=1)
    shown = team.asks("sys", "auth", "account", "push", "A", "--show").out
    assert shown.startswith("Account JWT for A\n\neyJ")
    assert "on 1 server(s)" in shown and "✓ Update completed on N" in shown
    assert shown.endswith("Success 1 Failed 0 Expected 1\n")
    team.asks("u", "rtt")
    target = team.cli.home / "a.jwt"
    asked = team.asks("sys", "auth", "account", "query", "A", str(target)).out
    assert asked.startswith("Account A (A") and "Bearer Tokens Allowed: false" in asked
    assert target.read_text() == Store(store / "stores" / "O").account_path("A").read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    team.auth("account", "edit", "A", "--connections", "3")
    team.asks("sys", "auth", "account", "push", "A")
    public = jwt.decode(target.read_text()).sub
    found = team.asks("sys", "auth", "account", "query", public, "--json").out
    assert json.loads(found)["nats"]["limits"]["conn"] == 3


def test_revoked_users_are_refused_after_a_push(team: Team) -> None:
    team.asks("sys", "auth", "account", "push", "A")
    team.asks("u", "rtt")
    team.auth("user", "rm", "u", "A", "--revoke", "--force")
    team.asks("sys", "auth", "account", "push", "A")
    assert "Authorization" in team.asks("u", "rtt", code=1).err


def test_what_cannot_be_done_is_said_in_one_line(team: Team, store: Path) -> None:
    team.auth("account", "add", "B", "--defaults")
    said = team.asks("sys", "auth", "account", "query", "B", code=1)
    assert said.err == "pynats: error: did not receive a valid token from the server\n"
    for words in (("push", "nope"), ("query", "nope")):
        assert 'account "nope" not found' in team.asks("sys", "auth", "account", *words, code=1).err
    team.asks("sys", "auth", "account", "push", "A")
    for words in (("push", "A"), ("query", "A")):  # no user of the system account
        said = team.asks("u", "auth", "account", *words, code=1)
        assert "ensure the account used has system privileges" in said.err
    gone = team.cli.run("-s", "nats://127.0.0.1:1", "auth", "account", "push", "A")
    assert gone.code == 1 and "no servers available" in gone.err


def test_an_account_of_another_operator_is_refused_by_our_server(team: Team) -> None:
    if team.server.kind != "pynats":
        pytest.skip("the original takes it")
    team.auth("operator", "add", "OTHER")
    team.auth("account", "add", "Z", "--operator", "OTHER", "--defaults")
    said = team.asks("sys", "auth", "account", "push", "Z", "--operator", "OTHER", code=1)
    assert "X Update failed on N" in said.out and "Success 0 Failed 1 Expected 1" in said.out
    assert said.err == "pynats: error: update failed on 1/1 servers\n"
