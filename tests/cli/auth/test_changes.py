"""What an edit changes, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pynats_common.accounts_store.store import Store

from tests.cli.auth.conftest import Auth


@pytest.fixture
def made(auth: Auth, store: Path) -> Store:
    auth("operator", "add", "O")
    auth("account", "add", "A", "--defaults", "--payload", "1MB", "--bearer", "--connections", "5",
         "--jetstream", "--js-disk", "1GB", "--js-memory", "1GB", "--js-streams", "3")  # fmt: skip
    auth("user", "add", "U", "A", "--defaults", "--payload", "7", "--data", "8",
         "--subscriptions", "9", "--bearer", "--locale", "Europe/Berlin", "--tags", "t",
         "--pub-allow", "p")  # fmt: skip
    return Store(store / "stores" / "O")


def test_an_edit_changes_what_is_given(auth: Auth, made: Store) -> None:
    before, user = made.account("A").nats.to_json(), made.user("A", "U").nats.to_json()
    auth("account", "edit", "A", "--leafnodes", "2")
    after = made.account("A").nats.to_json()
    assert after["limits"].pop("leaf") == 2 and before["limits"].pop("leaf") == -1
    assert after == before
    auth("user", "edit", "U", "A", "--sub-deny", "q", "--tags", "T2", "--no-tags", "T")
    changed = made.user("A", "U").nats.to_json()
    assert (changed.pop("tags"), changed.pop("sub")) == (["t2"], {"deny": ["q"]})
    assert (user.pop("tags"), user.pop("sub")) == (["t"], {})
    assert changed == user


def test_limits_end_with_minus_one_and_expiry_with_zero(auth: Auth, made: Store) -> None:
    auth("account", "edit", "A", "--payload=-1", "--expiry", "1h", "--no-bearer")
    claims = made.account("A")
    assert claims.nats.limits.payload == -1 and claims.exp and claims.nats.limits.disallow_bearer
    auth("account", "edit", "A", "--expiry", "0")
    assert made.account("A").exp == 0
    auth("account", "edit", "A", "--no-jetstream")
    limits = made.account("A").nats.limits
    assert (limits.disk_storage, limits.mem_storage, limits.streams) == (0, 0, 0)
    auth("account", "edit", "A", "--js-disk", "5GB")  # without --jetstream it stays off
    assert made.account("A").nats.limits.disk_storage == 0


def test_refused_changes_change_nothing(auth: Auth, made: Store, store: Path) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for words in (
        ("account", "exports", "add", "e", "a b", "A"),
        ("account", "imports", "add", "i", "x", "A", "--source", "SYSTEM", "--share"),
        ("account", "mappings", "add", "A", "a", "b", "101"),
        ("user", "add", "V", "A", "--defaults", "--locale", "Nowhere/City"),
        ("user", "add", "V", "A", "--defaults", "--key", "nope"),
        ("user", "add", "a/b", "A", "--defaults"), ("account", "add", "..", "--defaults"),
        ("operator", "add", "a/b"), ("operator", "add", "P", "--service", "nope"),
        ("account", "add", "B", "--defaults", "--key", "nope"),
        ("account", "edit", "A", "--expiry=-1h"),
    ):  # fmt: skip
        said = auth(*words, code=1)
        assert said.err.count("\n") == 1 and said.err.startswith("pynats: error: "), words
    after = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert after == before and made.accounts() == ["A", "SYSTEM"]


def test_users_of_a_role_have_its_rights(auth: Auth, made: Store) -> None:
    auth("account", "keys", "add", "A", "role", "--pub-allow", "a.>", "--subscriptions", "4")
    said = auth("user", "add", "S", "A", "--key", "role", "--sub-allow", "x")
    assert "--sub-allow not used" in said.err and "Allow: a.>" in said.out
    auth("user", "edit", "S", "A", "--tags", "t")
    claims = made.user("A", "S")
    assert claims.nats.is_clear() and claims.nats.tags == ["t"]
    assert claims.nats.issuer_account == made.account("A").sub
    auth("account", "keys", "add", "A", "role")
    assert (
        "2 signing keys have the role" in auth("account", "keys", "info", "A", "role", code=1).err
    )


def test_mappings_come_from_files_too(auth: Auth, made: Store, tmp_path: Path) -> None:
    path = tmp_path / "mappings"
    for text in (
        "bar:\n  - {subject: x, weight: 30}\n  - {subject: y, cluster: east}\n",
        json.dumps({"foo.*": [{"subject": "z.{{wildcard(1)}}", "weight": 50}]}),
    ):
        path.write_text(text)
        auth("account", "mappings", "add", "A", "--config", str(path))
    assert {source: [item.to_json() for item in targets]
            for source, targets in made.account("A").nats.mappings.items()} == {
        "bar": [{"subject": "x", "weight": 30},
                {"subject": "y", "weight": 100, "cluster": "east"}],
        "foo.*": [{"subject": "z.{{wildcard(1)}}", "weight": 50}],
    }  # fmt: skip
    for text in ("{", "[]", "a: b", "a: [1]", "a: [{subject: 1}]", "a: [{subject: b, weight: x}]"):
        path.write_text(text)
        auth("account", "mappings", "add", "A", "--config", str(path), code=1)


def test_buckets_are_shared_by_one_command_each(auth: Auth, made: Store) -> None:
    auth("account", "add", "B", "--defaults")
    auth("account", "exports", "kv", "CFG", "--account", "A")
    auth("account", "imports", "kv", "CFG", "theirs", "A", "--account", "B")
    exports = {item.subject for item in made.account("A").nats.exports}
    imports = {item.subject: item.local for item in made.account("B").nats.imports}
    assert set(imports) == exports and len(exports) == 5
    assert imports["$JS.API.STREAM.INFO.KV_CFG"] == "theirs.STREAM.INFO.KV_CFG"
    assert imports["$KV.CFG.>"] == "theirs.$KV.CFG.>"


def test_lists_have_json_where_there_is_nothing_too(auth: Auth, made: Store) -> None:
    for words in (("operator", "ls"), ("account", "ls"), ("user", "ls", "A"),
                  ("account", "exports", "ls", "A"), ("account", "imports", "ls", "A"),
                  ("account", "keys", "ls", "A"), ("operator", "keys", "ls")):  # fmt: skip
        assert isinstance(json.loads(auth(*words, "--json").out), list), words
    assert json.loads(auth("account", "mappings", "ls", "A", "--json").out) == {}
