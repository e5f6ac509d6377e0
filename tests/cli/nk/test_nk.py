"""pynk: the original's spellings and output; errors in one line with exit status 1."""

from pathlib import Path

import pytest
from pynats_common import nkeys
from pynk.__main__ import KINDS, main

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


@pytest.mark.parametrize("kind", KINDS)
def test_gen_pubout_prints_seed_then_public_key(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-gen", kind, "-pubout"]) == 0
    seed, public = capsys.readouterr().out.split()
    assert nkeys.from_seed(seed).public_key == public


def test_sign_and_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, key, pub, sig = (tmp_path / name for name in ("data", "key", "pub", "sig"))
    data.write_bytes(b"hello")
    key.write_text(f"# my key\n\n{SEED}\n")
    pub.write_text(PUBLIC)
    assert main(["-sign", str(data), "-inkey", str(key)]) == 0
    sig.write_text(capsys.readouterr().out)
    assert "=" not in sig.read_text()
    for option, path in (("-pubin", pub), ("-inkey", key)):
        assert main(["-verify", str(data), "-sigfile", str(sig), option, str(path)]) == 0
        assert capsys.readouterr().out == "Verified OK\n"
    data.write_bytes(b"hullo")
    assert main(["--verify", str(data), "--sigfile", str(sig), "--pubin", str(pub)]) == 1
    assert capsys.readouterr().out == "invalid signature\n"


def test_inkey_pubout_prints_the_public_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_text(SEED)
    assert main(["-inkey", str(key), "-pubout"]) == 0
    assert capsys.readouterr().out.strip() == PUBLIC


def test_entropy_and_vanity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "entropy"
    source.write_bytes(bytes(range(32)))
    assert main(["-gen", "user", "-e", str(source)]) == 0
    assert capsys.readouterr().out.strip() == nkeys.encode_seed(nkeys.Prefix.USER, bytes(range(32)))
    assert main(["-gen", "user", "-pre", "cb"]) == 0
    assert capsys.readouterr().out.split()[1].startswith("UCB")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-gen", "nobody"],
        ["-gen", "user", "-pre", "1"],
        ["-gen", "user", "-e", "/nonexistent"],
        ["-e", "/dev/urandom"],
        ["-sign", "/nonexistent", "-inkey", "/nonexistent"],
        ["-sign", "x"],
        ["-verify", "x", "-inkey", "y"],
        ["-bogus"],
    ],
)
def test_mistakes_are_one_line_and_exit_1(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    out = capsys.readouterr()
    assert out.out.count("\n") == 1 and out.err == ""


def test_short_entropy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "entropy"
    source.write_bytes(b"short")
    assert main(["-gen", "user", "-e", str(source)]) == 1
    assert "entropy source ended early" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_pubin_takes_no_seed_and_inkey_no_public_key(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-gen", kind, "-pubout"]) == 0
    seed, public = capsys.readouterr().out.split()
    for name, text in (("seed", seed), ("public", public), ("both", f"{seed}\n{public}"),
                       ("data", "x"), ("signature", "AAAA")):  # fmt: skip
        (tmp_path / name).write_text(text)
    verify = ["-verify", str(tmp_path / "data"), "-sigfile", str(tmp_path / "signature")]
    for name in ("seed", "both"):
        assert main([*verify, "-pubin", str(tmp_path / name)]) == 1
        out = capsys.readouterr().out
        assert "-pubin takes a public key" in out and seed not in out
    path = str(tmp_path / "public")
    for arguments in ([*verify, "-inkey", path], ["-inkey", path, "-pubout"],
                      ["-sign", str(tmp_path / "data"), "-inkey", path]):  # fmt: skip
        assert main(arguments) == 1
        assert "-inkey takes a seed" in capsys.readouterr().out
