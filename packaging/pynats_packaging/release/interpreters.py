"""Which Pythons are here: one for each version that the project names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CLASSIFIER = re.compile(r"Programming Language :: Python :: 3\.(\d+)$")
_TIMEOUT_S = 60
_PROBE = """
import json, sys, sysconfig
from pathlib import Path
import ensurepip, venv
print(json.dumps({
    "executable": sys.executable,
    "implementation": sys.implementation.name,
    "version": sys.version_info[:3],
    "final": sys.version_info.releaselevel == "final",
    "free": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "headers": (Path(sysconfig.get_path("include")) / "Python.h").exists(),
}))
"""


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython that extension modules can be compiled for."""

    version: tuple[int, int, int]
    path: Path

    @property
    def name(self) -> str:
        """`3.12`."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def full_name(self) -> str:
        """`3.12.1`."""
        return ".".join(map(str, self.version))


def wanted_versions(pyproject: Path) -> list[str]:
    """The versions of Python in the project's classifiers, `3.11` first."""
    classifiers = tomllib.loads(pyproject.read_text())["project"]["classifiers"]
    minors = sorted(int(found[1]) for line in classifiers if (found := _CLASSIFIER.match(line)))
    return [f"3.{minor}" for minor in minors]


def discovered(versions: Iterable[str], searched: Iterable[Path]) -> dict[str, Interpreter]:
    """The newest of each version in the folders."""
    best: dict[str, Interpreter] = {}
    for version in versions:
        candidates = (folder / f"python{version}" for folder in searched)
        for path in candidates:
            found = probe(path) if path.exists() else None
            if found and found.name == version:
                best[version] = max(best.get(version, found), found, key=lambda one: one.version)
    return best


def probe(path: Path) -> Interpreter | None:
    """What this is; None unless it is a CPython with which modules can be compiled."""
    try:
        done = subprocess.run(
            [path, "-c", _PROBE], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
        told = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if told["implementation"] != "cpython" or told["free"] or not told["headers"]:
        return None
    if not told["final"]:
        return None
    major, minor, micro = told["version"]
    return Interpreter((major, minor, micro), Path(told["executable"]))  # `path` may be a shim


def usual_folders() -> list[Path]:
    """$PATH, and where pyenv and uv keep theirs."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = home / ".local/share/uv/python"
    kept = [folder / "bin" for root in (pyenv, uv) for folder in sorted(root.glob("*"))]
    return [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder] + kept
