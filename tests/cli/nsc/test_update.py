"""`update`: pip installs a newer version, or one line says why not. No network is used."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from pynats_common.accounts_store.errors import StoreError
from pynsc.commands import update

Nsc = Callable[..., Any]
NAME = "pynsc_update_probe"


def write_wheel(folder: Path, version: str) -> None:
    """The smallest wheel that pip accepts."""
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{NAME}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
                         "Tag: py3-none-any\n",
    }  # fmt: skip
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{NAME}-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)


@pytest.fixture
def index(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as pip's only source."""
    folder = home / "wheels"
    write_wheel(folder, "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_pip_brings_the_latest_or_the_wanted_version(home: Path, index: Path) -> None:
    environment = home / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    # The pip of this environment: a new one takes long to install.
    pip = metadata.distribution("pip").locate_file("")
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "pip.pth").write_text(f"{pip}\n")
    python = str(environment / "bin/python")
    with zipfile.ZipFile(index / f"{NAME}-1.0-py3-none-any.whl") as installed:
        installed.extractall(packages)
    write_wheel(index, "1.1")
    assert update.upgrade(NAME, "", python) == "1.1"
    assert update.upgrade(NAME, "1.0", python) == "1.0"
    for wheel in index.iterdir():  # nowhere to look: what is installed is not said to be the latest
        wheel.rename(home / wheel.name)
    with pytest.raises(StoreError, match="cannot update to the latest version"):
        update.upgrade(NAME, "", python)
    for wheel in home.glob("*.whl"):
        wheel.rename(index / wheel.name)
    with pytest.raises(StoreError, match=f"cannot update to 9.9: .*{NAME}==9.9"):
        update.upgrade(NAME, "9.9", python)


def test_no_index_is_one_line_with_a_hint(
    nsc: Nsc, home: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "_refuse_foreign_installation", lambda: None)
    error = nsc("update", "--version", "99.0", code=1).err.strip().splitlines()[-1]
    assert error.startswith("Error: cannot update to 99.0: ") and "reachable?" in error
    assert "invalid" in nsc("update", "--version", "; rm -rf", code=1).err
    have = metadata.version(update.DISTRIBUTION)
    assert "is the requested version" in nsc("update", "--version", f"v{have}").err


def test_an_installation_from_source_is_left_to_its_owner(
    nsc: Nsc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A build leaves metadata beside the sources, without a word about how they are installed.
    left = tmp_path / "pynats_toolbox.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text(f"Name: {update.DISTRIBUTION}\nVersion: 0.0\n")
    installed = tmp_path / "site" / "pynats_toolbox-0.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(f"Name: {update.DISTRIBUTION}\nVersion: 0.0\n")
    (installed / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "x"}')
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "site"), *sys.path])
    assert "source folder" in nsc("update", code=1).err
