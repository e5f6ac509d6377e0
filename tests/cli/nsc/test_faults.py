"""Problems with a store: it is read-only, a process dies, it has version 1."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.nkeys import Prefix, create_pair

from tests.support.deadline import PATIENCE_S

Nsc = Callable[..., Any]
LIBC = ctypes.CDLL(None)
EXIT_STILL_ROOT = 77
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def obey_modes() -> None:
    """In a child that runs as root: drops the right to ignore file modes, from exec on."""
    if os.geteuid() == 0 and LIBC.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        os._exit(EXIT_STILL_ROOT)


@pytest.fixture
def team(nsc: Nsc) -> Nsc:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    return nsc


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run_read_only(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Runs pynsc where nothing may be written; nothing is."""
    for path in [home, *home.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = content(home)
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pynsc", *command.split()], capture_output=True,
            text=True, timeout=PATIENCE_S, check=False, cwd=home, preexec_fn=obey_modes,
        )  # fmt: skip
        if done.returncode == EXIT_STILL_ROOT:
            pytest.skip("root cannot be made to obey file modes here")
    finally:
        for path in [home, *home.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert content(home) == before
    return done


@pytest.mark.parametrize("command", ["edit account A --tag x", "add user U", "add account B"])
def test_a_read_only_store_is_refused_and_unchanged(command: str, team: Nsc, home: Path) -> None:
    done = run_read_only(home, command)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: cannot ")
    assert "denied" in done.stderr.lower()


@pytest.mark.parametrize(
    "command",
    ["list accounts", "describe account A", "validate -A", "generate config --mem-resolver", "env"],
)
def test_a_read_only_store_can_be_read(command: str, team: Nsc, home: Path) -> None:
    done = run_read_only(home, command)
    assert done.returncode == 0, done.stderr


_DIE = """
import os, sys
from pathlib import Path
from pynsc.__main__ import main
real = Path.replace
def replace(self, target):
    if str(target).endswith(sys.argv[1]):
        os._exit(9)
    return real(self, target)
Path.replace = replace
sys.exit(main(sys.argv[2:]))
"""


def test_a_process_that_dies_while_writing_leaves_the_old_file(team: Nsc, home: Path) -> None:
    path = home / ".local/share/nats/nsc/stores/O/accounts/A/A.jwt"
    before = path.read_text()
    done = subprocess.run(
        [sys.executable, "-c", _DIE, "A.jwt", "edit", "account", "A", "--tag", "x"],
        capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 9
    assert path.read_text() == before
    left = [p for p in path.parent.iterdir() if p.is_file() and p != path]
    assert left and all(p.stat().st_mode & 0o777 == 0o600 for p in left)
    assert team("list", "accounts", "-J").out.count('"name"') == 1
    team("validate", "-A")
    team("edit", "account", "A", "--tag", "x")
    assert jwt.peek(path.read_text())["nats"]["tags"] == ["x"]


def encode_v1(claims: dict[str, Any], pair: Any) -> str:
    """A version 1 token: its signature covers the payload only."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = part(json.dumps(claims).encode())
    head = part(b'{"typ":"jwt","alg":"ed25519"}')
    return f"{head}.{body}.{part(pair.sign(body.encode()))}"


def test_version_1_stores_wait_for_their_upgrade(nsc: Nsc, home: Path) -> None:
    operator, account = create_pair(Prefix.OPERATOR), create_pair(Prefix.ACCOUNT)
    root = home / ".local/share/nats/nsc/stores/Old"
    (root / "accounts/A").mkdir(parents=True)
    (root / ".nsc").write_text('{"managed":false,"name":"Old","kind":"operator","version":"1"}')
    common = {"iat": 1, "iss": operator.public_key, "jti": "x"}
    tokens = {
        root / "Old.jwt": {**common, "name": "Old", "sub": operator.public_key,
                           "type": "operator", "nats": {}},
        root / "accounts/A/A.jwt": {**common, "name": "A", "sub": account.public_key,
                                    "type": "account", "nats": {"limits": {"subs": -1}}},
    }  # fmt: skip
    for path, claims in tokens.items():
        path.write_text(encode_v1(claims, operator))
    keys = home / ".local/share/nats/nsc/keys/keys"
    for pair in (operator, account):
        key = keys / pair.public_key[0] / pair.public_key[1:3] / f"{pair.public_key}.nk"
        key.parent.mkdir(parents=True)
        key.write_text(pair.seed)
    before = content(root)
    for command in ("list accounts", "add account B", "describe operator", "validate", "push"):
        error = nsc(*command.split(), code=1).err
        assert "version 1" in error and "upgrade-jwt" in error
    nsc("env")
    assert content(root) == before
    assert "upgraded 2 JWTs" in nsc("upgrade-jwt").err
    assert "A" in nsc("list", "accounts").out
    assert not any(jwt.is_version_1(path.read_text()) for path in tokens)
    assert jwt.peek((root / "accounts/A/A.jwt").read_text())["nats"]["limits"]["subs"] == -1


def test_damaged_files_are_shown_and_can_be_deleted(team: Nsc, home: Path) -> None:
    team("add", "user", "U")
    team("add", "user", "V")
    team("add", "account", "B")
    accounts = home / ".local/share/nats/nsc/stores/O/accounts"
    (accounts / "A/users/U.jwt").write_text("")
    (accounts / "B/B.jwt").write_bytes(b"\xff\xfe")
    shown = team("list", "users", "-a", "A")
    assert "(damaged JWT)" in shown.out and "V" in shown.out and "U.jwt" in shown.err
    assert "(damaged JWT)" in team("list", "accounts").out
    assert "V" in team("list", "keys", "-A").out
    shown = team("validate", "-A", code=1)
    assert shown.out.count("no JWT found") == 2
    assert "U.jwt" in team("describe", "user", "U", "-a", "A", code=1).err
    assert "is damaged" in team("delete", "user", "U", "-a", "A", "-R", code=1).err
    team("delete", "user", "U", "-a", "A", "-D", "-C")
    assert "--force" in team("delete", "account", "B", code=1).err
    team("delete", "account", "B", "--force")
    team("validate", "-A")
