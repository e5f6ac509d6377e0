"""The store is one that others write too: `pynsc`, and the real `nats`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.accounts_store.locks import Locks
from pynats_common.accounts_store.store import Store

from tests.cli.auth.conftest import Auth
from tests.cli.conftest import Cli
from tests.cli.recorded.scenes import normalised
from tests.support.records import Recorded

_REAL = os.environ.get("NATS_REFERENCE_CLI") or shutil.which("nats")


def test_what_pynsc_made_is_read_and_changed(auth: Auth, nsc: Auth, store: Path) -> None:
    nsc("add", "operator", "O", "--sys", "--generate-signing-key")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    assert "System Account: SYS (" in auth("operator", "info").out
    assert auth("account", "ls", "--names").out == "A\nSYS\n"
    assert auth("user", "ls", "A", "--names").out == "U\n"
    creds = store / "keys" / "creds" / "O" / "A" / "U.creds"
    before = creds.read_text()
    auth("user", "edit", "U", "A", "--pub-allow", "a.>")
    assert creds.read_text() != before, "nsc's creds file holds the JWT that is valid now"
    signer = Store(store / "stores" / "O").account("A").iss
    auth("account", "edit", "A", "--connections", "7")
    assert Store(store / "stores" / "O").account("A").iss == signer, "who signed signs again"
    assert "7" in nsc("describe", "account", "A").out
    assert "a.>" in nsc("describe", "user", "U", "-a", "A").out
    nsc("validate", "-A")


def test_what_we_make_pynsc_reads_and_changes(auth: Auth, nsc: Auth, store: Path) -> None:
    auth("operator", "add", "O", "--service", "nats://h:4222")
    auth("account", "add", "A", "--defaults")
    auth("account", "keys", "add", "A", "role", "--pub-allow", "a.>")
    auth("user", "add", "U", "A", "--key", "role")
    auth("account", "exports", "add", "e", "e.>", "A", "--service")
    nsc("select", "operator", "O")
    nsc("validate", "-A")
    nsc("edit", "account", "A", "--description", "changed")
    assert "Description: changed" in auth("account", "info", "A").out
    (key,) = Store(store / "stores" / "O").account("A").nats.signing_key_ids()
    nsc("edit", "signing-key", "-a", "A", "--sk", key, "--allow-sub", "b")
    shown = auth("user", "info", "U", "A").out
    assert "Allow: a.>" in shown and "Allow: b" in shown and "Scoped: true" in shown
    nsc("delete", "user", "U", "-a", "A", "--rm-nkey")
    auth("user", "info", "U", "A", code=1)


def test_an_operator_that_is_being_changed_is_waited_for(auth: Auth, store: Path) -> None:
    auth("operator", "add", "O")
    locks = Locks("another program")
    locks.take(store / "stores" / "O")
    try:
        auth("account", "ls")  # whoever only reads does not wait
    finally:
        locks.release()
    auth("account", "add", "A", "--defaults")
    assert not list((store / "stores").rglob(".lock"))


def test_who_only_looks_creates_nothing(auth: Auth, home_cli: Cli) -> None:
    auth("operator", "list")
    auth("operator", "info", "nope", code=1)
    auth("account", "ls", code=1)
    assert not (home_cli.home / "data").exists() and not (home_cli.home / "config").exists()


def _real_store(home: Path) -> dict[str, Any]:
    """What the real tool writes for some commands, and what it says about it."""
    assert _REAL, "recording needs the real `nats`"
    environment = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "c"),
                   "TZ": "UTC"}  # fmt: skip

    def run(line: str) -> str:
        done = subprocess.run([_REAL, "auth", *line.split()], capture_output=True, text=True,
                              env=environment, stdin=subprocess.DEVNULL, check=True)  # fmt: skip
        return done.stdout

    for line in (
        "operator add OP --service nats://h:4222 --tags one",
        "account add APP --defaults --jetstream --js-disk 1GB --js-memory 1GB --bearer",
        "account keys add APP role --pub-allow a.> --sub-deny b",
        "account exports add e e.> APP --service --advertise",
        "account add OPS --defaults --connections 5",
        "account imports add i e.x OPS --source APP --service --local mine.x",
        "account mappings add OPS from.* to.{{wildcard(1)}} 70",
        "user add plain APP --defaults --pub-allow x --tags t",
        "user add scoped APP --defaults --key role",
        "user add gone APP --defaults",
        "user rm gone APP --force --revoke",
    ):
        run(line)
    shown = ("operator info OP", "account info APP", "account info OPS", "user info plain APP",
             "user info scoped APP", "account keys info APP role", "account exports info e.> APP",
             "account imports info mine.x OPS",
             "account mappings info OPS from.*")  # fmt: skip
    root = home / "nats" / "nsc"
    files = {str(path.relative_to(root)): path.read_text()
             for path in sorted(root.rglob("*")) if path.is_file()}  # fmt: skip
    return {"files": files, "screens": {line: normalised(run(line)) for line in shown},
            "json": json.loads(run("operator info OP --json"))}  # fmt: skip


def test_what_the_real_tool_made_we_read_as_it_does(
    recorded: Recorded, auth: Auth, nsc: Auth, store: Path, tmp_path: Path
) -> None:
    theirs = recorded.of(lambda: _real_store(tmp_path / "real"))
    for name, content in theirs["files"].items():
        path = store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for line, screen in theirs["screens"].items():
        ours = [row for row in normalised(auth(*line.split()).out) if row != "Role: role"]
        assert ours == [row for row in screen if row != "Role: role"], line
    assert json.loads(auth("operator", "info", "OP", "--json").out) == theirs["json"]
    nsc("select", "operator", "OP")
    nsc("validate", "-A")
    auth("account", "edit", "APP", "--tags", "ours")
    claims = Store(store / "stores" / "OP").account("APP")
    assert claims.nats.tags == ["ours"] and claims.nats.limits.disk_storage == 1024**3


@pytest.mark.skipif(not _REAL, reason="there is no nats here")
def test_what_we_make_the_real_tool_reads(auth: Auth, home_cli: Cli, store: Path) -> None:
    auth("operator", "add", "OP", "--tags", "one")
    auth("account", "add", "APP", "--defaults", "--jetstream")
    auth("account", "keys", "add", "APP", "role", "--pub-allow", "a.>")
    auth("user", "add", "U", "APP", "--defaults")
    auth("user", "add", "S", "APP", "--key", "role")
    assert _REAL
    for words in ("operator info OP", "account info APP", "user info U APP"):
        done = subprocess.run([_REAL, "auth", *words.split()], capture_output=True, text=True,
                              env=home_cli.environment, check=True)  # fmt: skip
        assert normalised(done.stdout) == normalised(auth(*words.split()).out)
    subprocess.run([_REAL, "auth", "user", "edit", "U", "APP", "--payload", "5"],
                   env=home_cli.environment, capture_output=True, check=True)  # fmt: skip
    assert Store(store / "stores" / "OP").user("APP", "U").nats.payload == 5


def test_claims_are_those_of_the_real_tool(recorded: Recorded, auth: Auth, store: Path) -> None:
    """The JWTs that one line makes are the same, but for keys and times."""
    theirs = recorded.of(lambda: _claims_of_real(store))
    for line in _LINES:
        auth(*line.split())
    assert _claims(store) == theirs


_LINES = (
    "operator add OP --service nats://h:4222 --no-signing-key",
    "account add A --defaults",
    "account add J --defaults --jetstream --js-disk 1GB --js-memory 2GB --js-cluster-traffic owner",
    "account exports add s s.* A --service --token-position 2 --description d --url http://h/x",
    "account mappings add A m n",
    "account keys add A role --description about --connection ws --payload 1KB",
    "user add U A --defaults --pub-allow p --sub-deny q --data 5 --bearer --tags X",
    "user add S A --key role --defaults",
)


def _claims_of_real(store: Path) -> Any:
    assert _REAL, "recording needs the real `nats`"
    home = store.parents[1].with_name("real")
    environment = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "c")}
    for line in _LINES:
        subprocess.run([_REAL, "auth", *line.split()], env=environment, check=True,
                       capture_output=True, stdin=subprocess.DEVNULL)  # fmt: skip
    return _claims(home / "nats" / "nsc")


def _claims(root: Path) -> dict[str, Any]:
    from tests.cli.recorded.scenes import masked

    found = {}
    for path in sorted((root / "stores").rglob("*.jwt")):
        claims = jwt.decode(path.read_text()).to_json()
        for name in ("iat", "jti"):
            del claims[name]
        found[path.name] = masked(claims)
    return found
