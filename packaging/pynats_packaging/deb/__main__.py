"""`python -m pynats_packaging.deb OUTDIR`: builds both packages from this source tree."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from pynats_common.program.epoch import EpochError

from pynats_packaging.deb.archive import PackingError
from pynats_packaging.deb.distributions import IncompleteError, needed
from pynats_packaging.deb.environment import PythonError, check_python
from pynats_packaging.deb.packages import Release, build_server, build_tools
from pynats_packaging.deb.wheel import build_wheel
from pynats_packaging.sources import ROOT, source_epoch

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def main() -> int:
    """Says where the packages are."""
    parser = argparse.ArgumentParser(prog="pynats_packaging.deb", description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--wheel", type=Path, help="instead of one built from this tree")
    parser.add_argument("--version", help="Debian's version of the packages, e.g. 0.1.0-1")
    parser.add_argument(
        "--python", type=Path, default=Path(f"/usr/bin/python{VERSION}"),
        help="the system's Python, which runs what is installed (default %(default)s)",
    )  # fmt: skip
    asked = parser.parse_args()
    begun = time.monotonic()
    try:
        if not asked.python.exists():
            raise PythonError(
                f"{asked.python} does not exist: packages are for the Python of this system, "
                f"and the modules here are compiled for {VERSION}"
            )
        check_python(asked.python, VERSION)
        release = Release(
            asked.version or f"{_project()['version']}-1",
            _maintainer(),
            source_epoch(ROOT),
            asked.python,
            VERSION,
        )
        with tempfile.TemporaryDirectory(prefix="pynats-deb-") as scratch:
            work = Path(scratch)
            wheel = asked.wheel or build_wheel(ROOT, work / "wheel")
            built = (
                build_tools(release, wheel, needed(), work, asked.outdir),
                build_server(release, work, asked.outdir),
            )
    except (PythonError, PackingError, IncompleteError, EpochError) as error:
        sys.stderr.write(f"pynats: {error}\n")
        return 1
    for package in built:
        print(f"pynats: {package} ({package.stat().st_size / 1e6:.1f} MB)")
    print(f"pynats: built in {time.monotonic() - begun:.0f} s")
    return 0


def _project() -> dict[str, str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project: dict[str, str] = tomllib.load(file)["project"]
    return project


def _maintainer() -> str:
    """Debian's variables say who; otherwise nobody in particular."""
    name = os.environ.get("DEBFULLNAME", "The PyNATS authors")
    return f"{name} <{os.environ.get('DEBEMAIL', 'pynats@localhost.localdomain')}>"


if __name__ == "__main__":
    sys.exit(main())
