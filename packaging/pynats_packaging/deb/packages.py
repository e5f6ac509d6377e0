"""The two packages: which files they have, and what they say of themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from pynats_packaging.deb import archive, documents, environment
from pynats_packaging.sources import ROOT

DEBIAN = ROOT / "packaging/debian"
SYSTEMD = ROOT / "packaging/systemd"
TOOLS = """\
NATS toolbox: message broker and command line tools
PyNATS works with every client of NATS: subjects, queue groups, requests,
streams that are kept (JetStream), key-value buckets, object stores.

This package has the programs: pynats-server (the broker), pynats (the command
line client), pynats-top, pynsc and pynk (accounts and keys), with the Python
packages that they need, in an environment of their own. To run a server as a
service install pynats-server.
"""
SERVER = """\
NATS message broker as a service
PyNATS works with every client of NATS: subjects, queue groups, requests,
streams that are kept (JetStream), key-value buckets, object stores.

This package runs the broker of the package pynats as a service of systemd:
with a user, a configuration and a place for data of its own. More servers on
one machine are instances of pynats-server@.service.
"""


@dataclass(frozen=True, slots=True)
class Release:
    """What both packages have in common."""

    version: str  # Debian's: 0.1.0-1
    maintainer: str
    epoch: int  # the time that all files have
    python: Path  # that of the system, which runs them
    python_version: str  # 3.11

    def fields(self, package: str, architecture: str, description: str) -> dict[str, str]:
        """The control fields that both have."""
        return {
            "Package": package,
            "Source": "pynats",
            "Version": self.version,
            "Architecture": architecture,
            "Maintainer": self.maintainer,
            "Section": "net",
            "Priority": "optional",
            "Description": description,
        }


def build_tools(
    release: Release, wheel: Path, needed: Sequence[Distribution], work: Path, out: Path
) -> Path:
    """The package `pynats`."""
    root = work / "pynats"
    environment.fill(root, wheel, needed, release.python, release.python_version)
    environment.compile_all(root, release.python, release.python_version)
    _write_documents(root, "pynats", release, documents.copyright_text(needed))
    shutil.copy(ROOT / "docs/reference/configuration.md", root / "usr/share/doc/pynats")
    _write_manuals(root, release.epoch)
    _write_completions(root, work / "completions", release.epoch)
    _write_overrides(root, "pynats")
    _copy_scripts(root, "pynats")
    fields = release.fields("pynats", archive.architecture(), TOOLS)
    first, second = (int(part) for part in release.python_version.split("."))
    fields["Depends"] = ", ".join(
        (
            f"python3 (>= {first}.{second}~)",
            f"python3 (<< {first}.{second + 1})",
            archive.library_dependencies(root, work / "shlibs"),
        )
    )
    fields["Recommends"] = "ca-certificates"
    fields["Suggests"] = "pynats-server"
    return archive.pack(root, fields, out, release.epoch)


def build_server(release: Release, work: Path, out: Path) -> Path:
    """The package `pynats-server`."""
    root = work / "pynats-server"
    for source, target in (
        (SYSTEMD / "pynats-server.service", "lib/systemd/system/pynats-server.service"),
        (SYSTEMD / "pynats-server@.service", "lib/systemd/system/pynats-server@.service"),
        (SYSTEMD / "pynats.sysusers", "usr/lib/sysusers.d/pynats.conf"),
        (SYSTEMD / "pynats.tmpfiles", "usr/lib/tmpfiles.d/pynats.conf"),
        (DEBIAN / "pynats-server/server.conf", "etc/pynats/server.conf"),
    ):
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / target)
    _write_documents(root, "pynats-server", release, documents.copyright_text())
    _write_overrides(root, "pynats-server")
    _copy_scripts(root, "pynats-server")
    fields = release.fields("pynats-server", "all", SERVER)
    fields["Depends"] = ", ".join(
        (
            f"pynats (= {release.version})",
            "systemd (>= 250) | systemd-standalone-sysusers",
            "init-system-helpers (>= 1.52)",
            "debconf (>= 0.5) | debconf-2.0",
        )
    )
    return archive.pack(root, fields, out, release.epoch)


def _write_documents(root: Path, package: str, release: Release, text: str) -> None:
    folder = root / "usr/share/doc" / package
    folder.mkdir(parents=True)
    (folder / "copyright").write_text(text)
    news = (ROOT / "CHANGELOG.md").read_bytes()
    (folder / "changelog.gz").write_bytes(documents.packed(news))
    own = documents.changelog(package, release.version, release.maintainer, release.epoch)
    (folder / "changelog.Debian.gz").write_bytes(own)


def _write_manuals(root: Path, epoch: int) -> None:
    made = root / "usr/share/man"
    flat = made / "flat"
    _run_room("man", flat, epoch)
    for page in sorted(flat.rglob("*.[1-8]")):
        folder = made / f"man{page.suffix[1]}"
        folder.mkdir(exist_ok=True)
        (folder / f"{page.name}.gz").write_bytes(documents.packed(page.read_bytes()))
    shutil.rmtree(flat)


# Where each shell of Debian looks, and what a file must be called there.
SHELLS = {
    "bash": ("usr/share/bash-completion/completions", "{name}"),
    "zsh": ("usr/share/zsh/vendor-completions", "_{name}"),
    "fish": ("usr/share/fish/vendor_completions.d", "{name}.fish"),
}


def _write_completions(root: Path, made: Path, epoch: int) -> None:
    _run_room("completions", made, epoch)
    for shell, (folder, pattern) in SHELLS.items():
        (root / folder).mkdir(parents=True)
        for file in sorted((made / shell).iterdir()):
            name = file.name.removeprefix("_").split(".")[0]
            shutil.copyfile(file, root / folder / pattern.format(name=name))


def _run_room(room: str, target: Path, epoch: int) -> None:
    """What it writes has the packages' date, whenever they are built."""
    target.mkdir(parents=True)
    path = os.pathsep.join((str(ROOT / "packaging"), os.environ.get("PYTHONPATH", "")))
    subprocess.run(
        [sys.executable, "-m", f"pynats_packaging.{room}", str(target)],
        check=True,
        env={**os.environ, "PYTHONPATH": path, "SOURCE_DATE_EPOCH": str(epoch)},
    )  # fmt: skip


def _write_overrides(root: Path, package: str) -> None:
    """Why lintian is not followed in some things; each has its reason beside it."""
    source = DEBIAN / package / "lintian-overrides"
    if source.exists():
        folder = root / "usr/share/lintian/overrides"
        folder.mkdir(parents=True)
        shutil.copyfile(source, folder / package)


def _copy_scripts(root: Path, package: str) -> None:
    info = root / "DEBIAN"
    info.mkdir()
    for name in (*archive.SCRIPTS, "templates", "conffiles", "triggers"):
        source = DEBIAN / package / name
        if source.exists():
            shutil.copyfile(source, info / name)
