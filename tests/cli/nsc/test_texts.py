"""Files with JWTs and keys as editors and other systems leave them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.connect.login import login_options
from pynats_common import jwt
from pynats_common.contexts import Context
from pynats_common.creds import CredsError, decode_creds, decode_text
from pynats_common.nkeys import Prefix, create_pair
from pynk.__main__ import main as pynk

Nsc = Callable[..., Any]
BOM = b"\xef\xbb\xbf"
NOTE = b"# Schl\xfcssel f\xfcr M\xfcller\n"  # Latin-1
SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda data: BOM + data,
    "byte order mark and CRLF": lambda data: BOM + data.replace(b"\n", b"\r\n"),
    "Latin-1 comment": lambda data: NOTE + data.rstrip() + b"\n" + NOTE,
    "all of it": lambda data: BOM + (NOTE + data).replace(b"\n", b"\r\n"),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
    found: Callable[[bytes], bytes] = request.param
    return found


@pytest.fixture
def team(nsc: Nsc, home: Path) -> Nsc:
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    return nsc


def creds_file(home: Path) -> Path:
    return home / ".local/share/nats/nsc/keys/creds/O/A/U.creds"


def reshape(path: Path, shape: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(shape(path.read_bytes()))
    return path


def test_creds_of_any_shape_log_in(shape: Callable[[bytes], bytes], team: Nsc, home: Path) -> None:
    before = decode_creds(creds_file(home).read_text())
    path = reshape(creds_file(home), shape)
    assert decode_creds(decode_text(path.read_bytes())) == before
    options = login_options(Context(creds=str(path)))
    assert options["user_jwt_cb"]() == before.jwt.encode()
    options = login_options(Context(user_jwt=str(path), user_seed=f"file://{path}"))
    assert options["user_jwt_cb"]() == before.jwt.encode()
    assert login_options(Context(nkey=str(path)))["public_nkey"] == before.key_pair.public_key
    key = home / "key.nk"
    key.write_bytes(shape(before.seed.encode() + b"\n"))
    assert login_options(Context(nkey=str(key)))["public_nkey"] == before.key_pair.public_key


def test_creds_of_any_shape_are_described_and_imported(
    shape: Callable[[bytes], bytes], team: Nsc, home: Path
) -> None:
    path = shutil.copy(creds_file(home), home / "mine.creds")
    reshape(home / "mine.creds", shape)
    assert "| Name " in team("describe", "jwt", "-f", str(path)).out
    team("delete", "user", "U", "-D", "-C")
    team("import", "user", "-f", str(path))
    assert decode_creds(creds_file(home).read_text()).jwt
    team("export", "keys", "--all", "-d", str(home / "out"))
    for exported in (home / "out").iterdir():
        reshape(exported, shape)
    shutil.rmtree(home / ".local/share/nats/nsc/keys/keys")
    team("import", "keys", "--dir", str(home / "out"))
    team("edit", "user", "U", "--tag", "x")


def test_stored_jwts_of_any_shape_are_handed_on_bare(
    shape: Callable[[bytes], bytes], team: Nsc, home: Path
) -> None:
    root = home / ".local/share/nats/nsc/stores/O"
    files = [root / "O.jwt", root / "accounts/A/A.jwt", root / "accounts/A/users/U.jwt"]
    bare = [path.read_text().strip() for path in files]
    for path, token in zip(files, bare, strict=True):
        kind = jwt.decode(token).claim_type.upper()
        decorated = f"-----BEGIN NATS {kind} JWT-----\n{token}\n------END NATS {kind} JWT------\n"
        path.write_bytes(shape(decorated.encode()))
    config = team("generate", "config", "--mem-resolver").out
    assert f"operator: {bare[0]}\n" in config and f": {bare[1]}\n" in config
    assert decode_creds(team("generate", "creds", "-n", "U", "-a", "A").out).jwt == bare[2]
    team("validate", "-A")
    team("edit", "user", "U", "-a", "A", "--tag", "x")


def test_keys_of_any_shape_sign(
    shape: Callable[[bytes], bytes], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = create_pair(Prefix.USER)
    (home / "data").write_text("data")
    (home / "seed").write_bytes(shape(pair.seed.encode() + b"\n"))
    assert pynk(["-inkey", str(home / "seed"), "-pubout"]) == 0
    assert capsys.readouterr().out == f"{pair.public_key}\n"


def test_what_has_no_jwt_is_still_refused() -> None:
    for data in (b"", BOM, b"\xff\xfe\x00", NOTE):
        with pytest.raises(CredsError):
            decode_creds(decode_text(data))
