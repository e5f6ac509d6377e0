"""Backups, imports and credentials: files that hold secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pynats_common.accounts_store.store import Store
from pynats_common.creds import decode_creds
from pynats_common.jwt import decode

from tests.cli.auth.conftest import Auth
from tests.cli.conftest import Cli


@pytest.fixture
def team(auth: Auth) -> None:
    auth("operator", "add", "O", "--tags", "one")
    auth("account", "add", "A", "--defaults")
    auth("account", "keys", "add", "A", "role")
    auth("user", "add", "plain", "A", "--defaults")
    auth("user", "add", "scoped", "A", "--key", "role")


def _all_files(store: Path) -> dict[str, str]:
    return {str(path.relative_to(store)): path.read_text()
            for path in sorted(store.rglob("*")) if path.is_file()}  # fmt: skip


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("sealed", [False, True])
def test_a_backup_brings_everything_back(
    auth: Auth, home_cli: Cli, store: Path, sealed: bool
) -> None:
    key = home_cli.home / "x.nk"
    auth("nkey", "gen", "curve", "--output", str(key))
    more = ("--key", str(key)) if sealed else ()
    target = home_cli.home / "backup"
    said = auth("operator", "backup", "O", str(target), *more)
    assert ("unencrypted and contains secrets" in said.out) is not sealed
    assert target.stat().st_mode & 0o777 == 0o600
    assert ("SO" in target.read_text() and "seed" not in said.out) is not sealed or sealed
    before = _all_files(store)
    auth("operator", "restore", "O", str(target), *more, code=1)  # it is there
    elsewhere = str(home_cli.home / "other")
    screen = auth("operator", "restore", "O", str(target), *more, XDG_DATA_HOME=elsewhere).out
    assert screen.startswith("Operator O (O") and "Accounts: 2" in screen
    assert _all_files(Path(elsewhere) / "nats" / "nsc") == before


@pytest.mark.usefixtures("team")
def test_a_backup_under_another_name_is_restored_under_its_own(auth: Auth, home_cli: Cli) -> None:
    target = home_cli.home / "backup"
    auth("operator", "backup", "O", str(target))
    elsewhere = str(home_cli.home / "other")
    said = auth("operator", "restore", "P", str(target), XDG_DATA_HOME=elsewhere)
    assert "restored under this name" in said.err and said.out.startswith("Operator O")


@pytest.mark.usefixtures("team")
def test_damaged_backups_are_refused_without_a_trace(auth: Auth, home_cli: Cli) -> None:
    target = home_cli.home / "backup"
    auth("operator", "backup", "O", str(target))
    good = json.loads(target.read_text())
    seed = good["accounts"][0]["key"]["key"]
    for change in (
        {"token": "x"}, {"token": good["accounts"][0]["token"]}, {"key": {"key": seed}},
        {"key": {"key": seed[:-1]}}, {"accounts": [{"token": good["token"]}]},
    ):  # fmt: skip
        target.write_text(json.dumps({**good, **change}))
        elsewhere = home_cli.home / "other"
        said = auth("operator", "restore", "O", str(target), code=1, XDG_DATA_HOME=str(elsewhere))
        assert seed not in said.err and not elsewhere.exists(), change
    for text in ("", "[]", "{", "x"):
        target.write_text(text)
        said = auth("operator", "restore", "Q", str(target), code=1)
        assert "holds no backup of an operator" in said.err


@pytest.mark.usefixtures("team")
def test_an_operator_is_imported_with_all_its_keys(auth: Auth, home_cli: Cli, store: Path) -> None:
    claims = Store(store / "stores" / "O").operator()
    files = [str(store / "keys" / "keys" / "O" / public[1:3] / f"{public}.nk")
             for public in (claims.sub, *claims.nats.signing_keys)]  # fmt: skip
    token = str(Store(store / "stores" / "O").operator_path())
    other = str(home_cli.home / "other")
    stranger = home_cli.home / "stranger.nk"
    auth("nkey", "gen", "operator", "--output", str(stranger))
    said = auth("operator", "import", token, *files, str(stranger), code=1, XDG_DATA_HOME=other)
    assert "not referenced" in said.err and stranger.read_text().strip() not in said.err
    said = auth("operator", "import", token, files[0], code=1, XDG_DATA_HOME=other)
    assert claims.nats.signing_keys[0] in said.err
    assert not Path(other).exists()
    auth("operator", "import", token, *files, XDG_DATA_HOME=other)
    auth("operator", "import", token, *files, code=1, XDG_DATA_HOME=other)
    auth("operator", "keys", "add", "O", XDG_DATA_HOME=other)
    auth("account", "add", "B", "--defaults", "--key", claims.nats.signing_keys[0],
         XDG_DATA_HOME=other)  # fmt: skip
    made = Store(Path(other) / "nats" / "nsc" / "stores" / "O").account("B")
    assert made.iss == claims.nats.signing_keys[0]


@pytest.mark.usefixtures("team")
def test_credentials_are_a_copy_that_can_expire(auth: Auth, home_cli: Cli, store: Path) -> None:
    target = home_cli.home / "plain.creds"
    auth("user", "credential", str(target), "plain", "A", "--expire", "1h")
    creds = decode_creds(target.read_text())
    claims = decode(creds.jwt)
    kept = Store(store / "stores" / "O").user("A", "plain")
    assert claims.exp > 0 and kept.exp == 0 and claims.sub == kept.sub == creds.key_pair.public_key
    assert target.stat().st_mode & 0o777 == 0o600
    said = auth("user", "credential", str(target), "plain", "A", code=1)
    assert "already exist" in said.err
    auth("user", "credential", str(target), "plain", "A", "--force")
    assert decode(decode_creds(target.read_text()).jwt).exp == 0


@pytest.mark.usefixtures("team")
def test_seeds_are_shown_only_where_they_are_asked_for(auth: Auth) -> None:
    for words in (("operator", "info"), ("account", "info", "A"), ("user", "info", "plain", "A")):
        shown = auth(*words)
        assert not re.search(r"\bS[UOA][A-Z2-7]{20}", shown.out + shown.err)
        told = auth(*words, "--json")
        assert "seed" in told.err and json.loads(told.out)["key"]["key"].startswith("S")


@pytest.mark.usefixtures("team")
def test_removed_keys_and_users_leave_no_seeds(auth: Auth, store: Path) -> None:
    claims = Store(store / "stores" / "O").account("A")
    user = Store(store / "stores" / "O").user("A", "plain")
    auth("account", "keys", "rm", "A", "--key", "role", "--force")
    auth("user", "rm", "plain", "A", "--force")
    (operator_key,) = Store(store / "stores" / "O").operator().nats.signing_keys
    auth("operator", "keys", "rm", "O", operator_key, "--force")
    stems = {path.stem for path in store.rglob("*.nk")}
    assert not stems & {*claims.nats.signing_key_ids(), user.sub, operator_key}
    assert claims.sub in stems
