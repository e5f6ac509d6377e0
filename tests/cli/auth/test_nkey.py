"""`auth nkey` and `nk` do the same with the same files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynk.__main__ import main as nk_main

from tests.cli.auth.conftest import Auth


@pytest.fixture
def files(tmp_path: Path, auth: Auth) -> dict[str, str]:
    """A text and some keys."""
    found = {name: str(tmp_path / name) for name in ("text", "user", "pub", "x1", "x2", "sig")}
    Path(found["text"]).write_bytes(b"some \xff data")
    auth("nkey", "gen", "user", "--output", found["user"])
    Path(found["pub"]).write_text(auth("nkey", "show", found["user"]).out)
    for name in ("x1", "x2"):
        auth("nkey", "gen", "curve", "--output", found[name])
    return found


def test_a_generated_key_is_a_seed_and_then_its_public_key(auth: Auth) -> None:
    assert auth("nkey", "gen", "user").out.startswith("SU")
    seed, public = auth("nkey", "gen", "account", "--public").out.splitlines()
    assert seed.startswith("SA") and public.startswith("A")
    assert auth("nkey", "gen", "x25519").out.startswith("SX")


def test_signatures_are_those_of_nk(
    auth: Auth, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    signed = auth("nkey", "sign", files["text"], files["user"]).out
    assert nk_main(["-sign", files["text"], "-inkey", files["user"]]) == 0
    assert capsys.readouterr().out == signed
    Path(files["sig"]).write_text(signed)
    for key in ("user", "pub"):
        said = auth("nkey", "verify", files["text"], files["sig"], files[key])
        assert said.out == "Verified OK\n"
    for wrong in ("text", "user"):
        said = auth("nkey", "verify", files[wrong], files["pub"], files["pub"], code=1)
        assert said.err == "pynats: error: signature verification failed\n"
    said = auth("nkey", "sign", files["text"], files["pub"], code=1)
    assert "public key" in said.err


@pytest.mark.parametrize("form", ["--b64", "--no-b64"])
def test_what_is_sealed_opens_only_for_its_recipient(
    auth: Auth, files: dict[str, str], tmp_path: Path, form: str
) -> None:
    one, two = (auth("nkey", "show", files[name]).out.strip() for name in ("x1", "x2"))
    sealed, opened = str(tmp_path / "sealed"), str(tmp_path / "opened")
    auth("nkey", "seal", files["text"], files["x1"], two, form, "--output", sealed)
    auth("nkey", "unseal", sealed, files["x2"], one, form, "--output", opened)
    assert Path(opened).read_bytes() == Path(files["text"]).read_bytes()
    auth("nkey", "unseal", sealed, files["x1"], one, form, code=1)
    auth("nkey", "unseal", files["text"], files["x2"], one, form, code=1)
    auth("nkey", "seal", files["text"], files["user"], two, code=1)
    auth("nkey", "seal", files["text"], files["x1"], "UABC", code=1)


def test_ids_are_new_each_time(auth: Auth) -> None:
    ids = {auth("nuid", "gen").out for _ in range(3)}
    assert len(ids) == 3 and {len(each) for each in ids} == {23}
