"""Files that were made to harm: archives and YAML."""

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from pynats_cli.errors import CliError
from pynats_cli.servers.audit.snapshot import Snapshot
from pynats_cli.servers.bundles.bundle import load_bundle
from pynats_cli.servers.configfile.yaml_form import read_yaml
from pynats_cli.servers.system import archive as archives
from pynats_cli.servers.system.archive import Archive
from pynats_common.config import ConfigError


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def answer(number: int) -> bytes:
    server = {"name": f"s{number}", "id": "N" * 20, "cluster": "c"}
    return json.dumps({"server": server, "data": {"port": 4222, "x": "y" * 200}}).encode()


GATHERED = zipped(
    {f"capture/clusters/c/s{number}/variables/0001.json": answer(number) for number in range(2)}
    | {"capture/misc/manifest.json": b"{}"}
)
BUNDLE = zipped(
    {"bundle.yaml": b"description: x", "scaffold.json": b"{}", "scaffold/a.conf": b"port: 1"}
)


def damaged(whole: bytes, seed: int) -> bytes:
    """The file cut off, or with some bytes changed."""
    chance = random.Random(seed)
    if seed % 3 == 0:
        return whole[: chance.randrange(len(whole))]
    made = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_damaged_archive_of_answers_is_told(tmp_path: Path) -> None:
    path, refused = tmp_path / "a.zip", 0
    for seed in range(600):
        path.write_bytes(damaged(GATHERED, seed))
        try:
            with Archive(path) as archive:
                _ = Snapshot(archive).varz
                archive.answers("VARZ")
        except CliError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > 300


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_damaged_bundle_is_told(tmp_path: Path) -> None:
    path, refused = tmp_path / "b.zip", 0
    for seed in range(300):
        path.write_bytes(damaged(BUNDLE, seed))
        try:
            load_bundle(str(path))
        except CliError:
            refused += 1
    assert refused > 150


def test_an_archive_that_unpacks_to_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FILE_BYTES_MAX", 100_000)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"capture/clusters/c/s/variables/0001.json": b" " * 1_000_000}))
    with Archive(path) as archive, pytest.raises(CliError, match="more than 100000 bytes"):
        archive.answers("VARZ")


def test_an_archive_that_is_nested_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"capture/clusters/c/s/variables/0001.json": b"[" * 100_000}))
    with Archive(path) as archive, pytest.raises(CliError, match="invalid JSON"):
        archive.answers("VARZ")


def many_aliases() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 9):
        row = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(f"a{number}: &a{number} [{row}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (many_aliases(), "more than 100000 values"),
        ("a: &a\n  b: *a\n", "nested more than 100 levels"),
        ("a: " + "[" * 150 + "]" * 150, "nested more than 100 levels"),
        ("a: " + "[" * 1_200, "nested too deeply"),
    ],
)
def test_yaml_that_means_more_than_it_is(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_yaml(text, "a.yaml")


def test_aliases_are_values_like_others() -> None:
    assert len(read_yaml("a: &a [1, 2]\nb: *a\n", "a.yaml").entries) == 2


@pytest.mark.parametrize("address", ["http://u:secret@127.0.0.1:1/x.zip", "http://u:secret@[x/y"])
def test_a_bundle_that_cannot_be_fetched_tells_no_password(address: str) -> None:
    with pytest.raises(CliError) as told:
        load_bundle(address)
    assert "secret" not in str(told.value)
