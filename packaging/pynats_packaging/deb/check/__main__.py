"""`python -m pynats_packaging.deb.check [--packages DIR] [--root-tar FILE]`."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pynats_packaging.deb.check import steps
from pynats_packaging.deb.check.machine import CheckFailed, Machine, make_root

TOOLS = ("debootstrap", "systemd-nspawn", "nsenter", "dpkg-deb")


def main() -> int:
    """Runs all steps; the first that fails is the last."""
    parser = argparse.ArgumentParser(prog="pynats_packaging.deb.check", description=__doc__)
    parser.add_argument(
        "--packages", type=Path, default=Path("dist"), help="where the packages are"
    )
    parser.add_argument("--root-tar", type=Path, help="a system, instead of debootstrap's")
    asked = parser.parse_args()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        sys.stderr.write(f"deb-check: needs root and {', '.join(missing or TOOLS)}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pynats-deb-check-") as scratch:
        work = Path(scratch)
        try:
            packages = _newest(asked.packages)
            newer, version = _raised(packages, work / "newer")
            steps.say("making a fresh system")
            suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
            make_root(work / "root", suite, asked.root_tar)
            machine = Machine(work / "root")
            steps.install(machine, packages)
            steps.foreground(machine)
            with machine.booted():
                steps.service(machine)
                steps.lame_duck(machine)
                steps.upgrade(machine, newer, version)
                steps.interrupted(machine, newer)
                steps.remove(machine, newer)
                steps.purge(machine, newer)
        except (CheckFailed, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"deb-check: FAILED: {error}\n")
            return 1
    steps.say("all is as promised")
    return 0


def _newest(folder: Path) -> list[Path]:
    found = []
    for name in ("pynats", "pynats-server"):
        packages = sorted(folder.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
        if not packages:
            raise CheckFailed(f"no package {name} in {folder}: make deb")
        found.append(packages[-1])
    return found


def _raised(packages: list[Path], out: Path) -> tuple[list[Path], str]:
    """The same packages as a higher version."""
    out.mkdir()
    made, version = [], ""
    for package in packages:
        folder = out / package.stem
        subprocess.run(["dpkg-deb", "-R", str(package), str(folder)], check=True)
        control = folder / "DEBIAN/control"
        text = control.read_text()
        before = next(line.split()[1] for line in text.splitlines() if line.startswith("Version:"))
        version = f"{before}+check1"
        control.write_text(text.replace(before, version))
        target = out / f"{package.stem}+check1.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(folder), str(target)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        shutil.rmtree(folder)
        made.append(target)
    return made, version


if __name__ == "__main__":
    sys.exit(main())
